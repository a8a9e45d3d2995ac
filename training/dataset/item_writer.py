"""Writes streams as items of StreamAudio-2M: `items.jsonl`, and beside it a sound a turn.

These formats know no times: a turn is answered where its sound ends, and there is no sound outside
turns. So what is heard behind the last turn becomes a silent turn of its own. Spans, seeds and the
chunk of a late reply cannot be written down.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import unquote

from interject.agent.sound_file import as_flac
from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.dataset.durable_files import naming, sync_folder
from interject.training.dataset.items import (
    Item,
    ItemKind,
    MergedItem,
    PublicItem,
    PublicTurn,
    TrainerItem,
    TrainerTurn,
)
from interject.training.dataset.problem import DatasetError, bad_stream
from interject.training.dataset.stream_item import assistant_text
from interject.training.streams.problem import BadStream
from interject.training.streams.turn import StreamTurn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from interject.training.streams.stream import TrainingStream

ITEMS_NAME, PART_NAME, AUDIO_NAME = "items.jsonl", "items.jsonl.part", "audio"

Piece = tuple[StreamTurn, "NDArray[np.float32]"]


def write_items(streams: Iterable[TrainingStream], folder: Path, kind: ItemKind) -> int:
    """How many there are. `items.jsonl` has its name once all of it is there.

    :raises DatasetError: when the folder holds something, or a stream does not fit the format.
    :raises OSError: when a file cannot be written.
    """
    _check_target(folder)
    (folder / AUDIO_NAME).mkdir(parents=True, exist_ok=True)
    count = 0
    part = folder / PART_NAME
    with naming(part), part.open("w", encoding="utf-8") as file:
        for stream in streams:
            try:
                item = MAKERS[kind](stream, folder)
            except BadStream as exc:
                raise bad_stream(stream.stream_id, exc) from None
            file.write(item.model_dump_json(exclude_none=True, exclude_unset=True) + "\n")
            count += 1
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / ITEMS_NAME)
    sync_folder(folder)
    return count


def _public(stream: TrainingStream, folder: Path) -> PublicItem:
    pieces = _pieces(stream)
    return PublicItem(
        id=unquote(stream.stream_id),
        stream_scene_type=stream.scene_type or stream.ability.value,
        num_turns=len(pieces),
        turns=tuple(
            PublicTurn(
                user=turn.user,
                assistant=assistant_text(turn, number),
                emotion=turn.emotion,
                scene_type=turn.scene_type,
                audio_path=_written(folder, f"{stream.stream_id}-{number:03d}", sound),
            )
            for number, (turn, sound) in enumerate(pieces)
        ),
    )


def _trainer(stream: TrainingStream, folder: Path) -> TrainerItem:
    return TrainerItem(
        conversation=tuple(
            TrainerTurn(
                audio_path=_written(folder, f"{stream.stream_id}-{number:03d}", sound),
                assistant=assistant_text(turn, number),
                emotion=turn.emotion,
            )
            for number, (turn, sound) in enumerate(_pieces(stream))
        )
    )


def _merged(stream: TrainingStream, folder: Path) -> MergedItem:
    """What is heard behind the one turn is left out."""
    if len(stream.turns) != 1:
        raise BadStream("turns", f"has {len(stream.turns)}; a merged item has one")
    turn, sound = _pieces(stream)[0]
    return MergedItem(
        merge_path=_written(folder, stream.stream_id, sound),
        assistant=assistant_text(turn, 0),
        emotion=turn.emotion,
    )


MAKERS: dict[ItemKind, Callable[[TrainingStream, Path], Item]] = {
    "public": _public,
    "trainer": _trainer,
    "merged": _merged,
}


def _pieces(stream: TrainingStream) -> list[Piece]:
    """:raises BadStream: when a turn would have no sound."""
    pieces: list[Piece] = []
    at = 0
    for number, turn in enumerate(stream.turns):
        end = min(round(turn.end_s * SAMPLE_RATE_HZ), len(stream.sound))
        if end <= at:
            raise BadStream(f"turns.{number}", "has no sound that the turns before it leave to it")
        pieces.append((turn, stream.sound[at:end]))
        at = end
    if at < len(stream.sound):
        rest = StreamTurn(at / SAMPLE_RATE_HZ, stream.duration_s, "")
        pieces.append((rest, stream.sound[at:]))
    return pieces


def _written(folder: Path, name: str, sound: NDArray[np.float32]) -> str:
    path = f"{AUDIO_NAME}/{name}.flac"
    with naming(folder / path):
        (folder / path).write_bytes(as_flac(sound))
    return path


def _check_target(folder: Path) -> None:
    """What a run that was stopped has left is written over."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise DatasetError(f"{folder}: is no folder; name a new one")
    left = {path.name for path in folder.iterdir()}
    if left and (ITEMS_NAME in left or PART_NAME not in left):
        raise DatasetError(f"{folder}: is not empty; name a new folder")
