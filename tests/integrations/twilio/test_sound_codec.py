"""G.711 as FFmpeg has it, and what cannot be heard is said."""

from __future__ import annotations

import av
import numpy as np
import pytest

from interject.integrations.twilio.messages import MediaFormat
from interject.integrations.twilio.sound_codec import SoundCodec, UnknownFormat

EVERY_CODE = bytes(range(256))
EVERY_SAMPLE = np.arange(-32_768, 32_768).astype(np.int16)
HALF_STEPS = {"audio/x-mulaw": 644, "audio/x-alaw": 512}
"""Half of G.711's widest step, and of mu-law what lies above its loudest code."""


def offered(encoding: str, rate_hz: int = 8_000, channels: int = 1) -> MediaFormat:
    return MediaFormat.model_validate(
        {"encoding": encoding, "sampleRate": rate_hz, "channels": channels}
    )


@pytest.mark.parametrize(
    ("encoding", "name"), [("audio/x-mulaw", "pcm_mulaw"), ("audio/x-alaw", "pcm_alaw")]
)
def test_every_code_means_what_ffmpeg_says(encoding: str, name: str) -> None:
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.sample_rate, decoder.layout = 8_000, "mono"
    [frame] = decoder.decode(av.Packet(EVERY_CODE))
    decoded = SoundCodec(offered(encoding)).decode(EVERY_CODE)
    assert decoded.tolist() == frame.to_ndarray()[0].tolist()


@pytest.mark.parametrize("encoding", ["audio/x-mulaw", "audio/x-alaw"])
def test_every_sample_becomes_the_code_that_is_nearest(encoding: str) -> None:
    codec = SoundCodec(offered(encoding))
    codes = codec.decode(EVERY_CODE).astype(np.int64)
    back = codec.decode(codec.encode(EVERY_SAMPLE)).astype(np.int64)
    nearest = np.abs(codes[None, :] - EVERY_SAMPLE.astype(np.int64)[:, None]).min(axis=1)
    assert np.array_equal(np.abs(back - EVERY_SAMPLE), nearest)
    assert nearest.max() <= HALF_STEPS[encoding]


@pytest.mark.parametrize("encoding", ["audio/x-mulaw", "audio/x-alaw"])
def test_a_code_comes_back_as_itself(encoding: str) -> None:
    codec = SoundCodec(offered(encoding))
    back = codec.encode(codec.decode(EVERY_CODE))
    assert codec.decode(back).tolist() == codec.decode(EVERY_CODE).tolist()


def test_silence_is_the_code_that_lines_carry() -> None:
    assert SoundCodec(offered("audio/x-mulaw")).encode(np.zeros(3, np.int16)) == b"\xff\xff\xff"
    assert SoundCodec(offered("audio/x-alaw")).encode(np.zeros(1, np.int16)) == b"\xd5"


def test_plain_samples_pass_unchanged() -> None:
    codec = SoundCodec(offered("audio/x-l16", rate_hz=16_000))
    assert codec.rate_hz == 16_000
    assert codec.encode(np.array([1, -2], np.int16)) == b"\x01\x00\xfe\xff"
    assert codec.decode(b"\x01\x00\xfe\xff").tolist() == [1, -2]
    with pytest.raises(ValueError, match="buffer"):
        codec.decode(b"\x01")


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        (offered("audio/opus"), "encoding"),
        (offered("audio/x-mulaw", channels=2), "channel"),
        (offered("audio/x-mulaw", rate_hz=0), "rate"),
        (offered("audio/x-l16", rate_hz=2**40), "rate"),
    ],
)
def test_another_format_is_refused_with_its_reason(form: MediaFormat, reason: str) -> None:
    with pytest.raises(UnknownFormat, match=reason):
        SoundCodec(form)
