"""Runs one `interject data convert`."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interject.cli.data.building import build_from
from interject.cli.data.data_path import open_data, reading_rules
from interject.cli.output.item_progress import item_progress
from interject.cli.process.failures import InputFailure, complain, printable
from interject.training.dataset.dataset import Dataset
from interject.training.dataset.item_source import ItemSource
from interject.training.dataset.item_writer import write_items
from interject.training.dataset.items import KINDS
from interject.training.dataset.manifest import BuildSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interject.training.dataset.item_file import ItemFile
    from interject.training.dataset.problem import DatasetError
    from interject.training.streams.stream import TrainingStream

SHARDS = "shards"
RECIPE = "items"


def convert_data(
    path: str,
    out: str,
    *,
    to: str,
    ability: str | None,
    decision_lag_ms: float,
    skip_bad: bool,
    workers: int | None,
) -> int:
    """:raises InputFailure: when the one cannot become the other.
    :raises DatasetError: for the first bad stream, unless they are to be skipped.
    """
    if to not in (SHARDS, *KINDS):
        raise InputFailure(f"--to {printable(to)}: must be {SHARDS}, {', '.join(KINDS)}")
    data = open_data(path, reading_rules(ability, decision_lag_ms=decision_lag_ms))
    if to == SHARDS:
        return _to_shards(data, out, skip_bad=skip_bad, workers=workers)
    skipped = _Skipped(skip_bad)
    with item_progress(len(data), sys.stderr) as done:
        kind = next(kind for kind in KINDS if kind == to)
        count = write_items(_watched(data.streams(skipped), done), Path(out), kind)
    left_out = f", {skipped.count} bad ones left out" if skipped.count else ""
    sys.stdout.write(f"{printable(out)}: {count} items{left_out}\n")
    return 0


class _Skipped:
    """Counts and tells what is left out, or raises it."""

    def __init__(self, allowed: bool) -> None:
        self._allowed = allowed
        self.count = 0

    def __call__(self, problem: DatasetError) -> None:
        if not self._allowed:
            raise problem
        self.count += 1
        complain(f"note: {printable(str(problem))}")


def _watched(
    streams: Iterator[TrainingStream], done: Callable[[], object]
) -> Iterator[TrainingStream]:
    for stream in streams:
        yield stream
        done()


def _to_shards(data: Dataset | ItemFile, out: str, *, skip_bad: bool, workers: int | None) -> int:
    if isinstance(data, Dataset):
        raise InputFailure(f"{printable(str(data.folder))}: is a data set of shards already")
    source = ItemSource(data, skips=skip_bad)
    settings: dict[str, Any] = {
        "items": data.path.name,
        "sha256": hashlib.sha256(data.path.read_bytes()).hexdigest(),
        "ability": data.rules.ability,
        "decision_lag_s": data.rules.decision_lag_s,
        "skip_bad": skip_bad,
    }
    build = BuildSettings(recipe=RECIPE, settings=settings, seed=0, count=len(data))
    return build_from(source, build, out, workers, as_json=False)
