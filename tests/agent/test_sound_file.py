"""Sound of any format becomes 16 kHz mono; what is damaged is refused."""

from __future__ import annotations

import io
import wave
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.agent.sound_file import BadSound, as_flac, read_sound, read_sound_file
from tests.training.dataset.worlds import noise

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def tone(rate_hz: int, seconds: float = 1.0) -> NDArray[np.float32]:
    at_s = np.arange(round(rate_hz * seconds)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * 440 * at_s)).astype(np.float32)


def encoded(sound: NDArray[np.float32], container: str, codec: str, rate_hz: int) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream: Any = file.add_stream(codec, rate=rate_hz, layout="stereo")
        both = np.stack([sound, sound * np.float32(0.5)])
        frame = av.AudioFrame.from_ndarray(both, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = rate_hz, 0
        for ready in av.AudioResampler(stream.format, "stereo", rate_hz).resample(frame):
            file.mux(stream.encode(ready))
        file.mux(stream.encode(None))
    return out.getvalue()


def wav(samples: bytes, *, channels: int = 1, width: int = 2, rate_hz: int = 16_000) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate_hz)
        file.writeframes(samples)
    return out.getvalue()


@pytest.mark.parametrize(
    ("container", "codec", "rate_hz"),
    [("flac", "flac", 44_100), ("mp3", "libmp3lame", 44_100), ("ogg", "libopus", 48_000),
     ("mp4", "aac", 44_100), ("wav", "pcm_s16le", 8_000), ("wav", "pcm_f32le", 48_000),
     ("wav", "pcm_u8", 16_000), ("aiff", "pcm_s24be", 96_000), ("wav", "pcm_f64le", 22_050),
     ("matroska", "aac", 16_000)],
)  # fmt: skip
def test_any_format_becomes_16_khz_mono(container: str, codec: str, rate_hz: int) -> None:
    heard = read_sound(encoded(tone(rate_hz), container, codec, rate_hz))
    assert heard.dtype == np.float32
    assert len(heard) == pytest.approx(16_000, abs=1_600)
    middle = heard[4_000:12_000]
    assert np.max(np.abs(middle)) == pytest.approx(0.375, abs=0.02)
    spectrum = np.abs(np.fft.rfft(middle))
    assert np.argmax(spectrum) * 2 == pytest.approx(440, abs=3)


@given(st.integers(1, 9_000), st.integers(0, 5))
def test_what_16_bits_hold_comes_back_from_flac_as_it_was(samples: int, seed: int) -> None:
    sound = noise(samples, seed)
    packed = as_flac(sound)
    assert np.array_equal(read_sound(packed), sound)
    assert as_flac(sound) == packed


def test_flac_holds_full_scale() -> None:
    edge = np.array([1.0, -1.0, 0.99999, 0.0] * 8, np.float32)
    assert np.allclose(read_sound(as_flac(edge)), edge, atol=1 / 32_768)


def damaged(data: bytes, at: float, count: int = 1) -> bytes:
    place = int(len(data) * at)
    return (
        data[:place] + bytes(b ^ 0xFF for b in data[place : place + count]) + data[place + count :]
    )


FLAC, WAV = as_flac(noise(64_000)), wav(bytes(64_000))
STEREO_NAN = wav(b"", width=4)
LEFT = np.rint(20_000 * tone(16_000)).astype("<i2")
TURNED_OVER = wav(np.stack([LEFT, -LEFT], axis=1).tobytes(), channels=2)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is empty"),
        (b"\0" * 5_000, "is no sound that can be read"),
        (b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "is no sound that can be read"),
        (FLAC[: len(FLAC) // 2], "is no sound that can be read, or is damaged"),
        (damaged(FLAC, 0.5), "is damaged or cut: it says 4.00 s, 3."),
        (damaged(FLAC, 0.5, 2_000), "damaged"),
        (WAV[:40_000], "is cut: its header says 64044 bytes, 40000 are there"),
        (wav(b""), "holds no samples"),
        (encoded(np.full(16_000, np.nan, np.float32), "wav", "pcm_f32le", 16_000), "NaN"),
        (TURNED_OVER, "one of its channels is the other turned over"),
    ],
    ids=range(10),
)
def test_what_is_damaged_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(BadSound, match=problem):
        read_sound(data)


def test_a_file_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSound, match="there is no such file"):
        read_sound_file(tmp_path / "none.wav")
    with pytest.raises(BadSound, match="is no file"):
        read_sound_file(tmp_path)
