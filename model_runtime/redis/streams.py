"""Stream entries as the Redis client returns them, given types that hold for this project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from interject.model_runtime.remote.wire import Fields

Entries = list[tuple[str, "Fields"]]


def entry_order(entry: str) -> tuple[int, int]:
    """Entry ids compare as two numbers."""
    first, _, second = entry.partition("-")
    return int(first), int(second)


def cursors(places: Mapping[str, str]) -> Any:
    """What XREAD takes: the last entry seen of each stream."""
    return dict(places)


def entries(answer: Any) -> Entries:
    """The answer of XRANGE."""
    return [(name.decode(), fields) for name, fields in answer or ()]


def by_session(answer: Any) -> Iterator[tuple[str, Entries]]:
    """The answer of XREAD: a stream's key ends with that of its session."""
    for name, found in answer or ():
        yield name.decode().rpartition(":")[2], entries(found)
