"""Whether anybody receives the agent's track, without which LiveKit lets it say nothing."""

from __future__ import annotations

import asyncio
import logging
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from livekit.agents import AgentSession, SpeechHandle

logger = logging.getLogger(__name__)

WAIT_S = 5.0
"""Clients subscribe within a second of the track's publication."""


class TrackSubscription:
    """LiveKit holds speech, its words included, until the first subscriber comes. It waits without
    a word for a client that never subscribes, so that is said here, once.
    """

    def __init__(self, session: AgentSession[Any], *, wait_s: float = WAIT_S) -> None:
        self._session = weakref.ref(session)
        self._wait_s = wait_s
        self._told = False

    def expect(self, speech: SpeechHandle) -> None:
        """Something is to be said."""
        if not self._told and self._missing():
            asyncio.get_running_loop().call_later(self._wait_s, self._look, speech)

    def _look(self, speech: SpeechHandle) -> None:
        if self._told or speech.done() or not self._missing():
            return
        self._told = True
        logger.warning(
            "Nobody subscribes to the agent's track; what it says waits for somebody who does",
            extra={"seconds": self._wait_s},
        )

    def _missing(self) -> bool:
        session = self._session()
        room_io = session._room_io if session is not None else None
        subscribed = room_io.subscribed_fut if room_io is not None else None
        return subscribed is not None and not subscribed.done()
