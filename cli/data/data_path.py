"""What the commands take for data: the folder of a data set, or a file of items."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from interject.cli.process.failures import InputFailure, printable
from interject.training.dataset.dataset import Dataset
from interject.training.dataset.item_file import ItemFile
from interject.training.dataset.item_reader import ReadingRules
from interject.training.dataset.item_writer import ITEMS_NAME
from interject.training.streams.ability import Ability

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interject.training.dataset.problem import DatasetError
    from interject.training.streams.stream import TrainingStream

MOST_LAG_MS = 2_000.0


class StreamCollection(Protocol):
    """A `Dataset` or an `ItemFile`."""

    def __len__(self) -> int: ...

    def streams(self, bad: Callable[[DatasetError], None]) -> Iterator[TrainingStream]: ...


def open_data(name: str, rules: ReadingRules, *, verified: bool = True) -> Dataset | ItemFile:
    """A folder that holds `items.jsonl` is that file.

    :raises InputFailure: when it is not there.
    :raises DatasetError: when it holds no data.
    """
    if not os.path.exists(name):
        raise InputFailure(f"{printable(name)}: there is no such file or folder")
    path = Path(name)
    if path.is_dir() and (path / ITEMS_NAME).is_file():
        return ItemFile(path / ITEMS_NAME, rules)
    if path.is_file():
        return ItemFile(path, rules)
    if not path.is_dir():
        raise InputFailure(f"{printable(name)}: is neither a file nor a folder")
    return Dataset(path, verified=verified)


def reading_rules(ability: str | None, *, decision_lag_ms: float = 0.0) -> ReadingRules:
    """:raises InputFailure: when there is no such ability, or the lag makes no sense."""
    if ability is not None and ability not in tuple(Ability):
        raise InputFailure(f"--ability {printable(ability)}: must be one of {', '.join(Ability)}")
    if not 0 <= decision_lag_ms <= MOST_LAG_MS:
        raise InputFailure(
            f"--decision-lag-ms {decision_lag_ms:g}: must lie between 0 and {MOST_LAG_MS:g}"
        )
    return ReadingRules(None if ability is None else Ability(ability), decision_lag_ms / 1_000)
