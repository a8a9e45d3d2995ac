"""Sound files for tests, made on the spot."""

from __future__ import annotations

import struct
import wave
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATE_HZ = 16_000


def room(seconds: float, *, loud_at_s: tuple[float, ...] = (), seed: int = 1) -> NDArray[np.int16]:
    """Faint noise with 400 ms tones near full scale."""
    samples = np.random.default_rng(seed).normal(0.0, 200.0, round(seconds * RATE_HZ))
    tone = 24_000.0 * np.sin(2.0 * np.pi * 700.0 * np.arange(6_400) / RATE_HZ)
    for at_s in loud_at_s:
        start = round(at_s * RATE_HZ)
        samples[start : start + len(tone)] += tone
    return np.clip(samples, -32_768, 32_767).astype(np.int16)


def write_wav(
    path: Path, samples: NDArray[np.int16], *, rate_hz: int = RATE_HZ, channels: int = 1
) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def write_float_wav(path: Path, samples: NDArray[np.float32]) -> Path:
    """A WAV of 32-bit floats, which may hold NaN and infinity."""
    data = samples.astype("<f4").tobytes()
    shape = struct.pack("<HHIIHH", 3, 1, RATE_HZ, RATE_HZ * 4, 4, 32)
    riff = b"WAVEfmt " + struct.pack("<I", len(shape)) + shape
    body = riff + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def write_sparse_wav(path: Path, size_bytes: int) -> Path:
    """A WAV of digital silence that takes no room on the disk."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(b"")
    with path.open("r+b") as raw:
        raw.seek(4)
        raw.write(struct.pack("<I", 0xFFFF_FFFF))
        raw.seek(40)
        raw.write(struct.pack("<I", 0xFFFF_FFFF))
        raw.truncate(size_bytes)
    return path


def read_tracks(path: Path) -> NDArray[np.int16]:
    """Samples by channels, however many there are."""
    with wave.open(str(path), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples.reshape(-1, file.getnchannels())


def read_stereo(path: Path) -> NDArray[np.int16]:
    """Samples by channels."""
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getframerate()) == (2, RATE_HZ)
        data: NDArray[Any] = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    return data.reshape(-1, 2).astype(np.int16)
