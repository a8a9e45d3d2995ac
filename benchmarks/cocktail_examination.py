"""What a model has learnt of the domain, and what it still knows of the rest: counted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from interject.model_runtime.checkpoint import load_checkpoint
from interject.training.domain.domain_source import as_stream
from interject.training.domain.examination import examination_streams
from interject.training.domain.examiner import Examiner
from interject.training.nano.held_out import examine_with, festival_bank
from interject.training.nano.language import HELP, INTENTS, RESPOND_REPLIES
from interject.training.nano.scene import Style
from interject.training.nano.stock import make_stock
from interject.training.sequences.hearing import DirectHearing
from interject.training.sequences.packed_model import PackedModel
from interject.training.sequences.packing import pack
from interject.training.sequences.sequence_writer import SequenceWriter
from interject.training.sound_benchmark.bootstrap import estimate_of_rows, wilson
from interject.training.streaming_benchmark.matching import match

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from interject.model_runtime.checkpoint import Model
    from interject.training.domain.domain_stock import DomainMaterial
    from interject.training.domain.work_watch import WorkWatch
    from interject.training.nano.scene import Scene
    from interject.training.sound_benchmark.bootstrap import Estimate
    from interject.training.streaming_benchmark.played_stream import PlayedStream

THRESHOLD = 0.5
_SEED = 81_001
_REQUESTS = frozenset({"what_sound", *(intent.key for intent in (*INTENTS, HELP))})
_ALARMS = frozenset(RESPOND_REPLIES)


@dataclass(frozen=True, slots=True)
class CocktailFigure:
    """A share (0 to 1), a rate or a loss, with its 95 % interval. `counted`: what it is made of."""

    value: float
    low: float
    high: float
    counted: str = ""


@dataclass(frozen=True, slots=True)
class ExaminationSize:
    """Streams of 24 s: with nano's own requests and alarms, with counting, with nothing to answer.
    The domain's follow from its `test_hours`.
    """

    mixed: int = 30
    counting: int = 14
    calm: int = 30


@dataclass(frozen=True, slots=True)
class CocktailExamination:
    """The same streams for every model. Nothing in them was learnt from, by anyone."""

    domain: tuple[Scene, ...]
    mixed: tuple[Scene, ...]
    counting: tuple[Scene, ...]
    calm: tuple[Scene, ...]

    @classmethod
    def make(
        cls,
        material: DomainMaterial,
        folder: Path,
        size: ExaminationSize,
        watch: WorkWatch,
        *,
        smoke: bool,
    ) -> CocktailExamination:
        """nano's own streams are those of its examination: voices of a synthesiser, and sounds made
        by means, that it never learnt from.

        :raises WorkStopped: when it was to stop.
        """
        domain = examination_streams(material, watch).dense
        watch.check()
        bank = material.speak(held_out=True)[0] if smoke else festival_bank(folder)
        few = 2 if smoke else 60
        stock = make_stock(bank, _SEED, sounds_a_class=few, rooms=few, held_out=True)
        watch.check()
        return cls(
            domain,
            tuple(examine_with(stock, size.mixed, Style.MIXED)),
            tuple(examine_with(stock, size.counting, Style.COUNT)),
            tuple(examine_with(stock, size.calm, Style.UNRELATED)),
        )

    def examine(self, model: Path, played: Path, watch: WorkWatch) -> dict[str, CocktailFigure]:
        """By name. What was played before is not played again.

        :raises WorkStopped: when it was to stop.
        """
        loaded = load_checkpoint(model)
        examiner = Examiner(loaded, played, watch)
        domain, mixed, counting, calm = (
            examiner.play(scenes, THRESHOLD)
            for scenes in (self.domain, self.mixed, self.counting, self.calm)
        )
        known = [*mixed, *counting]
        return {
            "learnt": answered_rightly(domain, lambda kind: True),
            "learnt_false": said_wrongly(domain),
            "requests": answered_rightly(known, _REQUESTS.__contains__),
            "alarms": answered_rightly(known, _ALARMS.__contains__),
            "counting": answered_rightly(known, _counts),
            "known": answered_rightly(known, lambda kind: True),
            "known_false": said_wrongly(calm),
            "text_loss": _text_loss(loaded, [*self.mixed, *self.counting]),
        }


def shown(figure: CocktailFigure, factor: float = 1.0, digits: int = 0) -> str:
    """For a table."""
    value, low, high = (
        f"{factor * each:.{digits}f}" for each in (figure.value, figure.low, figure.high)
    )
    counted = f": {figure.counted}" if figure.counted else ""
    return f"{value} [{low}, {high}]{counted}"


def _counts(kind: str) -> bool:
    """To be told what to count, and the numbers."""
    return kind == "number" or kind.startswith("count_")


def answered_rightly(
    played: Sequence[PlayedStream], asked: Callable[[str], bool]
) -> CocktailFigure:
    """In time and word for word."""
    wanted = sum(asked(due.kind) for stream in played for due in stream.due)
    right = sum(
        asked(due.kind) and heard.text == due.text
        for stream in played
        for due, heard in match(stream.due, stream.heard).pairs
    )
    return _figure(wilson(right, wanted), f"{right} of {wanted}")


def said_wrongly(played: Sequence[PlayedStream]) -> CocktailFigure:
    """An hour."""
    rows = np.array([(len(match(s.due, s.heard).false), s.hours) for s in played], np.float64)
    found = estimate_of_rows(rows, lambda sums: sums[:, 0] / sums[:, 1], seed=_SEED)
    return _figure(found, f"{rows[:, 0].sum():.0f} in {60 * rows[:, 1].sum():.0f} min")


@torch.inference_mode()
def _text_loss(model: Model, scenes: Sequence[Scene]) -> CocktailFigure:
    """Of the words of right replies at the right moment, in nats a token."""
    writer = SequenceWriter(model)
    packed = PackedModel(model, DirectHearing(model.config)).eval()
    rows = []
    for number, scene in enumerate(scenes):
        loss = packed(pack([writer.online(as_stream(scene, f"{number}", _SEED))]))
        rows.append((float(loss.text), loss.text_count))
    found = estimate_of_rows(
        np.array(rows, np.float64), lambda sums: sums[:, 0] / sums[:, 1], seed=_SEED
    )
    return _figure(found)


def _figure(found: Estimate, counted: str = "") -> CocktailFigure:
    """Nothing to measure it on makes NaN of it: the table shows that."""
    nan = float("nan")
    values = {k: nan if v is None else round(v, 4) for k, v in asdict(found).items()}
    return CocktailFigure(**values, counted=counted)
