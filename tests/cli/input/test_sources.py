from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from interject.cli.input.input_file import InputFile
from interject.cli.input.mono_converter import CANCELLED
from interject.cli.input.sources import RawPcm, RawShape, open_source
from interject.cli.process.failures import InputFailure
from tests.cli.input.containers import encode, hear, piped
from tests.cli.sounds import RATE_HZ, room, write_float_wav, write_wav

if TYPE_CHECKING:
    from pathlib import Path


def test_sixteen_kilohertz_mono_arrives_bit_for_bit(tmp_path: Path) -> None:
    samples = room(2.1, loud_at_s=(0.5,))
    samples[:2] = (-32_768, 32_767)
    heard, _ = hear(open_source(str(write_wav(tmp_path / "a.wav", samples))))
    np.testing.assert_array_equal(heard, samples)


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 48_000, 192_000])
def test_any_rate_keeps_the_tone(tmp_path: Path, rate_hz: int) -> None:
    tone = 10_000 * np.sin(2 * np.pi * 440 * np.arange(rate_hz * 2) / rate_hz)
    path = write_wav(tmp_path / "tone.wav", tone.astype(np.int16), rate_hz=rate_hz)
    heard, _ = hear(open_source(str(path)))
    spectrum = np.abs(np.fft.rfft(heard[:RATE_HZ].astype(float)))
    assert int(spectrum.argmax()) == 440
    assert np.abs(heard[2_000:30_000]).max() == pytest.approx(10_000, rel=0.02)


def test_eight_channels_are_mixed_evenly(tmp_path: Path) -> None:
    frames = np.zeros((RATE_HZ, 8), dtype=np.int16)
    frames[:, 5] = 8_000
    path = write_wav(tmp_path / "eight.wav", frames.reshape(-1), channels=8)
    heard, _ = hear(open_source(str(path)))
    assert set(heard[:RATE_HZ].tolist()) == {1_000}


@pytest.mark.parametrize("rate_hz", [RATE_HZ, 44_100])
def test_channels_that_cancel_each_other_out_are_told(tmp_path: Path, rate_hz: int) -> None:
    one = room(2.0, loud_at_s=(1.0,)).clip(-32_767, 32_767)
    silence = np.zeros_like(one)
    for other, told in ((-one, [CANCELLED]), (one, []), (silence, []), (one[::-1], [])):
        frames = np.stack([one, other], axis=1).reshape(-1)
        path = write_wav(tmp_path / "two.wav", frames, rate_hz=rate_hz, channels=2)
        _, converter = hear(open_source(str(path)))
        assert converter.notices() == told


def test_the_loudest_of_many_channels_alone_is_no_cancelling(tmp_path: Path) -> None:
    frames = np.zeros((RATE_HZ, 8), dtype=np.int16)
    frames[:, 5] = 8_000
    path = write_wav(tmp_path / "eight.wav", frames.reshape(-1), channels=8)
    assert hear(open_source(str(path)))[1].notices() == []


def test_nan_and_infinity_become_counted_silence(tmp_path: Path) -> None:
    samples = np.full(RATE_HZ, 0.25, dtype=np.float32)
    samples[[10, 11, 12]] = (np.nan, np.inf, -np.inf)
    heard, converter = hear(open_source(str(write_float_wav(tmp_path / "nan.wav", samples))))
    assert converter.nonfinite_samples == 3
    assert heard[[9, 10, 11, 12, 13]].tolist() == [8_192, 0, 0, 0, 8_192]
    assert converter.notices() == ["3 NaN or infinite samples became silence"]


@pytest.mark.parametrize("samples", [0.0, 1.0, 100.0])
def test_any_float_level_is_heard(tmp_path: Path, samples: float) -> None:
    sound = np.full(RATE_HZ, samples, dtype=np.float32)
    heard, converter = hear(open_source(str(write_float_wav(tmp_path / "level.wav", sound))))
    assert heard[:RATE_HZ].max() == min(samples * 32_768, 32_767)
    assert converter.clipped_samples == (RATE_HZ if samples > 1.0 else 0)


@pytest.mark.parametrize(
    ("suffix", "codec", "rate_hz"),
    [
        (".flac", "flac", 44_100),
        (".mp3", "libmp3lame", 44_100),
        (".ogg", "libopus", 48_000),
        (".m4a", "aac", 48_000),
    ],
)
def test_common_formats_are_heard_whole(
    tmp_path: Path, suffix: str, codec: str, rate_hz: int
) -> None:
    wav = write_wav(tmp_path / "a.wav", room(3.0, loud_at_s=(1.0,)))
    source = open_source(str(encode(wav, tmp_path / f"a{suffix}", codec, rate_hz=rate_hz)))
    heard, _ = hear(source)
    assert source.notices == []
    assert len(heard) / RATE_HZ == pytest.approx(3.0, abs=0.1)
    assert np.abs(heard[RATE_HZ : RATE_HZ + 6_000]).max() > 15_000


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(".wav", None), (".flac", "flac"), (".mp3", "libmp3lame"), (".ogg", "opus")],
)
def test_a_cut_file_is_used_and_the_cut_is_reported(
    tmp_path: Path, suffix: str, codec: str | None
) -> None:
    whole = write_wav(tmp_path / "a.wav", room(6.0))
    if codec == "opus":
        whole = encode(whole, tmp_path / "whole.ogg", "libopus")
    elif codec is not None:
        whole = encode(whole, tmp_path / f"whole{suffix}", codec, rate_hz=RATE_HZ)
    data = whole.read_bytes()
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(data[: len(data) // 2 + 1])
    source = open_source(str(cut))
    heard, _ = hear(source)
    assert 1.5 * RATE_HZ < len(heard) < 4.5 * RATE_HZ
    assert len(source.notices) == 1
    assert "cut" in source.notices[0]


def bad_file(folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.wav"
    match kind:
        case "text":
            path.write_text("this is not sound\n" * 50)
        case "empty":
            path.touch()
        case "folder":
            path.mkdir()
        case "header":
            write_wav(path, np.zeros(0, dtype=np.int16))
        case "half header":
            write_wav(path, np.zeros(10, dtype=np.int16))
            path.write_bytes(path.read_bytes()[:20])
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "no such file"),
        ("text", "is not a sound file"),
        ("empty", "is empty"),
        ("folder", "is a folder"),
        ("header", "holds no sound"),
        ("half header", "is not a sound file"),
    ],
)
def test_what_is_no_sound_is_refused(tmp_path: Path, kind: str, words: str) -> None:
    with pytest.raises(InputFailure, match=words) as failure:
        hear(open_source(str(bad_file(tmp_path, kind))))
    assert "\n" not in str(failure.value)


def test_a_picture_holds_no_sound(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    with av.open(str(path), "w", format="image2") as out:
        stream = out.add_stream("png", rate=1)
        stream.width = stream.height = 16
        stream.pix_fmt = "rgb24"
        frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), dtype=np.uint8), format="rgb24")
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with pytest.raises(InputFailure, match="holds no sound"):
        open_source(str(path))


def test_raw_pcm_of_any_shape() -> None:
    frames = np.stack([np.full(4_000, 600), np.full(4_000, 200)], axis=1).astype("<i2")
    source = RawPcm(InputFile(piped(frames.tobytes() + b"\x01")), RawShape(RATE_HZ, 2))
    heard, _ = hear(source)
    assert heard[:4_000].tolist() == [400] * 4_000
    assert source.notices == ["standard input ended inside a sample; 1 bytes dropped"]


def test_empty_standard_input_is_refused() -> None:
    with pytest.raises(InputFailure, match="standard input is empty"):
        hear(RawPcm(InputFile(piped(b"")), RawShape()))


@pytest.mark.parametrize(
    ("rate_hz", "channels"), [(10, 1), (10**7, 1), (RATE_HZ, 0), (RATE_HZ, 65)]
)
def test_raw_pcm_of_an_impossible_shape_is_refused(rate_hz: int, channels: int) -> None:
    with pytest.raises(InputFailure, match="must lie between"):
        RawShape(rate_hz, channels)
