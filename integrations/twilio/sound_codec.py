"""Sound as a telephone line carries it: G.711 in its two kinds, or plain 16-bit samples."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.resample import MAX_RATE_HZ, MIN_RATE_HZ
from interject.integrations.audio.g711 import G711

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.integrations.twilio.messages import MediaFormat


class SoundEncoding(StrEnum):
    """Of `x-l16` Twilio does not say in which order its bytes are: little-endian is what those
    send and take who use that name on web sockets. RFC 2586 has it the other way round.
    """

    MULAW = "audio/x-mulaw"
    ALAW = "audio/x-alaw"
    L16 = "audio/x-l16"


_G711 = {SoundEncoding.MULAW: G711.MULAW, SoundEncoding.ALAW: G711.ALAW}


class UnknownFormat(Exception):
    """The stream is of a format that cannot be heard. Its text names the format."""


class SoundCodec:
    """:raises UnknownFormat: when the stream is of another kind."""

    def __init__(self, offered: MediaFormat) -> None:
        if offered.encoding not in set(SoundEncoding):
            raise UnknownFormat("the encoding is none of mu-law, A-law and 16-bit samples")
        if offered.channels != 1:
            raise UnknownFormat("the stream has more than one channel")
        if not MIN_RATE_HZ <= offered.sample_rate <= MAX_RATE_HZ:
            raise UnknownFormat("the sample rate makes no sense")
        self._encoding = SoundEncoding(offered.encoding)
        self.rate_hz = offered.sample_rate

    def decode(self, sound: bytes) -> NDArray[np.int16]:
        """:raises ValueError: when it ends in the middle of a sample."""
        if self._encoding is SoundEncoding.L16:
            return np.frombuffer(sound, "<i2").astype(np.int16)
        return _G711[self._encoding].decoded(sound)

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        if self._encoding is SoundEncoding.L16:
            return samples.astype("<i2").tobytes()
        return _G711[self._encoding].encoded(samples)
