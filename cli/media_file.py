"""Sound out of any file that PyAV reads, packet by packet."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import av.error
import numpy as np

from interject.cli.failures import InputFailure
from interject.cli.sources import RawBlock, Source
from interject.cli.truncation import declared_wav_s, ends_early

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

CUT_TOLERANCE_S = 0.25
"""Encoders pad and trim at the ends; a duration may be off by this much in a whole file."""
FULL_SCALE = {"u8": 128.0, "s16": 32_768.0, "s32": 2_147_483_648.0, "s64": 9.223372036854776e18}


class MediaFile(Source):
    """One file, opened at once so that a bad one is refused before anything else starts."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._path = Path(name)
        _refuse_early(self._path)
        try:
            self._container: Any = av.open(name, options={"protocol_whitelist": "file"})
        except av.error.FFmpegError as exc:
            raise InputFailure(_unreadable(self._path, exc)) from exc
        if not self._container.streams.audio:
            self._container.close()
            raise InputFailure(f"{name}: holds no sound; give a file with an audio track")
        self._stream = self._container.streams.audio[0]
        self._expected_s = declared_wav_s(self._path) or _declared_s(self._stream)
        self.rate_hz = int(self._stream.rate or 0)
        self.channels = int(self._stream.codec_context.channels or 0)
        self._read_s = 0.0
        self._damaged = 0

    def blocks(self) -> Iterator[RawBlock]:
        with self._container:
            yield from self._decoded()
        self._report_end()

    def _decoded(self) -> Iterator[RawBlock]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError:
                self._damaged += 1
                return
            if packet is None:
                return
            yield from self._unpacked(packet)

    def _unpacked(self, packet: Any) -> Iterator[RawBlock]:
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            self._damaged += 1
            return
        for frame in frames:
            self._read_s += frame.samples / frame.sample_rate
            yield RawBlock(_as_float(frame), frame.sample_rate)

    def _report_end(self) -> None:
        if self._read_s == 0.0:
            raise InputFailure(f"{self.name}: holds no sound that can be decoded; is it cut short?")
        expected_s = self._expected_s
        if expected_s is not None and expected_s - self._read_s > CUT_TOLERANCE_S:
            self.notices.append(
                f"{self.name} is cut: it says {expected_s:.1f} s, {self._read_s:.1f} s could be"
                " read and were used"
            )
        elif self._damaged or ends_early(self._path):
            self.notices.append(
                f"{self.name} is damaged or cut after {self._read_s:.1f} s; that much was used"
            )


def _refuse_early(path: Path) -> None:
    if not path.exists():
        raise InputFailure(f"{path}: no such file; give a path, '-' for raw PCM, or 'mic'")
    if path.is_dir():
        raise InputFailure(f"{path}: is a folder; give one sound file")
    if path.is_file() and path.stat().st_size == 0:
        raise InputFailure(f"{path}: is empty (0 bytes); nothing to hear")


def _unreadable(path: Path, exc: Exception) -> str:
    if isinstance(exc, PermissionError):
        return f"{path}: may not be read; check its permissions"
    return f"{path}: is not a sound file that can be read, or is cut before its sound begins"


def _declared_s(stream: Any) -> float | None:
    if stream.duration is None or stream.time_base is None:
        return None
    seconds = float(stream.duration * stream.time_base)
    return seconds if math.isfinite(seconds) and seconds > 0.0 else None


def _as_float(frame: Any) -> NDArray[np.float32]:
    """Samples by channels, full scale at 1."""
    kind = frame.format.name.removesuffix("p")
    data = frame.to_ndarray()
    channels = len(frame.layout.channels)
    shaped = data.T if frame.format.is_planar else data.reshape(-1, channels)
    if kind in ("flt", "dbl"):
        return _narrowed(shaped)
    scale = FULL_SCALE[kind]
    centred = shaped.astype(np.float64) - (scale if kind == "u8" else 0.0)
    return np.asarray(centred / scale, dtype=np.float32)


def _narrowed(data: NDArray[Any]) -> NDArray[np.float32]:
    """Doubles beyond float32 become infinite, which the resampler counts."""
    with np.errstate(over="ignore"):
        return np.asarray(data, dtype=np.float32)
