"""The codecs of telephone lines, by PyAV: packets in the middle, one decoded piece for each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import av
import av.error
import numpy as np

if TYPE_CHECKING:
    from interject.training.soundflow.silence_cut import Mask
    from interject.training.sounds.waves import Rng, Wave

PACKET_S = 0.02
FULL_SCALE = 32_768
LINE_HZ = 8_000


class LineCodec(StrEnum):
    MULAW = "mulaw"
    ALAW = "alaw"
    AMR_NB = "amr_nb"
    OPUS = "opus"


class CodecMissing(Exception):
    """This PyAV was built without an encoder; the message says which codec to leave out."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """`delay_s` is how much later a sound leaves the decoder than it entered the encoder."""

    encoder: str
    decoder: str
    out_hz: int = LINE_HZ
    bit_rates: tuple[int, ...] = ()
    delay_s: float = 0.0


_KINDS = {
    LineCodec.MULAW: _Kind("pcm_mulaw", "pcm_mulaw"),
    LineCodec.ALAW: _Kind("pcm_alaw", "pcm_alaw"),
    LineCodec.AMR_NB: _Kind(
        "libopencore_amrnb", "amrnb", LINE_HZ, (4_750, 5_900, 7_400, 7_950, 10_200, 12_200), 0.005
    ),
    LineCodec.OPUS: _Kind("libopus", "libopus", 48_000, (8_000, 12_000, 16_000, 24_000), 0.0065),
}


@dataclass(frozen=True, slots=True)
class CodedSound:
    """One row a packet of 20 ms, at `rate_hz`. `lost` says which rows hold nothing.

    It is all `delay_s` late.
    """

    packets: Wave
    lost: Mask
    rate_hz: int
    delay_s: float


def packets_of(wave: Wave) -> int:
    """How many carry 8 kHz sound, and what an encoder keeps back at its end."""
    return -(-len(wave) // round(PACKET_S * LINE_HZ)) + 1


def through_codec(wave: Wave, codec: LineCodec, rng: Rng, lost: Mask | None = None) -> CodedSound:
    """8 kHz in. The decoder is never shown what was lost: its state suffers as in a telephone.

    :raises CodecMissing: when this PyAV cannot encode it.
    """
    kind = _KINDS[codec]
    bit_rate = int(rng.choice(kind.bit_rates)) if kind.bit_rates else None
    packets = _encoded(wave, codec, kind, bit_rate)
    decoder: Any = av.CodecContext.create(kind.decoder, "r")
    decoder.sample_rate, decoder.layout = kind.out_hz, "mono"
    count = packets_of(wave)
    gone = np.zeros(count, np.bool_) if lost is None else lost
    rows = np.zeros((count, round(PACKET_S * kind.out_hz)), np.float32)
    for row, packet, is_lost in zip(rows, packets, gone, strict=False):
        if not is_lost:
            piece = _decoded(decoder, packet)
            row[: len(piece)] = piece
    return CodedSound(rows, gone, kind.out_hz, kind.delay_s)


def opened(encoder: str, codec: LineCodec) -> Any:
    """:raises CodecMissing: when this PyAV cannot encode it."""
    try:
        return av.CodecContext.create(encoder, "w")
    except (av.error.FFmpegError, ValueError) as exc:
        raise CodecMissing(
            f"this PyAV has no encoder {encoder}: leave {codec.value} out of telephone.codecs"
        ) from exc


def _encoded(wave: Wave, codec: LineCodec, kind: _Kind, bit_rate: int | None) -> list[Any]:
    encoder = opened(kind.encoder, codec)
    encoder.sample_rate, encoder.layout, encoder.format = LINE_HZ, "mono", "s16"
    if bit_rate:
        encoder.bit_rate = bit_rate
    if codec is LineCodec.OPUS:
        encoder.options = {"application": "voip", "frame_duration": "20"}
    size = round(PACKET_S * LINE_HZ)
    count = packets_of(wave)
    pcm = np.zeros(count * size, np.int16)
    pcm[: len(wave)] = np.clip(np.rint(wave * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
    packets: list[Any] = []
    for number, piece in enumerate(pcm.reshape(count, 1, size)):
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
        frame.sample_rate, frame.pts = LINE_HZ, number * size
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return packets


def _decoded(decoder: Any, packet: Any) -> Wave:
    frames = [_samples(frame) for frame in decoder.decode(packet)]
    return np.concatenate(frames) if frames else np.zeros(0, np.float32)


def _samples(frame: Any) -> Wave:
    data = frame.to_ndarray().reshape(-1)
    if data.dtype == np.int16:
        data = data / np.float32(FULL_SCALE)
    samples: Wave = data.astype(np.float32)
    return samples
