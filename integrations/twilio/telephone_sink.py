"""Where the agent's voice goes: a telephone."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, NoReturn

from interject.integrations.twilio.paced_stream import PacedStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from interject.integrations.twilio.messages import Outgoing
    from interject.integrations.twilio.sound_codec import SoundCodec

logger = logging.getLogger(__name__)

MOST_HELD_S = 0.4
MARK_PATIENCE_S = 3.0


class TelephoneSink:
    """An `AudioSink`. `run` alone sends, until it is cancelled or sending fails; after that, what
    is written is dropped, and nobody waits for it.

    Its position is what the marks that came back say, so it lags by up to 100 ms and the way back.
    """

    def __init__(
        self,
        send: Callable[[Outgoing], Awaitable[None]],
        codec: SoundCodec,
        stream_sid: str,
        *,
        mark_patience_s: float = MARK_PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._stream = PacedStream(codec, stream_sid)
        self._mark_patience_s = mark_patience_s
        self._clock = clock
        self._over = False
        self._wake = asyncio.Event()
        self._progress = asyncio.Event()
        self.lost_marks = 0

    @property
    def position_samples(self) -> int:
        return self._stream.position_samples

    async def run(self) -> NoReturn:
        try:
            while True:
                now = self._clock()
                due_at = self._stream.due_at(now)
                if due_at == now:
                    message = self._stream.next_message(now)
                    self._progress.set()
                    await self._send(message)
                else:
                    await self._sleep(None if due_at is None else due_at - now)
        finally:
            self._over = True
            self._progress.set()

    def mark_came_back(self, name: str) -> None:
        if self._stream.mark_came_back(name):
            self._progress.set()

    def begin(self, at_s: float) -> None:
        """A call is real time."""

    def advance(self, to_s: float) -> None:
        """A call is real time."""

    async def write(self, pcm: bytes, sample_rate_hz: int) -> None:
        if self._over:
            return
        self._stream.write(pcm, sample_rate_hz)
        self._wake.set()
        await self._until(lambda: self._stream.held_s <= MOST_HELD_S)

    async def drain(self) -> None:
        """Bounded: where the last mark does not come back in time, it is as if it had."""
        self._stream.finish()
        self._wake.set()
        await self._until(lambda: self._stream.all_sent)
        rest_s = max(0.0, self._stream.plays_until - self._clock())
        try:
            async with asyncio.timeout(rest_s + self._mark_patience_s):
                await self._until(lambda: self._stream.all_played)
        except TimeoutError:
            self._stream.take_as_played()
            self.lost_marks += 1
            logger.warning("The last mark of a reply did not come back")

    async def clear(self) -> None:
        if not self._over:
            self._stream.clear()
            self._wake.set()
            self._progress.set()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not (self._over or condition()):
            self._progress.clear()
            await self._progress.wait()

    async def _sleep(self, seconds: float | None) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return
