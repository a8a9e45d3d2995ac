"""Who wrote what is being read: LiveKit's own text input passes the text alone on."""

from __future__ import annotations

from contextvars import ContextVar

from interject.integrations.conversation.consent import NOBODY

WRITER: ContextVar[str] = ContextVar("interject_writer", default=NOBODY)
