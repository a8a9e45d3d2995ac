"""Core-Cocktail on nano's fine-tuning to a domain: what is learnt, and what of the rest is lost.

`--folder` keeps what is done; a run that was stopped goes on there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cocktail_domain import CHUNKS, CocktailDomain
from benchmarks.cocktail_examination import (
    CocktailExamination,
    CocktailFigure,
    ExaminationSize,
    shown,
)
from benchmarks.cocktail_kitchen import FINAL_SHARE, HIGH, CocktailKitchen, CocktailTold
from benchmarks.hardware import describe
from benchmarks.pictures import draw_core_cocktail
from benchmarks.result import Result, finish
from interject.cli.process.signals import StopSignals
from interject.training.dataset.durable_files import whole_file
from interject.training.domain.domain_file import DomainSize
from interject.training.domain.domain_run import STREAMS_A_STEP
from interject.training.domain.work_watch import WorkStopped, WorkWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

Figures = dict[str, CocktailFigure]

ALPHAS = (0.25, 0.5, 0.75)
COLUMNS = {
    "learnt": ("domain: answered rightly, %", 100.0, 0),
    "learnt_false": ("domain: false replies an hour", 1.0, 0),
    "requests": ("nano's requests right, %", 100.0, 0),
    "alarms": ("alarms right, %", 100.0, 0),
    "counting": ("counting right, %", 100.0, 0),
    "known_false": ("false replies an hour where nothing asks", 1.0, 0),
    "text_loss": ("text loss", 1.0, 2),
}
DOMAIN_NOTE = (
    "The domain is a buzzer and a phrase, both made from nothing. Its streams hold none of nano's "
    "requests and alarms, where the row does not say so."
)
EXAMINATION_NOTE = (
    "Threshold 0.5, through the engine. Right: begun in time, and word for word. The domain is "
    "examined with an event or what is nearly one every few seconds, in takes and voices that were "
    "not learnt from; the rest with streams of nano's own examination, in held-out voices and "
    "sounds. Text loss: of its right replies, in nats a token."
)
INTERVALS_NOTE = (
    "In brackets: 95 % intervals (Wilson's; of rates and losses by drawing the streams again). "
    "One run: no other seed was tried."
)
DRAWN = ("learnt", "known", "learnt_false", "known_false")


@dataclass(frozen=True, slots=True)
class CocktailSize:
    """How much of everything. Phase 2 takes `low_steps`."""

    high_steps: int
    low_steps: int
    domain: DomainSize
    examination: ExaminationSize


FULL = CocktailSize(
    160, 40, DomainSize(streams=640, chunks=CHUNKS, test_hours=1.0), ExaminationSize()
)
TINY = CocktailSize(
    2,
    1,
    DomainSize(streams=8, chunks=10, voices_a_phrase=4, test_hours=0.02),
    ExaminationSize(2, 1, 1),
)


@dataclass(frozen=True, slots=True)
class CocktailRow:
    """A model of the table, and after how many steps it is."""

    key: str
    title: str
    steps: str
    make: Callable[[], Path]


def rows(kitchen: CocktailKitchen) -> Iterator[CocktailRow]:
    high, low = kitchen.high_steps, kitchen.low_steps
    yield CocktailRow("base", "nano, the base", "0", kitchen.base)
    yield CocktailRow("high", "high", f"{high}", kitchen.high)
    for alpha in ALPHAS:
        yield CocktailRow(
            f"merged-{alpha:g}",
            f"high, merged {alpha:g}",
            f"{high}",
            partial(kitchen.merged, alpha),
        )
    for alpha in ALPHAS:
        title = f"high, merged {alpha:g}, low"
        yield CocktailRow(
            f"cocktail-{alpha:g}", title, f"{high} + {low}", partial(kitchen.cocktail, alpha)
        )
    yield CocktailRow(
        "cocktail-1", "high, low, never merged", f"{high} + {low}", partial(kitchen.cocktail, 1.0)
    )
    yield CocktailRow("low", "low from the start", f"{high + low}", kitchen.low)
    yield CocktailRow(
        "among", "high, nano's own streams in the data", f"{high + low}", kitchen.among
    )


KEYS = ("base", "high", *(f"merged-{alpha:g}" for alpha in ALPHAS),
        *(f"cocktail-{alpha:g}" for alpha in (*ALPHAS, 1)), "low", "among")  # fmt: skip


def scored(
    kitchen: CocktailKitchen,
    size: CocktailSize,
    speech: Path,
    only: Collection[str] = KEYS,
    *,
    smoke: bool = False,
) -> list[tuple[CocktailRow, Figures]]:
    """Every row of these keys; those that are done are read.

    :raises WorkStopped: when it was to stop.
    """

    @cache
    def examination() -> CocktailExamination:
        kitchen.told.say("examination streams")
        alone = kitchen.domain.alone
        return CocktailExamination.make(alone, speech, size.examination, kitchen.watch, smoke=smoke)

    found = []
    for row in (row for row in rows(kitchen) if row.key in only):
        path = kitchen.folder / "rows" / f"{row.key}.json"
        if not path.is_file():
            model = row.make()
            kitchen.told.say(f"examining: {row.title}")
            figures = examination().examine(model, kitchen.folder / "played", kitchen.watch)
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as file:
                json.dump({name: asdict(figure) for name, figure in figures.items()}, file)
        known = json.loads(path.read_text(encoding="utf-8"))
        found.append((row, {name: CocktailFigure(**figure) for name, figure in known.items()}))
        kitchen.told.say(f"{row.title}: {' | '.join(cells(found[-1][1]))}")
    return found


def cells(figures: Figures) -> list[str]:
    return [shown(figures[name], factor, digits) for name, (_, factor, digits) in COLUMNS.items()]


def notes(size: CocktailSize) -> list[str]:
    high, low = size.high_steps, size.low_steps
    phases = (
        f"High: the rate falls from {HIGH:g} to {HIGH * FINAL_SHARE:g} over {high} steps. Low: "
        f"from {HIGH * FINAL_SHARE:g} to {HIGH * FINAL_SHARE**2:g} over {low}, from the start over "
        f"{high + low}. A step takes {STREAMS_A_STEP} of {size.domain.streams} streams of 12 s. "
        "Adapter and decoder are trained. Merged 0.25: a quarter of each decoder tensor is the "
        "tuned model's, the rest nano's; the adapter is the tuned model's."
    )
    return [phases, DOMAIN_NOTE, EXAMINATION_NOTE, INTERVALS_NOTE]


def result(found: list[tuple[CocktailRow, Figures]], size: CocktailSize) -> Result:
    keys = tuple(row.key for row, _ in found)
    only = "" if keys == KEYS else f" --only {' '.join(keys)}"
    return Result(
        name="core_cocktail",
        title="Core-Cocktail on a domain",
        command=f"OMP_NUM_THREADS=1 python -m benchmarks.core_cocktail --folder DIR{only}",
        hardware=describe(),
        columns=["model", "steps", *(title for title, *_ in COLUMNS.values())],
        rows=[[row.title, row.steps, *cells(figures)] for row, figures in found],
        notes=notes(size),
        series={
            row.title: [
                number
                for name in DRAWN
                for number in (figures[name].value, figures[name].low, figures[name].high)
            ]
            for row, figures in found
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary one)")
    parser.add_argument("--smoke", action="store_true", help="tiny; nothing is kept")
    parser.add_argument("--only", nargs="+", choices=KEYS, default=KEYS, help="these rows")
    given = parser.parse_args()
    size = TINY if given.smoke else FULL
    with tempfile.TemporaryDirectory() as spare, StopSignals() as signals:
        folder: Path = given.folder or Path(spare)
        told = CocktailTold()
        watch = WorkWatch(told, lambda: signals.received is not None)
        domain = CocktailDomain.make(folder, size.domain, smoke=given.smoke)
        about = hashlib.sha256(f"{size}{domain.alone.digest()}".encode()).hexdigest()[:12]
        kitchen = CocktailKitchen(
            folder / about, domain, size.high_steps, size.low_steps, watch, told
        )
        try:
            found = scored(kitchen, size, folder / "speech", given.only, smoke=given.smoke)
        except WorkStopped:
            told.say("stopped; the same command goes on from there")
            sys.exit(signals.exit_code())
    outcome = result(found, size)
    finish(outcome, keep=not given.smoke)
    if not given.smoke:
        draw_core_cocktail(outcome.series)


if __name__ == "__main__":
    main()
