"""How asking a responder can end badly. Every message is one line, and holds no key."""

from __future__ import annotations

from interject.model_runtime.protocol import RuntimeFailure


class ResponderFailure(Exception):
    """It has no answer this time; the message says why."""


class ResponderUnusable(RuntimeFailure):
    """What the profile says of it cannot work; the message says what to mend."""
