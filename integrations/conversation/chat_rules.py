"""What becomes of something written: a wish to stop or go on, or a text for the model."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from interject.agent.phrases import wishes_phrase
from interject.model_runtime.protocol import readable

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.config import RoomSettings
    from interject.integrations.conversation.consent import Consent

logger = logging.getLogger(__name__)

MAX_CHARS = 2_000
"""Of a message. The model would have to forget what it heard for a longer one."""
NOT_READ = "This message is not read: the model cannot take it. A shorter one may do."
TOO_LONG = f"This message is not read: it has more than {MAX_CHARS:,} characters."


class ChatRules:
    """`on_text(identity, text)` gets what is no wish, of those who are listened to."""

    def __init__(
        self, settings: RoomSettings, consent: Consent, on_text: Callable[[str, str], None]
    ) -> None:
        self._settings = settings
        self._consent = consent
        self._on_text = on_text

    def take(self, identity: str, text: str, *, wishes_only: bool = False) -> str | None:
        """Act on one whole message; returned is what its sender must be told of it."""
        if len(text) > MAX_CHARS:
            logger.info("A chat message is not read: it is too long")
            return TOO_LONG
        if readable(text):
            self._act(identity, text, wishes_only=wishes_only)
        return None

    def switch_listening(self, identity: str) -> None:
        """Stop it, or go on with it, where one key is for both."""
        if self._consent.listening:
            self._consent.stop(identity)
        else:
            self._resume(identity)

    def _act(self, identity: str, text: str, *, wishes_only: bool) -> None:
        if wishes_phrase(text, self._settings.stop_phrases):
            self._consent.stop(identity)
        elif wishes_phrase(text, self._settings.resume_phrases):
            self._resume(identity)
        elif (
            not wishes_only and self._consent.listening and identity not in self._consent.withdrawn
        ):
            self._on_text(identity, text)
        else:
            logger.info("A chat message is not passed on: its sender is not listened to")

    def _hears(self, identity: str) -> bool:
        return self._consent.listening and identity not in self._consent.withdrawn

    def _resume(self, identity: str) -> None:
        try:
            self._consent.resume(identity)
        except PermissionError:
            logger.warning("A wish to resume listening was refused")
