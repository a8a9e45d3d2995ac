"""The attributes with which the agent shows its mode and whether it listens."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit import rtc

logger = logging.getLogger(__name__)

MAX_ECHOES = 64
SET_TIMEOUT_S = 5.0
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 30.0
ECHO_S = 60.0
"""How late the room may tell of a change of ours: in a flood, after many seconds, and of one that
failed as well. One that never comes hides a wish of its value for so long."""


class OwnAttributes:
    """Keeps them at what `state` says; the newest one wins, and what fails is tried again."""

    def __init__(
        self,
        room: rtc.Room,
        state: Callable[[], dict[str, str]],
        *,
        clock: Callable[[], float] = monotonic,
        first_retry_s: float = FIRST_RETRY_S,
    ) -> None:
        self._room = room
        self._state = state
        self._clock = clock
        self._first_retry_s = first_retry_s
        self._shown: dict[str, str] = {}
        self._echoes: deque[tuple[str, str, float]] = deque(maxlen=MAX_ECHOES)
        self._changed = asyncio.Event()
        self._changed.set()

    def changed(self) -> None:
        """The state may be another."""
        self._changed.set()

    def forgotten(self) -> None:
        """A server that was started anew knows nothing of them."""
        self._shown.clear()
        self._changed.set()

    def correct(self, name: str, value: str) -> None:
        """They say what holds, and not what somebody wrote there in vain."""
        if self._shown.get(name) != value:
            self._shown[name] = value
            self._changed.set()

    def is_echo(self, name: str, value: str) -> bool:
        """The room reports our own changes, too, and late: they are no wishes."""
        while self._echoes and self._echoes[0][2] < self._clock() - ECHO_S:
            self._echoes.popleft()
        found = next((echo for echo in self._echoes if echo[:2] == (name, value)), None)
        if found is None:
            return False
        self._echoes.remove(found)
        return True

    async def keep(self) -> None:
        """Until cancelled."""
        retry_s = self._first_retry_s
        while True:
            await self._changed.wait()
            self._changed.clear()
            state = self._state()
            news = {key: value for key, value in state.items() if self._shown.get(key) != value}
            if not news:
                continue
            self._shown |= news
            if await self._set(news, first_try=retry_s == self._first_retry_s):
                retry_s = self._first_retry_s
                continue
            for name in news:
                self._shown.pop(name, None)
            await self._pause(retry_s)
            retry_s = min(2 * retry_s, LONGEST_RETRY_S)

    async def _pause(self, longest_s: float) -> None:
        """Until something changes, or for so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                await self._changed.wait()
        self._changed.set()

    async def _set(self, news: dict[str, str], *, first_try: bool) -> bool:
        now = self._clock()
        self._echoes.extend((name, value, now) for name, value in news.items())
        try:
            async with asyncio.timeout(SET_TIMEOUT_S):
                await self._room.local_participant.set_attributes(news)
        except Exception as error:
            logger.log(
                logging.WARNING if first_try else logging.DEBUG,
                "The agent's attributes cannot be set; trying again",
                extra={"error_type": type(error).__name__},
            )
            return False
        if not first_try:
            logger.info("The agent's attributes could be set again")
        return True
