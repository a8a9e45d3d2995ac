"""A file of items as a source of streams: it is converted like anything else is built."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.training.dataset.problem import BadRecord, DatasetError
from interject.training.streams.stream_source import DiscardedStream

if TYPE_CHECKING:
    from interject.training.dataset.item_file import ItemFile
    from interject.training.streams.stream import TrainingStream

BAD_ITEM = "bad item"


@dataclass(frozen=True, slots=True)
class ItemSource:
    """With `skips`, a line that cannot be read is discarded, and so is an id's second use: each
    line is read alone later, and would not know.

    :raises BadRecord: when two lines have one id, unless such are skipped.
    """

    file: ItemFile
    skips: bool = False
    repeated: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        problems: list[DatasetError] = []
        for _ in self.file.items(problems.append):
            pass
        of_ids = [p for p in problems if isinstance(p, BadRecord) and p.field == "id"]
        if of_ids and not self.skips:
            raise of_ids[0]
        object.__setattr__(self, "repeated", frozenset(problem.place for problem in of_ids))

    def make(self, number: int, seed: int) -> TrainingStream:
        """:raises BadRecord: when that line is bad, unless it is skipped."""
        if self.file.place(self.file.lines[number]) in self.repeated:
            raise DiscardedStream(BAD_ITEM)
        try:
            return self.file.make(number, seed)
        except BadRecord as exc:
            if not self.skips:
                raise
            raise DiscardedStream(BAD_ITEM) from exc
