"""How many of something there are, in words."""

from __future__ import annotations


def number_of(count: int, one: str, many: str = "") -> str:
    """`many` is there for words whose plural is not made with an s."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"
