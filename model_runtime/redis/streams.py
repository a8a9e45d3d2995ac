"""Stream entries as Redis returns them, given types that hold for this project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from interject.model_runtime.redis.connection import Command
    from interject.model_runtime.remote.wire import Fields

Entries = list[tuple[str, "Fields"]]


def entry_order(entry: str) -> tuple[int, int]:
    """Entry ids compare as two numbers."""
    first, _, second = entry.partition("-")
    return int(first), int(second)


def add(stream: str, entry: str, fields: Fields, *, longest: int) -> Command:
    """XADD to a stream that must be there already."""
    words = [word for field in fields.items() for word in field]
    return "XADD", stream, "NOMKSTREAM", "MAXLEN", "~", longest, entry, *words


def read(places: Mapping[str, str], *, count: int = 0, block_ms: int = 0) -> Command:
    """XREAD from the last entry seen of each stream, at most `count` of each."""
    bound = ("COUNT", count) if count else ()
    wait = ("BLOCK", block_ms) if block_ms else ()
    return "XREAD", *bound, *wait, "STREAMS", *places.keys(), *places.values()


def read_entries(answer: Any) -> Iterator[tuple[str, Entries]]:
    """The answer to `read`, by the last part of a stream's key: that is the session's."""
    for name, found in answer or ():
        named: Entries = [
            (entry.decode(), dict(zip(words[::2], words[1::2], strict=True)))
            for entry, words in found
        ]
        key: str = name.decode().rpartition(":")[2]
        yield key, named


def entries(answer: Any) -> Entries:
    """The answer of the Redis client's XRANGE."""
    return [(name.decode(), fields) for name, fields in answer or ()]
