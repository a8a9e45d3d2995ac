"""Which recordings a model answers though they ask nothing, so that a run draws them more often.

`python -m interject.training.nano.hard_recordings MODEL --recordings DIR --out hard.json`
"""

from __future__ import annotations

import json
import sys
from pathlib import Path  # noqa: TC003 (typer reads it)
from typing import TYPE_CHECKING, Annotated

import torch
import typer
from pydantic import TypeAdapter, ValidationError

from interject.model_runtime.checkpoint import load_checkpoint
from interject.model_runtime.protocol import FRAME_SAMPLES, SAMPLE_RATE_HZ, RuntimeFailure
from interject.training.fine_tuning.failure import TrainingFailure
from interject.training.nano.language import RESPOND_REPLIES
from interject.training.nano.recorded_scenes import LONGEST_SOUND_S, PlayedSound, streams
from interject.training.nano.recorded_scores import hear
from interject.training.nano.recorded_stock import UNCLEAR
from interject.training.recordings.collection import BadCollection, RecordingCollection
from interject.training.recordings.recording import RecordingUse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.model_runtime.checkpoint import Model
    from interject.training.nano.recorded_scores import HeardScene

_NEVER = 1.0
"""No reply is begun: what comes after one would be heard in another light."""
_FILE = TypeAdapter(dict[str, float])


def hardness(model: Model, collection: RecordingCollection) -> dict[str, float]:
    """By file: the largest P(respond) from its beginning to that of the next.

    :raises BadCollection: when a file is missing or damaged.
    """
    heard = hear(model, streams(_unanswered(collection)), _NEVER, _tell)
    return {file: round(p, 3) for one in heard for file, p in _largest(one)}


def read_hardness(path: Path) -> dict[str, float]:
    """:raises TrainingFailure: when it is missing or something else."""
    try:
        return _FILE.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise TrainingFailure(
            f"{path}: holds no hard recordings ({type(error).__name__});"
            " python -m interject.training.nano.hard_recordings makes some"
        ) from None


def _unanswered(collection: RecordingCollection) -> Iterator[PlayedSound]:
    unused = UNCLEAR | RESPOND_REPLIES.keys()
    for known in collection.select(use=RecordingUse.TRAIN):
        if known.label not in unused:
            wave = collection.read(known)[: int(LONGEST_SOUND_S * SAMPLE_RATE_HZ)]
            yield PlayedSound(known.source, known.file, wave)


def _largest(heard: HeardScene) -> Iterator[tuple[str, float]]:
    happenings = heard.scene.happenings
    starts = [happening.start // FRAME_SAMPLES for happening in happenings]
    for happening, first, end in zip(
        happenings, starts, [*starts[1:], len(heard.p_respond)], strict=True
    ):
        yield happening.key, max(heard.p_respond[first : max(end, first + 1)])


def _tell(seconds: int) -> None:
    sys.stderr.write(f"\r{seconds / 60:.1f} min heard")
    sys.stderr.flush()


def main(
    model: Annotated[str, typer.Argument(help="Checkpoint folder, or nano.")],
    recordings: Annotated[Path, typer.Option(help="A collection of recordings.")],
    out: Annotated[Path, typer.Option(help="Where to write P(respond) by file.")],
    threads: Annotated[int, typer.Option(min=1)] = 1,
) -> None:
    """Play what may be trained with to a model and note what it would answer."""
    torch.set_num_threads(threads)
    try:
        found = hardness(load_checkpoint(model), RecordingCollection.open(recordings))
    except (RuntimeFailure, BadCollection) as error:
        raise typer.BadParameter(str(error)) from error
    out.write_text(json.dumps(found, indent=0) + "\n")
    wrong = sum(p > 0.5 for p in found.values())
    sys.stdout.write(f"{wrong} of {len(found)} would be answered\n")


if __name__ == "__main__":
    typer.run(main)
