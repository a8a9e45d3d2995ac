"""A file of items, one a line: StreamAudio-2M's public ones, or its trainer's."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import ValidationError

from interject.training.dataset.item_reader import PLAIN, ItemReader, ReadingRules
from interject.training.dataset.items import (
    MergedItem,
    PublicItem,
    TrainerItem,
)
from interject.training.dataset.problem import (
    BadRecord,
    DatasetError,
    bad_model,
)
from interject.training.dataset.stream_item import as_stream_id
from interject.training.dataset.stream_record import StreamRecord, without_sound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

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
    rules: ReadingRules = PLAIN
    lines: tuple[ItemLine, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lines", _lines(self.path))

    @property
    def _reader(self) -> ItemReader:
        return ItemReader(self.path.parent, self.path.stem, self.rules)

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
                yield self._reader.stream(item, place)
            except BadRecord as exc:
                bad(exc)

    def records(self, bad: Callable[[DatasetError], None]) -> Iterator[StreamRecord]:
        """How long a sound is, only its file tells: all of them are decoded."""
        for place, item in self.items(bad):
            try:
                yield without_sound(self._reader.stream(item, place), place)
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
        return self._reader.stream(self._item(line), self.place(line))

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
