"""Everything that is wrong with a set of streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.training.dataset.dataset import Dataset
from interject.training.dataset.problem import BadRecord, BadShard, DatasetError
from interject.training.dataset.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interject.training.dataset.item_file import ItemFile

IDS_SHOWN = 90


@dataclass(frozen=True, slots=True)
class Problem:
    """`place` is a file and a line, a shard, or a shard and an id; `text` has all of it."""

    place: str
    field: str
    text: str


def problems_of(
    data: Dataset | ItemFile, *, quick: bool, done: Callable[[], object]
) -> Iterator[Problem]:
    """In order, as they are found. `quick` decodes no sound; `done` is called once a stream."""
    found: list[DatasetError] = []
    seen: set[str] = set()
    tallies: list[Tally] = []
    for stream_id, tally in _each(data, found, quick=quick):
        if stream_id in seen:
            found.append(DatasetError(f"the id {stream_id[:IDS_SHOWN]} is there twice"))
        seen.add(stream_id)
        tallies.append(tally)
        yield from _taken(found)
        done()
    yield from _taken(found)
    if isinstance(data, Dataset) and not quick:
        yield from _miscounted(data, Tally.sum(tallies))


def _each(
    data: Dataset | ItemFile, found: list[DatasetError], *, quick: bool
) -> Iterator[tuple[str, Tally]]:
    if not quick:
        for stream in data.streams(found.append):
            yield stream.stream_id, Tally.of(stream)
    elif isinstance(data, Dataset):
        for record in data.records(found.append):
            yield record.stream_id, Tally()
    else:
        for place, _ in data.items(found.append):
            yield place, Tally()


def _taken(found: list[DatasetError]) -> Iterator[Problem]:
    for problem in found:
        text = str(problem)
        if isinstance(problem, BadRecord):
            yield Problem(problem.place, problem.field, text)
        else:
            yield Problem(problem.shard if isinstance(problem, BadShard) else "", "", text)
    found.clear()


def _miscounted(data: Dataset, counted: Tally) -> Iterator[Problem]:
    """A manifest that somebody has changed."""
    total = data.manifest.total
    said = total.model_copy(update={"discarded": {}})
    if said != counted and said.streams == counted.streams:
        name = next(n for n in Tally.model_fields if getattr(said, n) != getattr(counted, n))
        yield Problem(
            "manifest.json", f"total.{name}",
            f"manifest.json: its {name} are {getattr(said, name)}, "
            f"those of the shards {getattr(counted, name)}",
        )  # fmt: skip
