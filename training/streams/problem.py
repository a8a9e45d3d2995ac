"""What is wrong with a stream, and where."""

from __future__ import annotations


class BadStream(ValueError):
    """A stream, or a part of one, that nothing should be taught from.

    `field` is its place inside the stream (`turns.2.end_s`). Whoever reads files says which one.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason

    def inside(self, place: str) -> BadStream:
        """The same problem seen from what holds that part."""
        return BadStream(f"{place}.{self.field}", self.reason)

    def __reduce__(self) -> tuple[type[BadStream], tuple[str, str]]:
        return type(self), (self.field, self.reason)


def check_text(field: str, value: str) -> None:
    """:raises BadStream: when it is no text, or no UTF-8 can be made of it."""
    if not isinstance(value, str):
        raise BadStream(field, f"is a {type(value).__name__}; it must be text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadStream(field, "holds half a character (a lone surrogate)") from None


def check_times(start_s: float, end_s: float) -> None:
    """:raises BadStream: when the one is no time in a stream, or not before the other."""
    if not 0 <= start_s < float("inf"):
        raise BadStream("start_s", f"is {start_s:g}; it must be 0 s or later")
    if not start_s <= end_s < float("inf"):
        raise BadStream("end_s", f"is {end_s:g}; it must be {start_s:g} s (the start) or later")
