"""A loudspeaker whose time a test moves by hand."""

from __future__ import annotations

import asyncio

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
