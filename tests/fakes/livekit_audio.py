"""A microphone and a loudspeaker for a LiveKit `AgentSession` that has no room."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
from livekit import rtc
from livekit.agents.voice.io import AudioInput, AudioOutput, AudioOutputCapabilities

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE_HZ = 16_000
BLOCK_SAMPLES = 800


class FakeMicrophone(AudioInput):
    """Delivers what a test puts in, as fast as it is read."""

    def __init__(self) -> None:
        super().__init__(label="fake microphone")
        self._frames: asyncio.Queue[rtc.AudioFrame] = asyncio.Queue()

    def put(self, frame: rtc.AudioFrame) -> None:
        self._frames.put_nowait(frame)

    def empty(self) -> bool:
        return self._frames.empty()

    async def __anext__(self) -> rtc.AudioFrame:
        return await self._frames.get()


class FakeLoudspeaker(AudioOutput):
    """Plays by itself and at once, or, with `by_hand`, only what `play` lets out."""

    def __init__(self, *, by_hand: bool = False) -> None:
        super().__init__(
            label="fake loudspeaker",
            capabilities=AudioOutputCapabilities(pause=False),
            sample_rate=RATE_HZ,
        )
        self.segments: list[float] = []
        self.interrupted: list[bool] = []
        self.captured_s = self.played_s = 0.0
        self.heard_s = 0.0
        self._by_hand = by_hand
        self._open = False
        self._whole = False

    @property
    def playing(self) -> bool:
        return self._open

    @property
    def whole(self) -> bool:
        """Whether all of the present speech has been captured."""
        return self._open and self._whole

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        if not self._open:
            self._open, self._whole = True, False
            self.captured_s = self.played_s = 0.0
            self.on_playback_started(created_at=0.001)
        self.captured_s += frame.duration

    def flush(self) -> None:
        super().flush()
        self._whole = True
        if not self._by_hand:
            self.played_s = self.captured_s
        self._settle()

    def clear_buffer(self) -> None:
        if self._open:
            self._finish(interrupted=True)

    def play(self, seconds: float) -> None:
        """Let this much out of what has been captured."""
        self.played_s = min(self.captured_s, self.played_s + seconds)
        self._settle()

    def play_all(self) -> None:
        self.play(self.captured_s)

    def _settle(self) -> None:
        if self._open and self._whole and self.played_s >= self.captured_s:
            self._finish(interrupted=False)

    def _finish(self, *, interrupted: bool) -> None:
        self._open = False
        self.segments.append(self.played_s)
        self.interrupted.append(interrupted)
        self.heard_s += self.played_s
        self.on_playback_finished(playback_position=self.played_s, interrupted=interrupted)


def frames_of(
    samples: NDArray[np.int16], *, rate_hz: int = RATE_HZ, block_samples: int = BLOCK_SAMPLES
) -> list[rtc.AudioFrame]:
    """Blocks of 50 ms at 16 kHz; a rest that fills none is left out."""
    whole = len(samples) // block_samples * block_samples
    return [
        rtc.AudioFrame(
            data=samples[start : start + block_samples].tobytes(),
            sample_rate=rate_hz,
            num_channels=1,
            samples_per_channel=block_samples,
        )
        for start in range(0, whole, block_samples)
    ]


def silence(seconds: float, *, rate_hz: int = RATE_HZ) -> NDArray[np.int16]:
    return np.zeros(round(seconds * rate_hz), np.int16)
