"""G.711, the telephone's two kinds of eight bits a sample."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MULAW_BIAS = 132
ALAW_TOGGLED_BITS = 0x55


class G711(StrEnum):
    """Which of the two."""

    MULAW = "mulaw"
    ALAW = "alaw"

    def decoded(self, sound: bytes) -> NDArray[np.int16]:
        return _DECODED[self][np.frombuffer(sound, np.uint8)]

    def encoded(self, samples: NDArray[np.int16]) -> bytes:
        return _ENCODED[self][samples.view(np.uint16)].tobytes()


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


_DECODED = {G711.MULAW: _mulaw(), G711.ALAW: _alaw()}
_ENCODED = {encoding: _nearest(decoded) for encoding, decoded in _DECODED.items()}
# Two codes are equally near to silence; lines carry the positive one.
_ENCODED[G711.MULAW][0] = 0xFF
_ENCODED[G711.ALAW][0] = 0xD5
