"""A WAV that grows on disk: left the room, right Interject when it spoke, third what it played."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Self

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path

    from numpy.typing import NDArray

HEADER_BYTES = 44
SAMPLE_BYTES = 2
UNKNOWN_SIZE = 0xFFFF_FFFF
"""What a growing WAV says, or one beyond 4 GB: readers then go on to the end of the file."""


class StereoWriter:
    """Two tracks on one clock of samples at 16 kHz, and with `sounds` a third one.

    The room runs ahead of the decisions about it, so all tracks wait in memory until `settle`
    says that nothing more can be spoken before a point. A disk that is full later costs the rest
    of the file, and nobody else anything: `failure` says why.

    :raises OSError: when it cannot even be begun.
    """

    def __init__(self, path: Path, *, sounds: bool = False) -> None:
        self.failure: OSError | None = None
        self._file: FileIO = path.open("wb", buffering=0)
        self._left, self._right = _Track(), _Track()
        self._sounds = _Track()
        self._tracks = (self._left, self._right, *([self._sounds] if sounds else []))
        try:
            self._file.write(_header(UNKNOWN_SIZE, len(self._tracks)))
        except OSError as exc:
            self._file.close()
            raise OSError(exc.errno, exc.strerror, str(path)) from exc
        self._data_bytes = self._written = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def spoken_until(self) -> int:
        """The sample at which the speech written so far ends."""
        return self._right.end

    def hear(self, samples: NDArray[np.int16]) -> None:
        self._left.append(self._left.end, samples)

    def speak(self, at_sample: int, samples: NDArray[np.int16]) -> None:
        """Speak at a moment, or when the earlier words are over, whichever is later."""
        self._right.append(max(at_sample, self._right.end, self._written), samples)

    def play(self, at_sample: int, samples: NDArray[np.int16]) -> None:
        """A sound on the track of its own."""
        self._sounds.append(max(at_sample, self._sounds.end, self._written), samples)

    def hush(self, at_sample: int) -> None:
        """Take back what would be spoken after a moment."""
        self._right.cut(max(at_sample, self._written))

    def settle(self, until_sample: int) -> None:
        """Write out everything before a moment."""
        count = min(until_sample, self._end) - self._written
        if count <= 0:
            return
        together = np.empty((count, len(self._tracks)), dtype="<i2")
        for number, track in enumerate(self._tracks):
            together[:, number] = track.take(self._written, count)
        self._data_bytes += self._write(together.tobytes())
        self._written += count

    def close(self) -> None:
        if self._file.closed:
            return
        self.settle(self._end)
        try:
            if self._file.seekable():
                self._file.seek(0)
                self._file.write(_header(self._data_bytes, len(self._tracks)))
            self._file.close()
        except OSError as exc:
            self.failure = self.failure or exc

    @property
    def _end(self) -> int:
        return max(track.end for track in self._tracks)

    def _write(self, data: bytes) -> int:
        """How much of it could be written; all, until the first failure."""
        rest = memoryview(data)
        try:
            while rest and self.failure is None:
                rest = rest[self._file.write(rest) :]
        except OSError as exc:
            self.failure = exc
        return len(data) - len(rest)


class _Track:
    """Pieces of sound at their places, in order; silence between them."""

    def __init__(self) -> None:
        self._pieces: list[tuple[int, NDArray[np.int16]]] = []
        self.end = 0

    def append(self, at: int, samples: NDArray[np.int16]) -> None:
        if samples.size:
            self._pieces.append((at, samples))
            self.end = at + len(samples)

    def cut(self, at: int) -> None:
        kept = [(start, piece[: at - start]) for start, piece in self._pieces if start < at]
        self._pieces = kept
        self.end = min(self.end, at)

    def take(self, start: int, count: int) -> NDArray[np.int16]:
        out = np.zeros(count, dtype=np.int16)
        rest = []
        for at, piece in self._pieces:
            if at >= start + count:
                rest.append((at, piece))
                continue
            head = piece[: start + count - at]
            out[at - start : at - start + len(head)] = head
            if len(head) < len(piece):
                rest.append((at + len(head), piece[len(head) :]))
        self._pieces = rest
        return out


def _header(data_bytes: int, tracks: int) -> bytes:
    known = data_bytes <= UNKNOWN_SIZE - HEADER_BYTES
    riff_bytes = data_bytes + HEADER_BYTES - 8 if known else UNKNOWN_SIZE
    frame_bytes = tracks * SAMPLE_BYTES
    byte_rate = SAMPLE_RATE_HZ * frame_bytes
    shape = struct.pack("<HHIIHH", 1, tracks, SAMPLE_RATE_HZ, byte_rate, frame_bytes, 16)
    start = b"RIFF" + struct.pack("<I", riff_bytes) + b"WAVEfmt " + struct.pack("<I", len(shape))
    return start + shape + b"data" + struct.pack("<I", data_bytes if known else UNKNOWN_SIZE)
