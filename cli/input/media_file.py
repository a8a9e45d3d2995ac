"""Sound out of any file that PyAV reads, packet by packet."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any

import av
import av.error
import numpy as np

from interject.cli.input.concatenation import begins_another, end_of_first
from interject.cli.input.input_file import HEAD_BYTES, open_input
from interject.cli.input.mpeg_audio import mp3_size_at
from interject.cli.input.sources import RawBlock, Source
from interject.cli.input.time_stamps import TimeStamps
from interject.cli.input.truncation import CUT_TOLERANCE_S, boxes, mended_start, whole_s
from interject.cli.process.failures import InputFailure, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from interject.cli.input.input_file import InputFile

FULL_SCALE = {"u8": 128.0, "s16": 32_768.0, "s32": 2_147_483_648.0, "s64": 9.223372036854776e18}
FROM_ZERO = ("matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "flv")
FROM_FIRST_STAMP = ("ogg", "mpegts", "mpeg", "asf", "nut")
"""Containers with time stamps of their own: in these a recording may begin at any time of day."""
MICROSECONDS = 1_000_000.0
OPTIONS = {"protocol_whitelist": "none"}
"""What a playlist or a reference in a file names is never opened."""


class MediaFile(Source):
    """One file, opened at once so that a bad one is refused before anything else starts.

    `track` counts the audio tracks from 1. A `file` that is open already, a pipe say, is read from
    where it stands.
    """

    def __init__(
        self, name: str, *, track: int | None = None, file: InputFile | None = None
    ) -> None:
        super().__init__(printable(name))
        self._file = file or open_input(name)
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(self._file.close)
            self._container = on_failure.enter_context(_opened(self._file, self.name))
            self._stream = self._chosen(track)
            on_failure.pop_all()
        self.rate_hz = int(self._stream.rate or 0)
        self.channels = int(self._stream.codec_context.channels or 0)
        self._end = end_of_first(self._container.format.name, self._file)
        self._file.keep(self._end or 0)
        self._stamps = TimeStamps()
        self._read_s = 0.0
        self._lost = self._failed = 0

    def blocks(self) -> Iterator[RawBlock]:
        try:
            with self._container:
                yield from self._decoded()
                self._report_end()
        finally:
            self._file.close()

    def _chosen(self, track: int | None) -> Any:
        tracks = self._container.streams.audio
        count = len(tracks)
        if not count:
            raise InputFailure(f"{self.name}: holds no sound; give a file with an audio track")
        number = 1 if track is None else track
        if not 1 <= number <= count:
            held = "1 audio track" if count == 1 else f"{count} audio tracks"
            raise InputFailure(f"--track {number}: {self.name} holds {held}, counted from 1")
        if count > 1:
            other = "" if track else "; --track N hears another"
            self.notices.append(
                f"{self.name} holds {count} audio tracks; track {number} is heard{other}"
            )
        chosen = tracks[number - 1]
        if chosen.codec_context is None:
            raise InputFailure(f"{self.name}: its sound is of a kind that cannot be decoded")
        return chosen

    def _decoded(self) -> Iterator[RawBlock]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError):
                self._failed += 1
                return
            self._file.check()
            if packet is None:
                return
            yield from self._unpacked(packet)

    def _unpacked(self, packet: Any) -> Iterator[RawBlock]:
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            self._failed += 1
            return
        for frame in frames:
            self._lost, self._failed = self._lost + self._failed, 0
            yield from self._hole_before(frame)
            self._take(frame.samples / frame.sample_rate)
            yield RawBlock(_as_float(frame), frame.sample_rate)

    def _hole_before(self, frame: Any) -> Iterator[RawBlock]:
        """Silence where the time stamps say that nothing was recorded, a second at a time."""
        at_s = self._stamp_s(frame)
        if at_s is None:
            return
        missing = round(self._stamps.silence_before(at_s) * frame.sample_rate)
        self._stamps.advance(missing / frame.sample_rate)
        while missing:
            piece = min(missing, frame.sample_rate)
            missing -= piece
            silence = np.zeros((piece, len(frame.layout.channels)), dtype=np.float32)
            yield RawBlock(silence, frame.sample_rate)

    def _stamp_s(self, frame: Any) -> float | None:
        container = self._container.format.name
        if frame.pts is None or container not in FROM_ZERO + FROM_FIRST_STAMP:
            return None
        begins = self._container.start_time if container in FROM_FIRST_STAMP else 0
        return float(frame.pts * frame.time_base) - (begins or 0) / MICROSECONDS

    def _take(self, seconds: float) -> None:
        self._read_s += seconds
        self._stamps.advance(seconds)

    def _report_end(self) -> None:
        if self._read_s == 0.0:
            raise InputFailure(f"{self.name}: holds no sound that can be decoded; is it cut short?")
        for at_s, ahead_s in self._stamps.refused[:1]:
            self.notices.append(
                f"{self.name}: the time stamps jump by {ahead_s:.0f} s at {at_s:.1f} s; taken for a"
                " fault, the sound goes on without silence"
            )
        self._report_cut()
        if self._end and begins_another(self._file, self._end):
            self.notices.append(
                f"{self.name} holds a second sound file behind the first, which alone is heard;"
                " hear them one by one, or join them with ffmpeg or sox"
            )
        if self._lost:
            self.notices.append(
                f"{self.name}: {self._lost} packets could not be decoded and are left out"
            )

    def _report_cut(self) -> None:
        heard_s = self._stamps.position_s
        said_s = whole_s(self._container.format.name, self._file, heard_s)
        if said_s == math.inf:
            said_s = max(_declared_s(self._container, self._stream), 0.0)
        if said_s is not None and said_s > heard_s + CUT_TOLERANCE_S:
            self.notices.append(
                f"{self.name} is cut: it says {said_s:.1f} s, {heard_s:.1f} s could be"
                " read and were used"
            )
        elif self._failed or said_s is not None:
            self.notices.append(
                f"{self.name} is damaged or cut after {heard_s:.1f} s; that much was used"
            )


def _opened(file: InputFile, name: str) -> Any:
    if not file.seekable() and _index_at_end(file):
        raise InputFailure(
            f"{name}: its index (moov) stands behind the sound, and a pipe cannot go back; give the"
            " file itself, or write it with -movflags +faststart"
        )
    file.mended = (0, mended_start(file))
    if not file.seekable() and (at := mp3_size_at(file)) is not None:
        file.mended = (at, b"\0" * 4)
    try:
        return av.open(file, metadata_errors="replace", options=OPTIONS)
    except (av.error.FFmpegError, OSError) as exc:
        file.check()
        hint = "" if file.seekable() else "; for raw PCM give --raw"
        raise InputFailure(
            f"{name}: is not a sound file that can be read, or is cut before its sound begins{hint}"
        ) from exc


def _index_at_end(file: InputFile) -> bool:
    """Whether a piped MP4 has its sound before the table that says where it is."""
    for kind, end in boxes(lambda at, count: file.peek(at + count)[at:]):
        if kind in (b"moov", b"mdat") or end > HEAD_BYTES:
            return kind == b"mdat"
    return False


def _declared_s(container: Any, stream: Any) -> float:
    """Seconds by the demultiplexer, 0 where it does not know; a guess for some formats."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / MICROSECONDS


def _as_float(frame: Any) -> NDArray[np.float32]:
    """Samples by channels, full scale at 1."""
    kind = frame.format.name.removesuffix("p")
    data = _whole_64(frame) if kind == "s64" else frame.to_ndarray()
    channels = len(frame.layout.channels)
    shaped = data.T if frame.format.is_planar else data.reshape(-1, channels)
    if kind in ("flt", "dbl"):
        return _narrowed(shaped)
    scale = FULL_SCALE[kind]
    centred = shaped.astype(np.float64) - (scale if kind == "u8" else 0.0)
    return np.asarray(centred / scale, dtype=np.float32)


def _whole_64(frame: Any) -> NDArray[np.int64]:
    """PyAV makes no array of these."""
    planes = [np.frombuffer(plane, dtype=np.int64) for plane in frame.planes]
    per_plane = frame.samples * (1 if frame.format.is_planar else len(frame.layout.channels))
    return np.stack([plane[:per_plane] for plane in planes])


def _narrowed(data: NDArray[Any]) -> NDArray[np.float32]:
    """Doubles beyond float32 become infinite, which the resampler counts."""
    with np.errstate(over="ignore"):
        return np.asarray(data, dtype=np.float32)
