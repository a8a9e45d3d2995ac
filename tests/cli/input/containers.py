"""Sound files of every format, made on the spot with PyAV, and what is heard of one."""

from __future__ import annotations

import os
import struct
import threading
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from interject.cli.input.mono_converter import MonoConverter
from tests.cli.sounds import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from interject.cli.input.sources import Source


def hear(source: Source) -> tuple[NDArray[np.int16], MonoConverter]:
    """All that a source yields, at 16 kHz mono."""
    converter = MonoConverter()
    pieces = [converter.push(block) for block in source.blocks()]
    return np.concatenate([*pieces, converter.finish()]), converter


def encode(
    source: Path,
    target: Path,
    codec: str,
    *,
    rate_hz: int = 48_000,
    metadata: Mapping[str, str] | None = None,
    options: dict[str, str] | None = None,
    moved: Callable[[float], float] | None = None,
) -> Path:
    """`moved` says what time stamp, in seconds, a packet gets that stands at so many."""
    with av.open(str(target), "w", options=options) as out, av.open(str(source)) as sound:
        out.metadata.update(metadata or {})
        stream: Any = out.add_stream(codec, rate=rate_hz)
        stream.layout = "mono"
        frame_size = stream.codec_context.frame_size or None
        resampler = av.AudioResampler(stream.format, "mono", rate_hz, frame_size)
        for frame in [*sound.decode(audio=0), None]:
            for piece in resampler.resample(frame):
                mux(out, stream.encode(piece), moved)
        mux(out, stream.encode(None), moved)
    return target


def mux(out: Any, packets: list[Any], moved: Callable[[float], float] | None) -> None:
    for packet in packets:
        if moved is not None:
            at_s = float(packet.pts * packet.time_base)
            packet.pts = packet.dts = round(moved(at_s) / float(packet.time_base))
        out.mux(packet)


def two_tracks(first: Path, second: Path, target: Path) -> Path:
    with av.open(str(target), "w") as out, av.open(str(first)) as one, av.open(str(second)) as two:
        streams: list[Any] = [
            out.add_stream("pcm_s16le", rate=RATE_HZ, layout="mono") for _ in range(2)
        ]
        for stream, sound in zip(streams, (one, two), strict=True):
            for frame in sound.decode(audio=0):
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    return target


def only_pictures(target: Path) -> Path:
    with av.open(str(target), "w") as out:
        stream: Any = out.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 16
        frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), dtype=np.uint8), format="rgb24")
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return target


def wav_bytes(
    samples: NDArray[np.int16], *, data_size: int | None = None, bytes_per_s: int = RATE_HZ * 2
) -> bytes:
    """A WAV whose header may say another length, or another rate of bytes."""
    data = samples.astype("<i2").tobytes()
    said = len(data) if data_size is None else data_size
    shape = struct.pack("<HHIIHH", 1, 1, RATE_HZ, bytes_per_s, 2, 16)
    riff = b"WAVEfmt " + struct.pack("<I", len(shape)) + shape + b"data" + struct.pack("<I", said)
    return b"RIFF" + struct.pack("<I", min(said + 36, 0xFFFF_FFFF)) + riff + data


def piped(data: bytes) -> int:
    """A descriptor to read `data` from, however much it is."""
    reader, writer = os.pipe()

    def write() -> None:
        with os.fdopen(writer, "wb") as out:
            out.write(data)

    threading.Thread(target=write, daemon=True).start()
    return reader
