"""Bytes as they come over a socket, in pieces of any length, as samples of each channel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from interject.integrations.audio.g711 import G711

if TYPE_CHECKING:
    from numpy.typing import NDArray


class AudioEncoding(StrEnum):
    PCM_S16LE = "pcm_s16le"
    MULAW = "mulaw"

    @property
    def sample_bytes(self) -> int:
        return 2 if self is AudioEncoding.PCM_S16LE else 1

    def decoded(self, sound: bytes) -> NDArray[np.int16]:
        """Whole samples."""
        if self is AudioEncoding.MULAW:
            return G711.MULAW.decoded(sound)
        return np.frombuffer(sound, "<i2").astype(np.int16)

    def encoded(self, samples: NDArray[np.int16]) -> bytes:
        if self is AudioEncoding.MULAW:
            return G711.MULAW.encoded(samples)
        return samples.astype("<i2").tobytes()


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Several channels are interleaved, sample by sample."""

    encoding: AudioEncoding
    rate_hz: int
    channels: int = 1


class InterleavedAudio:
    """A piece may end in the middle of a sample, or between two channels: the rest of it is in the
    next one.
    """

    def __init__(self, audio_format: AudioFormat) -> None:
        self._format = audio_format
        self._step = audio_format.encoding.sample_bytes * audio_format.channels
        self._rest = b""

    def split(self, sound: bytes) -> list[NDArray[np.int16]]:
        """What is whole by now, a channel each."""
        sound = self._rest + sound
        whole = len(sound) - len(sound) % self._step
        self._rest = sound[whole:]
        samples = self._format.encoding.decoded(sound[:whole])
        return list(np.ascontiguousarray(samples.reshape(-1, self._format.channels).T))
