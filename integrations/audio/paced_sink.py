"""Where the agent's voice goes: a line that is sent speech in messages, as it plays them."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

from interject.integrations.audio.paced_stream import PacedStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from interject.agent.soundboard.desk import SoundDesk
    from interject.integrations.audio.speech_wire import Pace, SpeechWire

logger = logging.getLogger(__name__)

MOST_HELD_S = 0.4
MARK_PATIENCE_S = 3.0
TELEPHONE_HZ = 8_000

Sent = TypeVar("Sent")


class PacedSink(Generic[Sent]):
    """An `AudioSink`. `run` alone sends, until it is cancelled or sending fails; after that, what
    is written is dropped and nobody waits for it, until it is run again, as for a line that has
    come back. Before the first time, whoever writes waits for it.

    Its position is what the marks that came back say, so it lags by as much as lies between two
    marks and by the way back; without marks it is the clock's, and does not know how late the line
    plays.
    """

    def __init__(
        self,
        *,
        sounds_rate_hz: int = TELEPHONE_HZ,
        mark_patience_s: float = MARK_PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sounds_rate_hz = sounds_rate_hz
        self._mark_patience_s = mark_patience_s
        self._clock = clock
        self._stream: PacedStream[Sent] | None = None
        self._sounds: SoundDesk | None = None
        self._over = False
        self._position = 0
        self._wake = asyncio.Event()
        self._progress = asyncio.Event()
        self.lost_marks = 0

    @property
    def position_samples(self) -> int:
        running = 0 if self._stream is None else self._stream.position_samples(self._clock())
        return self._position + running

    async def run(
        self,
        wire: SpeechWire[Sent],
        pace: Pace,
        send: Callable[[Sent], Awaitable[None]],
    ) -> NoReturn:
        assert self._stream is None, "it runs already"
        stream = self._stream = PacedStream(wire, pace)
        self._lend_sounds()
        self._over = False
        self._progress.set()
        try:
            while True:
                now = self._clock()
                due_at = stream.due_at(now)
                if due_at == now:
                    message = stream.next_message(now)
                    self._progress.set()
                    await send(message)
                else:
                    await self._sleep(None if due_at is None else due_at - now)
        finally:
            self._position, self._stream = self.position_samples, None
            self._over = True
            self._progress.set()

    def carry(self, desk: SoundDesk) -> None:
        desk.on_play = self._wake.set
        self._sounds = desk
        self._lend_sounds()

    def mark_came_back(self, name: str) -> None:
        if self._stream is not None and self._stream.mark_came_back(name):
            self._progress.set()

    def hold_back(self, seconds: float) -> None:
        """The line takes nothing for so long; what waits is said then."""
        if self._stream is not None:
            self._stream.hold_back(self._clock() + seconds)

    def playback_began(self) -> None:
        """Just now, as the line says."""
        if self._stream is not None:
            self._stream.playback_began(self._clock())

    def begin(self, at_s: float) -> None:
        """A call is real time."""

    def advance(self, to_s: float) -> None:
        """A call is real time."""

    async def write(self, pcm: bytes, sample_rate_hz: int) -> None:
        while self._stream is None and not self._over:
            await self._change()
        if (stream := self._stream) is None:
            return
        stream.write(pcm, sample_rate_hz)
        self._wake.set()
        await self._until(stream, lambda: stream.held_s <= MOST_HELD_S)

    async def drain(self) -> None:
        """Bounded: where the last mark does not come back in time, it is as if it had."""
        if (stream := self._stream) is None:
            return
        stream.finish()
        self._wake.set()
        await self._until(stream, lambda: stream.all_sent)
        rest_s = max(0.0, max(stream.plays_until, stream.speech_until) - self._clock())
        patience_s = self._mark_patience_s if stream.has_marks else 0.0
        try:
            async with asyncio.timeout(rest_s + patience_s):
                await self._until(stream, lambda: stream.all_played(self._clock()))
        except TimeoutError:
            stream.take_as_played()
            if stream.has_marks:
                self.lost_marks += 1
                logger.warning("The last mark of a reply did not come back")

    async def clear(self) -> None:
        if self._stream is not None:
            self._stream.clear(self._clock())
            self._wake.set()
            self._progress.set()

    def _lend_sounds(self) -> None:
        """A line that comes back at another rate is without them."""
        stream, sounds = self._stream, self._sounds
        if stream is not None and sounds is not None and sounds.rate_hz == stream.rate_hz:
            stream.sounds = sounds

    async def _until(self, stream: PacedStream[Sent], condition: Callable[[], bool]) -> None:
        """Or until the line is gone."""
        while self._stream is stream and not condition():
            await self._change()

    async def _change(self) -> None:
        self._progress.clear()
        await self._progress.wait()

    async def _sleep(self, seconds: float | None) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return
