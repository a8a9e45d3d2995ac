"""Where sound comes from: a file, raw PCM on standard input, or a microphone."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.cli.failures import InputFailure
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

STDIN = "-"
MICROPHONE = "mic"
READ_BYTES = 16_384
MAX_CHANNELS = 64
MIN_RATE_HZ, MAX_RATE_HZ = 1_000, 768_000


@dataclass(frozen=True, slots=True)
class RawBlock:
    """A piece of sound as it came: float32, samples by channels, full scale at 1."""

    samples: NDArray[np.float32] = field(repr=False)
    rate_hz: int


class Source(ABC):
    """Something that yields blocks, possibly blocking; `notices` tell what was odd about it."""

    live = False
    """Whether the sound arrives by itself in real time."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.notices: list[str] = []

    @abstractmethod
    def blocks(self) -> Iterator[RawBlock]: ...


class RawPcm(Source):
    """Signed 16-bit little-endian PCM from a file descriptor, in real or any other time."""

    def __init__(self, descriptor: int, *, rate_hz: int, channels: int) -> None:
        super().__init__("standard input")
        if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
            raise InputFailure(
                f"--raw-rate {rate_hz}: must lie between {MIN_RATE_HZ} and {MAX_RATE_HZ} Hz"
            )
        if not 1 <= channels <= MAX_CHANNELS:
            raise InputFailure(f"--raw-channels {channels}: must lie between 1 and {MAX_CHANNELS}")
        self._descriptor = descriptor
        self._rate_hz = rate_hz
        self._channels = channels

    def blocks(self) -> Iterator[RawBlock]:
        whole = 2 * self._channels
        rest = b""
        heard = False
        while data := os.read(self._descriptor, READ_BYTES):
            data = rest + data
            usable = len(data) - len(data) % whole
            rest = data[usable:]
            if usable:
                heard = True
                yield RawBlock(self._shaped(data[:usable]), self._rate_hz)
        if rest:
            self.notices.append(f"standard input ended inside a sample; {len(rest)} bytes dropped")
        if not heard:
            raise InputFailure("standard input is empty; pipe raw 16-bit PCM into it")

    def _shaped(self, data: bytes) -> NDArray[np.float32]:
        pcm = np.frombuffer(data, dtype="<i2").reshape(-1, self._channels)
        return np.asarray(pcm, dtype=np.float32) / np.float32(32_768.0)


def open_source(name: str, *, raw_rate_hz: int = SAMPLE_RATE_HZ, raw_channels: int = 1) -> Source:
    """Open a source by its name on the command line.

    :raises InputFailure: when there is no sound to be had from it.
    """
    if name == STDIN:
        if os.isatty(0):
            raise InputFailure("standard input is a terminal; pipe raw 16-bit PCM into it")
        return RawPcm(0, rate_hz=raw_rate_hz, channels=raw_channels)
    if name == MICROPHONE:
        from interject.cli.microphone import Microphone

        return Microphone()
    from interject.cli.media_file import MediaFile

    return MediaFile(name)
