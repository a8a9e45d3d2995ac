"""G.711 mu-law by its definition, as a second implementation beside the product's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE_HZ = 8_000
BLOCK_SAMPLES = 160
BLOCK_S = BLOCK_SAMPLES / RATE_HZ
SILENCE = b"\xff"
BIAS = 0x84
LOUDEST = 32_635


def encode(pcm: NDArray[np.int16]) -> bytes:
    """One byte a sample: sign, three bits of exponent, four of mantissa, all inverted."""
    wide = pcm.astype(np.int32)
    sign = np.where(wide < 0, 0x80, 0)
    size = np.minimum(np.abs(wide), LOUDEST) + BIAS
    exponent = np.floor(np.log2(size)).astype(np.int32) - 7
    mantissa = (size >> (exponent + 3)) & 0x0F
    return bytes((~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8).tobytes())


def decode(payload: bytes) -> NDArray[np.int16]:
    """16 bits a sample."""
    code = ~np.frombuffer(payload, np.uint8).astype(np.int32) & 0xFF
    size = (((code & 0x0F) << 3) + BIAS << ((code >> 4) & 0x07)) - BIAS
    return np.where(code & 0x80, -size, size).astype(np.int16)
