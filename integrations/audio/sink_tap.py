"""What the agent says, noted on its way to the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.agent.resample import Resampler

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.sinks import AudioSink
    from interject.integrations.audio.own_voice import OwnVoice


class SinkTap:
    """An `AudioSink` before another. `on_sound` is called when a reply's first sound was taken;
    `voice`, where echo is taken out, is told what goes out.
    """

    def __init__(
        self, sink: AudioSink, *, on_sound: Callable[[], None], voice: OwnVoice | None
    ) -> None:
        self._sink = sink
        self._on_sound = on_sound
        self._voice = voice
        self._resampler: Resampler | None = None
        self._fresh = False

    @property
    def position_samples(self) -> int:
        return self._sink.position_samples

    def begin(self, at_s: float) -> None:
        self._fresh = True
        self._sink.begin(at_s)

    async def write(self, pcm: bytes, sample_rate_hz: int) -> None:
        self._note(pcm, sample_rate_hz)
        await self._sink.write(pcm, sample_rate_hz)
        if self._fresh:
            self._fresh = False
            self._on_sound()

    async def drain(self) -> None:
        await self._sink.drain()

    async def clear(self) -> None:
        if self._voice is not None:
            self._voice.stop()
            self._resampler = None
        await self._sink.clear()

    def advance(self, to_s: float) -> None:
        self._sink.advance(to_s)

    def _note(self, pcm: bytes, sample_rate_hz: int) -> None:
        if self._voice is None:
            return
        if self._resampler is None or self._resampler.rate_hz != sample_rate_hz:
            self._resampler = Resampler(sample_rate_hz)
        self._voice.say(self._resampler.push(np.frombuffer(pcm, "<i2").astype(np.int16)))
