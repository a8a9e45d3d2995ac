"""Examine a model.

`python -m interject.training.nano.examine MODEL --cache DIR --json scores.json`, or on recordings
and natural voices: `... MODEL --recordings DIR --speech TEST.npz --json scores.json`
"""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 (typer reads it)
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import torch
import typer

from interject.model_runtime.checkpoint import load_checkpoint
from interject.model_runtime.protocol import RuntimeFailure
from interject.training.nano.evaluation import AT_THRESHOLD, DEFAULT_THRESHOLD, Score, evaluate
from interject.training.nano.held_out import examine_with, festival_bank
from interject.training.nano.recorded_examination import PARTS, RecordedExamination, table
from interject.training.nano.scene import Style
from interject.training.nano.speech_bank import BankSize, SpeechBank, open_bank
from interject.training.nano.stock import make_stock
from interject.training.recordings.collection import BadCollection, RecordingCollection
from interject.training.speech.utterance import SynthesisError

if TYPE_CHECKING:
    from collections.abc import Collection

    from interject.training.nano.scene import Scene

_TEST_SEED = 70_001
_TEST_BANK = BankSize(6, 1, 500, 40, 40, 300, 40, 2, own_a_reply=0, isolated=200)


@dataclass(frozen=True, slots=True)
class Examination:
    """A named set of streams. `strange` voices are held out, so are the `new` sounds."""

    style: Style
    strange: bool = True
    new: bool = False
    share: float = 1.0

    def streams(self, cache: Path, count: int) -> list[Scene]:
        bank = festival_bank(cache) if self.strange else open_bank(cache, _TEST_BANK, _TEST_SEED)
        stock = make_stock(bank, _TEST_SEED, sounds_a_class=60, rooms=60, held_out=self.new)
        return examine_with(stock, max(1, int(count * self.share)), self.style)


EXAMINATIONS = {
    "training voices": Examination(Style.MIXED, strange=False),
    "held-out voices": Examination(Style.MIXED),
    "held-out voices and sounds": Examination(Style.MIXED, new=True),
    "counting, held-out voices": Examination(Style.COUNT, share=1 / 3),
    "unrelated, held-out voices": Examination(Style.UNRELATED, share=2.5),
}


def summary(score: Score) -> dict[str, Any]:
    late = [chunks for counts in score.kinds.values() for chunks in counts.late]
    return {
        "precision": round(score.precision, 3),
        "recall": round(score.recall, 3),
        "exact_replies": round(score.exact, 3),
        "false_an_hour": round(score.false_an_hour, 1),
        "wanted": score.wanted,
        "false": score.false,
        "hours": round(score.hours, 3),
        "mean_late_chunks": round(float(np.mean(late)), 2) if late else None,
        "kinds": {
            kind: {"wanted": t.wanted, "found": t.found, "exact": t.exact,
                   "false_after": score.false_after[kind]}
            for kind, t in sorted(score.kinds.items())
        },
        "false_after": dict(score.false_after.most_common()),
    }  # fmt: skip


def main(
    model: Annotated[str, typer.Argument(help="Checkpoint folder, or nano.")],
    cache: Annotated[
        Path | None, typer.Option(help="Where test speech is kept, made by synthesisers.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Streams of 24 s in a set.")] = 60,
    threshold: Annotated[
        list[float] | None, typer.Option(min=0, max=1, help="May be given several times.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the scores here.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only the sets of these names.")] = None,
    threads: Annotated[int, typer.Option(min=1)] = 1,
    recordings: Annotated[
        Path | None, typer.Option(help="A collection of recordings, in place of synthesisers.")
    ] = None,
    speech: Annotated[
        list[Path] | None, typer.Option(help="A bank of voices never heard; may be repeated.")
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0, help="Of speech that asks nothing; 0 takes all there is.")
    ] = 60.0,
    requests: Annotated[int, typer.Option(min=1, help="The most that are taken of a bank.")] = 200,
    markdown: Annotated[
        Path | None, typer.Option(help="Write the table of recordings here.")
    ] = None,
) -> None:
    """Play test streams through the engine and print precision, recall and replies."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    torch.set_num_threads(threads)
    thresholds = threshold or [DEFAULT_THRESHOLD]
    sets = PARTS if recordings else tuple(EXAMINATIONS)
    if unknown := set(only or ()) - set(sets):
        raise typer.BadParameter(f"no set {unknown.pop()!r}; there are: {', '.join(sets)}")
    if recordings is not None:
        results = _on_recordings(
            model, recordings, speech or [], minutes or None, requests, thresholds, only or PARTS
        )
        _write(results, json_file)
        sys.stdout.write(table(results))
        if markdown:
            markdown.write_text(table(results))
        return
    if cache is None:
        raise typer.BadParameter("name --recordings DIR, or --cache DIR for synthesised streams")
    results = {}
    try:
        loaded = load_checkpoint(model)
        for name in only or EXAMINATIONS:
            scenes = EXAMINATIONS[name].streams(cache, count)
            for at in thresholds:
                titled = name if at == DEFAULT_THRESHOLD else f"{name}{AT_THRESHOLD}{at:g}"
                results[titled] = summary(evaluate(loaded, scenes, at))
                _show(titled, results[titled])
    except (RuntimeFailure, SynthesisError) as error:
        raise typer.BadParameter(str(error)) from error
    _write(results, json_file)


def _on_recordings(
    model: str,
    recordings: Path,
    speech: list[Path],
    minutes: float | None,
    requests: int,
    thresholds: list[float],
    only: Collection[str],
) -> dict[str, Any]:
    try:
        loaded = load_checkpoint(model)
        collection = RecordingCollection.open(recordings)
        banks = {path.stem: SpeechBank.load(path) for path in speech}
        examination = RecordedExamination(collection, banks, minutes, requests)
        return {f"{at:g}": examination.examine(loaded, at, only) for at in thresholds}
    except (RuntimeFailure, BadCollection) as error:
        raise typer.BadParameter(str(error)) from error
    except (OSError, KeyError, ValueError) as error:
        raise typer.BadParameter(f"a bank of speech cannot be read: {error}") from error


def _write(results: dict[str, Any], path: Path | None) -> None:
    if path:
        path.write_text(json.dumps(results, indent=1) + "\n")


def _show(name: str, result: dict[str, Any]) -> None:
    line = {key: value for key, value in result.items() if key != "kinds"}
    sys.stdout.write(f"{name}: {json.dumps(line)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    typer.run(main)
