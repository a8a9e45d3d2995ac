"""Interject's voice on the default loudspeaker, and in the recording at the same moment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from interject.cli.input.microphone import load_sounddevice
from interject.model_runtime.protocol import SAMPLE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.cli.output.session_recording import SessionRecording


class Loudspeaker:
    """An `AudioSink` in real time. `since_start_s` reads the seconds since the first sample heard.

    The device is opened by the first word, at the voice's own rate.
    """

    def __init__(
        self, recording: SessionRecording, since_start_s: Callable[[], float], *, device: Any = None
    ) -> None:
        self._recording = recording
        self._since_start_s = since_start_s
        self._device = device or load_sounddevice()
        self._stream: Any = None
        self._rate_hz = 0
        self._played = 0
        self._ends_s = 0.0

    @property
    def position_samples(self) -> int:
        """What is written minus what has not sounded yet."""
        ahead_s = max(0.0, self._ends_s - self._since_start_s())
        return max(0, self._played - round(ahead_s * self._rate_hz))

    def begin(self, at_s: float) -> None:
        return

    async def write(self, pcm: bytes, sample_rate_hz: int) -> None:
        if self._stream is None or self._rate_hz != sample_rate_hz:
            self._open(sample_rate_hz)
        start_s = max(self._ends_s, self._since_start_s())
        samples = len(pcm) // SAMPLE_BYTES
        self._ends_s = start_s + samples / sample_rate_hz
        self._played += samples
        self._recording.on_sound(start_s, pcm, sample_rate_hz)
        await asyncio.to_thread(self._stream.write, pcm)

    async def drain(self) -> None:
        await asyncio.sleep(max(0.0, self._ends_s - self._since_start_s()))

    async def clear(self) -> None:
        self._played = self.position_samples
        self._ends_s = self._since_start_s()
        if self._stream is not None:
            self._stream.abort()
            self._stream.start()

    def advance(self, to_s: float) -> None:
        return

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _open(self, rate_hz: int) -> None:
        self.close()
        self._rate_hz = rate_hz
        self._stream = self._device.RawOutputStream(samplerate=rate_hz, channels=1, dtype="int16")
        self._stream.start()
