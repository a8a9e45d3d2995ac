"""What the agent says, noted on its way into the room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities

from interject.agent.resample import Resampler

if TYPE_CHECKING:
    from livekit import rtc

    from interject.integrations.audio.own_voice import OwnVoice


class VoiceTap(AudioOutput):
    """Stands before a room's audio output and tells `voice` what goes out there."""

    def __init__(self, output: AudioOutput, voice: OwnVoice) -> None:
        super().__init__(
            label="Interject",
            capabilities=AudioOutputCapabilities(pause=True),
            next_in_chain=output,
            sample_rate=output.sample_rate,
        )
        self._output = output
        self._voice = voice
        self._resampler: Resampler | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await self._output.capture_frame(frame)
        await super().capture_frame(frame)
        if self._resampler is None:
            self._resampler = Resampler(frame.sample_rate, frame.num_channels)
        self._voice.say(self._resampler.push(np.frombuffer(frame.data, np.int16)))

    def flush(self) -> None:
        super().flush()
        self._output.flush()
        if self._resampler is not None:
            self._voice.say(self._resampler.finish())
            self._resampler = None

    def clear_buffer(self) -> None:
        self._output.clear_buffer()
        self._voice.stop()
        self._resampler = None
