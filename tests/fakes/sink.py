"""A loudspeaker whose time a test moves by hand."""

from __future__ import annotations

import asyncio
from enum import StrEnum

from interject.model_runtime.protocol import SAMPLE_BYTES


class FakeSink:
    """Holds at most `room_samples`, like a real device; `play` lets sound out."""

    def __init__(self, room_samples: int = 6_400) -> None:
        self.position_samples = 0
        self.held_samples = 0
        self.cleared_samples = 0
        self.began_at_s: list[float] = []
        self._room_samples = room_samples
        self._changed = asyncio.Condition()

    def begin(self, at_s: float) -> None:
        self.began_at_s.append(at_s)

    async def write(self, pcm: bytes, sample_rate_hz: int) -> None:
        async with self._changed:
            self.held_samples += len(pcm) // SAMPLE_BYTES
            self._changed.notify_all()
            await self._changed.wait_for(lambda: self.held_samples <= self._room_samples)

    async def drain(self) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.held_samples == 0)

    async def clear(self) -> None:
        async with self._changed:
            self.cleared_samples += self.held_samples
            self.held_samples = 0
            self._changed.notify_all()

    def advance(self, to_s: float) -> None:
        """Real time does not follow the stream."""

    async def play(self, samples: int) -> None:
        """Play exactly this much, waiting for the voice to write what is missing."""
        while samples:
            async with self._changed:
                await self._changed.wait_for(lambda: self.held_samples > 0)
                played = min(samples, self.held_samples)
                self.held_samples -= played
                self.position_samples += played
                samples -= played
                self._changed.notify_all()
            await asyncio.sleep(0)


class Trouble(StrEnum):
    """What goes wrong in a call: it raises, is cancelled inside, hangs, or hangs on for good."""

    RAISES = "raises"
    CANCELLED = "cancelled"
    HANGS = "hangs"
    STUCK = "stuck"


class TroubledSink(FakeSink):
    """Plays at once. From its `nth` await on, counted over all methods, every call fails."""

    def __init__(self, trouble: Trouble | None = None, *, nth: int = 0) -> None:
        super().__init__()
        self._trouble = trouble
        self._nth = nth
        self.awaits = 0
        self.freed = asyncio.Event()

    async def write(self, pcm: bytes, sample_rate_hz: int) -> None:
        await self._step()
        self.position_samples += len(pcm) // SAMPLE_BYTES

    async def drain(self) -> None:
        await self._step()

    async def clear(self) -> None:
        await self._step()

    async def _step(self) -> None:
        await asyncio.sleep(0)
        self.awaits += 1
        if self._trouble is None or self.awaits <= self._nth:
            return
        if self._trouble is Trouble.RAISES:
            raise OSError("no such device")
        if self._trouble is Trouble.CANCELLED:
            raise asyncio.CancelledError
        while not self.freed.is_set():
            try:
                await self.freed.wait()
            except asyncio.CancelledError:
                if self._trouble is Trouble.HANGS:
                    raise
