"""What a runtime refuses, and how it says so. `protocol` hands these on."""

from __future__ import annotations


class RuntimeFailure(Exception):
    """A runtime cannot do what was asked; the message says why and what to do."""


class RuntimeBusy(RuntimeFailure):
    """Every slot is taken. `retry_after_s` says when to ask again."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RuntimeAway(RuntimeFailure):
    """Nobody answers at an address; this may pass."""


class SessionClosed(RuntimeFailure):
    """The session has ended; nothing more can be put in."""


class InvalidInput(RuntimeFailure, ValueError):
    """What was asked has the wrong type, lies out of its range, or is too large.

    The message says which and what is allowed, and repeats no text.
    """
