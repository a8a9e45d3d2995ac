"""A file of items, one a line: StreamAudio-2M's public ones, or its trainer's."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError

from interject.model_runtime.protocol import FRAME_SAMPLES, SAMPLE_RATE_HZ
from interject.training.dataset.items import (
    MergedItem,
    PublicItem,
    PublicTurn,
    TrainerItem,
    is_silent,
)
from interject.training.dataset.problem import (
    BadRecord,
    DatasetError,
    bad_model,
    bad_stream,
)
from interject.training.dataset.sound_file import BadSound, read_sound_file
from interject.training.dataset.stream_item import as_stream, as_stream_id, as_turns
from interject.training.dataset.stream_record import StreamRecord, without_sound
from interject.training.streams.ability import Ability
from interject.training.streams.problem import BadStream
from interject.training.streams.turn import StreamTurn, response_chunk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from interject.training.dataset.items import Item
    from interject.training.streams.stream import TrainingStream

MOST_LINE_BYTES = 16 << 20
LOOK_BYTES = 4_096
BY_KEY: dict[str, type[Item]] = {
    "turns": PublicItem,
    "conversation": TrainerItem,
    "merge_path": MergedItem,
}


@dataclass(frozen=True, slots=True)
class ReadingRules:
    """What an item does not say of itself. `decision_lag_s` is how long after its turn's end a
    reply is decided, where the item has no chunk of its own for it.
    """

    ability: Ability | None = None
    decision_lag_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ItemLine:
    """Where a line lies in the file."""

    number: int
    """From 1, as editors count."""
    at: int
    size: int


@dataclass(frozen=True, slots=True)
class ItemFile:
    """Paths in it are relative to its folder, and may not leave it. It is a `StreamSource`, too.

    :raises DatasetError: when it cannot be read at all.
    """

    path: Path
    rules: ReadingRules = ReadingRules()
    lines: tuple[ItemLine, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lines", _lines(self.path))

    def __len__(self) -> int:
        return len(self.lines)

    def items(self, bad: Callable[[DatasetError], None]) -> Iterator[tuple[str, Item]]:
        """Every item with its place; a bad one goes to `bad`, and so does an id's second use."""
        seen: dict[str, int] = {}
        for line in self.lines:
            try:
                item = self._item(line)
                if isinstance(item, PublicItem):
                    self._check_id(item, line, seen)
            except BadRecord as exc:
                bad(exc)
                continue
            yield self.place(line), item

    def streams(self, bad: Callable[[DatasetError], None]) -> Iterator[TrainingStream]:
        """Every stream that can be read; what is wrong with the others goes to `bad`."""
        for place, item in self.items(bad):
            try:
                yield self._stream(item, place)
            except BadRecord as exc:
                bad(exc)

    def records(self, bad: Callable[[DatasetError], None]) -> Iterator[StreamRecord]:
        """How long a sound is, only its file tells: all of them are decoded."""
        for place, item in self.items(bad):
            try:
                yield without_sound(self._stream(item, place), place)
            except BadRecord as exc:
                bad(exc)

    def read(self, place: str) -> TrainingStream:
        """Of a record's place.

        :raises BadRecord: when it holds no stream any more.
        """
        return self.make(next(n for n, line in enumerate(self.lines) if self.place(line) == place))

    def make(self, number: int, _seed: int = 0) -> TrainingStream:
        """:raises BadRecord: when that line holds no stream."""
        line = self.lines[number]
        return self._stream(self._item(line), self.place(line))

    def place(self, line: ItemLine) -> str:
        return f"{self.path}, line {line.number}"

    def _item(self, line: ItemLine) -> Item:
        place = self.place(line)
        if line.size > MOST_LINE_BYTES:
            raise BadRecord(place, "", f"is longer than {MOST_LINE_BYTES >> 20} MB; no item is")
        with self.path.open("rb") as file:
            file.seek(line.at)
            data = file.read(line.size)
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as exc:
            raise BadRecord(place, "", f"is not UTF-8 text (byte {exc.start})") from None
        kind = _kind(text)
        try:
            return kind.model_validate_json(text)
        except ValidationError as exc:
            raise bad_model(place, exc, kind) from None

    def _check_id(self, item: PublicItem, line: ItemLine, seen: dict[str, int]) -> None:
        stream_id = as_stream_id(item.id)
        if stream_id in seen:
            raise BadRecord(self.place(line), "id", f"'id' is that of line {seen[stream_id]}, too")
        seen[stream_id] = line.number

    def _stream(self, item: Item, place: str) -> TrainingStream:
        public = item if isinstance(item, PublicItem) else _as_public(item, place, self.path.stem)
        try:
            ability = self._ability(public)
            if not public.turns:
                raise BadStream("turns", "is empty; a stream has sound, and sound lies in turns")
            sounds = self._sounds(public)
            if any(turn.end_s is not None for turn in public.turns):
                sound, turns = _joined(public, sounds), as_turns(public)
            else:
                sound, turns = self._one_behind_the_other(public, sounds)
            return as_stream(public, sound, turns, ability)
        except BadStream as exc:
            raise bad_stream(place, exc) from None

    def _ability(self, item: PublicItem) -> Ability:
        if item.ability is not None:
            return item.ability
        named = item.stream_scene_type.strip().lower().replace(" ", "_").replace("-", "_")
        if named in tuple(Ability):
            return Ability(named)
        if self.rules.ability is None:
            raise BadStream(
                "stream_scene_type",
                f"is {item.stream_scene_type!r}, none of the seven abilities "
                f"({', '.join(Ability)}); say which one it teaches with --ability",
            )
        return self.rules.ability

    def _sounds(self, item: PublicItem) -> list[NDArray[np.float32]]:
        """A turn each; a file that several turns name is decoded once."""
        known: dict[str, NDArray[np.float32]] = {}
        for number, turn in enumerate(item.turns):
            if turn.audio_path not in known:
                known[turn.audio_path] = self._sound(number, turn)
        return [known[turn.audio_path] for turn in item.turns]

    def _sound(self, number: int, turn: PublicTurn) -> NDArray[np.float32]:
        place = f"turns.{number}.audio_path"
        try:
            return read_sound_file(_inside(self.path.parent, turn.audio_path, place))
        except BadSound as exc:
            raise BadStream(place, f"{turn.audio_path}: {exc}") from None

    def _one_behind_the_other(
        self, item: PublicItem, sounds: list[NDArray[np.float32]]
    ) -> tuple[NDArray[np.float32], tuple[StreamTurn, ...]]:
        """A published turn is answered where its sound ends. Two never answer after one chunk, so
        a very short turn's reply comes a chunk later; silence behind the last makes room for it.
        """
        turns: list[StreamTurn] = []
        end, last = 0, -1
        for turn, sound in zip(item.turns, sounds, strict=True):
            start_s, end = end / SAMPLE_RATE_HZ, end + len(sound)
            end_s, chunk = end / SAMPLE_RATE_HZ, None
            if not is_silent(turn.assistant):
                lag_s = self.rules.decision_lag_s
                chunk = last = max(response_chunk(end_s, decision_lag_s=lag_s), last + 1)
            reply = "" if chunk is None else turn.assistant
            turns.append(
                StreamTurn(start_s, end_s, turn.user, reply, turn.emotion, turn.scene_type, chunk)
            )
        missing = max((last + 1) * FRAME_SAMPLES - end, 0) if last * FRAME_SAMPLES >= end else 0
        return np.concatenate([*sounds, np.zeros(missing, np.float32)]), tuple(turns)


def _lines(path: Path) -> tuple[ItemLine, ...]:
    """Blank ones are none."""
    lines, at = [], 0
    try:
        with path.open("rb") as file:
            if b"\0" in file.peek(LOOK_BYTES)[:LOOK_BYTES]:
                raise DatasetError(
                    f"{path}: is no text; give a file of items, or the folder of a data set"
                )
            for number, data in enumerate(file, start=1):
                if data.strip():
                    lines.append(ItemLine(number, at, len(data)))
                at += len(data)
    except OSError as exc:
        raise DatasetError(f"{path}: cannot be read ({(exc.strerror or '').lower()})") from exc
    if not lines:
        raise DatasetError(f"{path}: holds no item; one JSON object a line is expected")
    return tuple(lines)


def _kind(text: str) -> type[Item]:
    """By the key that only one of them has; what has none of them is measured as a public one."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return PublicItem
    keys = content.keys() if isinstance(content, dict) else ()
    return next((kind for key, kind in BY_KEY.items() if key in keys), PublicItem)


def _as_public(item: TrainerItem | MergedItem, place: str, stem: str) -> PublicItem:
    """A trainer's item has no id: its file's name and its line are one."""
    turns = (
        [(turn.audio_path, turn) for turn in item.conversation]
        if isinstance(item, TrainerItem)
        else [(item.merge_path, item)]
    )
    return PublicItem(
        id=f"{stem}-{place.rpartition(' ')[2]}",
        stream_scene_type="",
        num_turns=len(turns),
        turns=tuple(
            PublicTurn(
                user=turn.user or "",
                assistant=turn.assistant,
                emotion=turn.emotion,
                scene_type="",
                audio_path=path,
            )
            for path, turn in turns
        ),
    )


def _inside(folder: Path, name: str, place: str) -> Path:
    """:raises BadStream: when there is no path, or it leads out of the folder, by a link say."""
    if not name.strip() or "\0" in name:
        raise BadStream(place, "is empty; a turn without sound teaches nothing")
    try:
        path = Path(os.path.realpath(folder / name))
    except (OSError, ValueError):
        raise BadStream(place, f"{name!r} is no path") from None
    if not path.is_relative_to(os.path.realpath(folder)):
        raise BadStream(place, f"{name!r} leads out of the folder of its file")
    return path


def _joined(item: PublicItem, sounds: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Turns that name one file share it."""
    kept = [
        sound
        for number, sound in enumerate(sounds)
        if not number or item.turns[number].audio_path != item.turns[number - 1].audio_path
    ]
    return np.concatenate(kept)
