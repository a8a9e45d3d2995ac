"""Headers of MPEG audio: enough to recognise MP3 and ADTS, and to read an MP3's own length."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.cli.input.input_file import HEAD_BYTES

if TYPE_CHECKING:
    from interject.cli.input.input_file import InputFile

RATES_HZ = (44_100, 48_000, 32_000)
KBPS = {
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""By version (2 stands for 2.5, too) and layer."""
LONGEST_FRAME = 4_608
SEARCHED_BYTES = 4_096
XING_FRAMES, XING_SIZE = 1, 2


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """`shape` is what stays the same from one frame of a file to the next."""

    shape: tuple[int, ...]
    rate_hz: int
    samples: int
    size: int


def frame_header(data: bytes) -> FrameHeader | None:
    """What four bytes say when they begin a frame of layer I, II or III."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return None
    version, layer = (data[1] >> 3) & 3, 4 - ((data[1] >> 1) & 3)
    kbps_index, rate_index = data[2] >> 4, (data[2] >> 2) & 3
    if version == 1 or layer == 4 or rate_index == 3 or kbps_index in (0, 15):
        return None
    rate_hz = RATES_HZ[rate_index] >> {3: 0, 2: 1, 0: 2}[version]
    kbps = KBPS[1 if version == 3 else 2, layer][kbps_index]
    samples = {1: 384, 2: 1_152, 3: 1_152 if version == 3 else 576}[layer]
    slot = 4 if layer == 1 else 1
    size = (samples * kbps * 125 // rate_hz // slot + ((data[2] >> 1) & 1)) * slot
    return FrameHeader((version, layer, rate_index), rate_hz, samples, size)


def begins_mpeg_audio(file: InputFile) -> bool:
    """Whether it begins with two frames of MPEG audio or ADTS: one alone may be raw PCM."""
    start = file.peek(4)
    if len(start) < 4 or start[0] != 0xFF or start[1] & 0xE0 != 0xE0:
        return False
    data = file.peek(LONGEST_FRAME + 4)
    if start[1] & 0xF6 == 0xF0:
        size = (data[3] & 3) << 11 | data[4] << 3 | data[5] >> 5 if len(data) > 5 else 0
        return size > 7 and data[size : size + 2] == start[:2]
    first = frame_header(data)
    second = first and frame_header(data[first.size : first.size + 4])
    return first is not None and second is not None and first.shape == second.shape


def declared_mp3_s(file: InputFile) -> float | None:
    """Seconds by the Xing, Info or VBRI header of the first frame; most other MP3s have none."""
    _, frame = _first_frame(file)
    header = frame_header(frame[:4])
    frames = _frames(frame)
    return frames * header.samples / header.rate_hz if header and frames else None


def mp3_size_at(file: InputFile) -> int | None:
    """Where the Xing or Info header of an MP3 in a pipe says how many bytes there are, if it does.

    FFmpeg, which cannot compare them with a pipe's, would then not cut the padding at the end; it
    does where the header says 0.
    """
    start = file.peek(10)
    if start[:3] != b"ID3" and frame_header(start) is None:
        return None
    file.peek(min(_after_id3(file) + SEARCHED_BYTES, HEAD_BYTES))
    begin, frame = _first_frame(file)
    at = _xing_at(frame)
    if at is None:
        return None
    flags = frame[at + 7]
    return begin + at + 8 + 4 * (flags & XING_FRAMES) if flags & XING_SIZE else None


def _first_frame(file: InputFile) -> tuple[int, bytes]:
    """Its place, and the bytes from there on; nothing where there is none."""
    begin = _after_id3(file)
    data = file.at(begin, SEARCHED_BYTES)
    start = next((at for at in range(len(data) - 3) if frame_header(data[at : at + 4])), len(data))
    return begin + start, data[start:]


def _after_id3(file: InputFile) -> int:
    start = file.at(0, 10)
    if start[:3] != b"ID3" or len(start) < 10:
        return 0
    size = start[6] << 21 | start[7] << 14 | start[8] << 7 | start[9]
    return 10 + size


def _frames(frame: bytes) -> int:
    if frame[36:40] == b"VBRI" and len(frame) >= 54:
        return int(struct.unpack(">I", frame[50:54])[0])
    at = _xing_at(frame)
    if at is None:
        return 0
    flags, frames = struct.unpack(">II", frame[at + 4 : at + 12])
    return int(frames) if flags & XING_FRAMES else 0


def _xing_at(frame: bytes) -> int | None:
    found = (at for at in (36, 21, 13) if frame[at : at + 4] in (b"Xing", b"Info"))
    at = next(found, len(frame))
    return at if len(frame) >= at + 12 else None
