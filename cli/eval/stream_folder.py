"""Where the streams of `interject eval stream` come from: a data set, or a file of items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.cli.process.failures import InputFailure, complain, printable
from interject.training.dataset.dataset import Dataset
from interject.training.dataset.item_file import ItemFile
from interject.training.dataset.manifest import MANIFEST_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from interject.training.dataset.problem import DatasetError
    from interject.training.streams.stream import TrainingStream

ITEM_SUFFIX = ".jsonl"


class StreamFolder:
    """Can be read more than once. `unreadable` counts what could not be, in the last reading.

    :raises InputFailure: when there are no streams.
    :raises DatasetError: when the data set is not a whole one.
    """

    def __init__(self, path: Path) -> None:
        self._source = _source(path)
        self._path = path
        self.unreadable = 0
        if not len(self._source):
            raise InputFailure(f"{printable(str(path))}: holds no stream")

    def __len__(self) -> int:
        return len(self._source)

    def __iter__(self) -> Iterator[TrainingStream]:
        self.unreadable = 0
        return self._source.streams(self._note)

    def _note(self, problem: DatasetError) -> None:
        self.unreadable += 1
        complain(f"note: {problem}")


def _source(path: Path) -> Dataset | ItemFile:
    shown = printable(str(path))
    if path.is_file():
        return ItemFile(path)
    if not path.is_dir():
        raise InputFailure(f"{shown}: there is no such folder or file")
    if (path / MANIFEST_NAME).is_file():
        return Dataset(path)
    found = sorted(path.glob(f"*{ITEM_SUFFIX}"))
    if len(found) == 1:
        return ItemFile(found[0])
    raise InputFailure(
        f"{shown}: holds neither {MANIFEST_NAME} (a data set) nor one file of items "
        f"(*{ITEM_SUFFIX}); it holds {len(found)} of those"
    )
