"""Sound as a telephone line carries it: G.711 in its two kinds, or plain 16-bit samples."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.resample import MAX_RATE_HZ, MIN_RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.integrations.twilio.messages import MediaFormat

MULAW_BIAS = 132
ALAW_TOGGLED_BITS = 0x55


class SoundEncoding(StrEnum):
    """Of `x-l16` Twilio does not say in which order its bytes are: little-endian is what those
    send and take who use that name on web sockets. RFC 2586 has it the other way round.
    """

    MULAW = "audio/x-mulaw"
    ALAW = "audio/x-alaw"
    L16 = "audio/x-l16"


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
        return _DECODED[self._encoding][np.frombuffer(sound, np.uint8)]

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        if self._encoding is SoundEncoding.L16:
            return samples.astype("<i2").tobytes()
        return _ENCODED[self._encoding][samples.view(np.uint16)].tobytes()


def _mulaw() -> NDArray[np.int16]:
    """The sample of each of the 256 codes (ITU-T G.711)."""
    code = ~np.arange(256) & 0xFF
    size = ((((code & 0xF) << 3) + MULAW_BIAS) << ((code >> 4) & 7)) - MULAW_BIAS
    return np.where(code & 0x80, -size, size).astype(np.int16)


def _alaw() -> NDArray[np.int16]:
    """The sample of each of the 256 codes (ITU-T G.711)."""
    code = np.arange(256) ^ ALAW_TOGGLED_BITS
    segment = (code >> 4) & 7
    step = ((code & 0xF) << 4) + 8
    size = np.where(segment == 0, step, (step + 256) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, size, -size).astype(np.int16)


def _nearest(decoded: NDArray[np.int16]) -> NDArray[np.uint8]:
    """The code that comes closest to each sample, by the sample's 16 bits as an unsigned number."""
    codes = np.argsort(decoded, kind="stable")
    levels = decoded[codes].astype(np.int32)
    limits = (levels[:-1] + levels[1:]) / 2
    samples = np.arange(65_536, dtype=np.uint16).view(np.int16)
    return codes[np.searchsorted(limits, samples)].astype(np.uint8)


_DECODED = {SoundEncoding.MULAW: _mulaw(), SoundEncoding.ALAW: _alaw()}
_ENCODED = {encoding: _nearest(decoded) for encoding, decoded in _DECODED.items()}
# Two codes are equally near to silence; lines carry the positive one.
_ENCODED[SoundEncoding.MULAW][0] = 0xFF
_ENCODED[SoundEncoding.ALAW][0] = 0xD5
