"""Sound files of any format to mono, and mono to FLAC and WAV."""

from __future__ import annotations

import io
import stat
import struct
import wave
from typing import TYPE_CHECKING, Any

import av
import av.error
import numpy as np
import soxr

from interject.model_runtime.protocol import SAMPLE_BYTES, SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

FULL_SCALE = 32_768.0
MOST_S = 3_600.0
MOST_BYTES = 1 << 30
SCALES = {"u8": 128.0, "s16": FULL_SCALE, "s32": 2_147_483_648.0, "flt": 1.0, "dbl": 1.0}
OPTIONS = {"protocol_whitelist": "none"}
"""What a playlist or a reference in a file names is never opened."""
STRICT = {"err_detect": "crccheck+bitstream+explode"}
EXACT = ("flac", "wav", "ogg", "mov,mp4,m4a,3gp,3g2,mj2")
"""Formats that know their length; of others FFmpeg guesses it."""
CUT_TOLERANCE_S = 0.05
AUDIBLE, CANCELLED = 0.001, 0.001
"""Of full scale, and of the loudest channel: what is left of it is rounding."""
PACKED = {"fflags": "+bitexact", "metadata_header_padding": "0"}
"""Without the version of FFmpeg, so that the same samples are the same bytes; without 8 KiB of
room for tags."""


class BadSound(ValueError):
    """A file whose sound cannot be used as it is; the message says why, not which file."""


def read_sound(
    data: bytes, container_format: str | None = None, *, whole: bool = True
) -> NDArray[np.float32]:
    """16 kHz, from -1 to 1; `decoded` says what else it takes and raises."""
    rate_hz, mono = decoded(data, container_format, whole=whole)
    if rate_hz != SAMPLE_RATE_HZ:
        mono = soxr.resample(mono, rate_hz, SAMPLE_RATE_HZ, quality="HQ")
    if not len(mono):
        raise BadSound("holds no samples")
    return np.clip(mono, -1.0, 1.0).astype(np.float32, copy=False)


def read_sound_file(path: Path) -> NDArray[np.float32]:
    """:raises BadSound: as `read_sound`, and when the file cannot be opened."""
    return read_sound(file_bytes(path))


def decoded(
    data: bytes, container_format: str | None = None, *, whole: bool = True
) -> tuple[int, NDArray[np.float32]]:
    """The rate in Hz, and all channels mixed evenly. A file that does not say what it is needs a
    `container_format`, by FFmpeg's name of it (`g722`, `gsm`).

    Nobody is served by half a sound: what is damaged or cut is refused, not mended. Only
    of what is known not to be `whole`, what comes before the damage is taken.

    :raises BadSound: when it is no sound, damaged, cut, empty, or longer than an hour.
    """
    if not data:
        raise BadSound("is empty (0 bytes)")
    _check_riff(data)
    try:
        with av.open(
            io.BytesIO(data), format=container_format, metadata_errors="replace", options=OPTIONS
        ) as container:
            rate_hz, mono = _decoded(container, whole=whole)
    except (av.error.FFmpegError, OSError) as exc:
        raise BadSound("is no sound that can be read, or is damaged") from exc
    if not np.isfinite(mono).all():
        raise BadSound("holds samples that are not numbers (NaN or infinite)")
    return rate_hz, mono


def file_bytes(path: Path) -> bytes:
    """:raises BadSound: when the file cannot be opened, or is too large."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise BadSound("is no file")
        if found.st_size > MOST_BYTES:
            raise BadSound(f"is larger than {MOST_BYTES >> 30} GiB")
        return path.read_bytes()
    except FileNotFoundError:
        raise BadSound("there is no such file") from None
    except OSError as exc:
        raise BadSound(f"cannot be read ({(exc.strerror or '').lower()})") from exc


def as_wav(pcm: bytes) -> bytes:
    """A file as endpoints take it, of 16-bit mono at 16 kHz."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(SAMPLE_BYTES)
        writer.setframerate(SAMPLE_RATE_HZ)
        writer.writeframes(pcm)
    return file.getvalue()


def as_flac(sound: NDArray[np.float32], rate_hz: int = SAMPLE_RATE_HZ) -> bytes:
    """16 bits a sample; the same samples are always the same bytes."""
    pcm = np.clip(np.rint(sound * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    out = io.BytesIO()
    with av.open(out, "w", format="flac", options=PACKED) as container:
        stream: Any = container.add_stream("flac", rate=rate_hz, layout="mono", format="s16")
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = rate_hz, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def _decoded(container: Any, *, whole: bool) -> tuple[int, NDArray[np.float32]]:
    if not container.streams.audio:
        raise BadSound("holds no audio track")
    stream = container.streams.audio[0]
    if stream.codec_context is None:
        raise BadSound("holds sound of a kind that cannot be decoded")
    stream.codec_context.options = STRICT
    pieces: list[NDArray[np.float32]] = []
    samples, loudest = 0, 0.0
    for frame in _frames(container, stream, whole=whole):
        rate_hz = frame.sample_rate
        channels = _channels(frame)
        pieces.append(channels.mean(axis=0).astype(np.float32))
        loudest = max(loudest, float(np.abs(channels).max(initial=0.0)))
        samples += frame.samples
        if samples > MOST_S * rate_hz:
            raise BadSound(f"is longer than {MOST_S / 60:.0f} minutes")
    if not pieces:
        raise BadSound("holds no samples")
    if whole:
        _check_whole(container, stream, samples / rate_hz)
    mono = np.concatenate(pieces)
    if loudest > AUDIBLE and float(np.abs(mono).max()) < loudest * CANCELLED:
        raise BadSound("is silent in mono: one of its channels is the other turned over")
    return rate_hz, mono


def _frames(container: Any, stream: Any, *, whole: bool) -> Iterator[Any]:
    try:
        yield from container.decode(stream)
    except av.error.FFmpegError:
        if whole:
            raise


def _channels(frame: Any) -> NDArray[np.float64]:
    kind = frame.format.name.removesuffix("p")
    if kind not in SCALES:
        raise BadSound(f"holds samples of the kind {kind}, which is not read")
    data = frame.to_ndarray()
    channels = len(frame.layout.channels)
    shaped = data if frame.format.is_planar else data.reshape(-1, channels).T
    around_zero = shaped.astype(np.float64) - (SCALES[kind] if kind == "u8" else 0.0)
    return np.asarray(around_zero / SCALES[kind])


def _check_whole(container: Any, stream: Any, heard_s: float) -> None:
    """A decoder leaves out what it cannot decode, and says nothing."""
    if container.format.name not in EXACT or stream.duration is None:
        return
    said_s = float(stream.duration * stream.time_base)
    if heard_s < said_s - CUT_TOLERANCE_S:
        raise BadSound(f"is damaged or cut: it says {said_s:.2f} s, {heard_s:.2f} s can be read")


def _check_riff(data: bytes) -> None:
    """FFmpeg takes a WAV that is cut for a shorter one."""
    if data[:4] != b"RIFF" or len(data) < 8:
        return
    said = struct.unpack("<I", data[4:8])[0] + 8
    if len(data) < said < 2**31:
        raise BadSound(f"is cut: its header says {said} bytes, {len(data)} are there")
