"""Files as people have them: odd tags, odd names, pipes, holes, guessed lengths, several tracks."""

from __future__ import annotations

import os
import struct
import threading
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from interject.cli.bench.sounds import read_recording
from interject.cli.input.input_file import InputFile
from interject.cli.input.sources import RawShape, open_source, standard_input
from interject.cli.input.truncation import is_placeholder
from interject.cli.input.whole_sound import read_whole
from interject.cli.process.failures import InputFailure
from tests.cli.input.containers import encode, hear, only_pictures, piped, two_tracks, wav_bytes
from tests.cli.sounds import RATE_HZ, room, write_wav

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

SECONDS = 6.0
LOUD_AT_S = 4.0
FORMATS = {
    ".wav": "pcm_s16le",
    ".flac": "flac",
    ".mp3": "libmp3lame",
    ".ogg": "libopus",
    ".webm": "libopus",
    ".mkv": "libopus",
    ".avi": "libmp3lame",
    ".aac": "aac",
    ".m4a": "aac",
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    samples = room(SECONDS, loud_at_s=(LOUD_AT_S,))
    return write_wav(tmp_path_factory.mktemp("sound") / "room.wav", samples)


def heard_at_s(name: str | Path, *, track: int | None = None) -> tuple[float, float, list[str]]:
    """Where the tone is, how long all of it is, and what was odd."""
    source = open_source(str(name), track=track)
    samples, _ = hear(source)
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 15_000)
    return (loud[0] if len(loud) else -1) / RATE_HZ, len(samples) / RATE_HZ, source.notices


def is_whole(name: str | Path, *, at_s: float = LOUD_AT_S, seconds: float = SECONDS) -> bool:
    begins_s, length_s, notices = heard_at_s(name)
    assert notices == []
    assert begins_s == pytest.approx(at_s, abs=0.12)
    assert length_s == pytest.approx(seconds, abs=0.15)
    return True


# Tags


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".avi", ".m4a", ".mkv"])
def test_tags_in_another_code_page(tmp_path: Path, sound: Path, suffix: str) -> None:
    tags = {"title": "Muenchner", "comment": "Muenchner", "artist": "Muenchner"}
    options = {"id3v2_version": "3", "write_id3v1": "1"} if suffix == ".mp3" else None
    path = tmp_path / f"tags{suffix}"
    encode(sound, path, FORMATS[suffix], metadata=tags, options=options)
    data = path.read_bytes()
    assert b"Muenchner" in data
    path.write_bytes(data.replace(b"Muenchner", b"M\xfcnchner\xdf"))
    assert is_whole(path)


def test_an_id3v1_tag_in_another_code_page(tmp_path: Path, sound: Path) -> None:
    path = encode(sound, tmp_path / "a.mp3", "libmp3lame")
    tag = b"TAG" + b"\xcc\xf3\xe7\xfb\xea\xe0".ljust(124, b"\0") + b"\xff"
    path.write_bytes(path.read_bytes() + tag)
    assert is_whole(path)


# Names


@pytest.mark.parametrize(
    "name",
    [
        "2026-11-26T15:29.wav",
        "call: ann.wav",
        "http:call.wav",
        "concat:a|b.wav",
        "file:a.wav",
        "take%d.wav",
        "take%03d.png",
        "ta*ke?[1]{2}.wav",
        "Ba$$in.wav",
        'it\'s "mine".wav',
        "two\nlines.wav",
        "no suffix",
        "-x.wav",
        "--json.wav",
        "\N{SMILING FACE WITH SUNGLASSES}.wav",
        "x" * 250 + ".wav",
        os.fsdecode(b"M\xfcnchen.wav"),
    ],
)
def test_any_name_is_heard(
    tmp_path: Path, sound: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(sound.read_bytes())
    assert is_whole(name)


@pytest.mark.parametrize("name", ["http://127.0.0.1:1/a.wav", "tcp://127.0.0.1:1", "x" * 5_000])
def test_a_name_never_reaches_a_network(name: str) -> None:
    with pytest.raises(InputFailure, match=r"no such file|file name too long"):
        open_source(name)


def test_what_a_playlist_names_is_not_opened(tmp_path: Path, sound: Path) -> None:
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n{sound}\n#EXT-X-ENDLIST\n")
    with pytest.raises(InputFailure, match="is not a sound file"):
        hear(open_source(str(playlist)))


# Pipes


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".ogg", ".webm", ".mkv", ".aac"])
@pytest.mark.parametrize("way", ["named pipe", "standard input"])
def test_a_pipe_is_heard_whole(tmp_path: Path, sound: Path, suffix: str, way: str) -> None:
    path = encode(sound, tmp_path / f"a{suffix}", FORMATS[suffix])
    whole, _ = hear(open_source(str(path)))
    if way == "named pipe":
        source = open_source(named_pipe(tmp_path / "pipe", path.read_bytes()))
        assert source.name == str(tmp_path / "pipe")
    else:
        source = standard_input(piped(path.read_bytes()), RawShape())
    heard, _ = hear(source)
    np.testing.assert_array_equal(heard, whole)
    assert source.notices == []


@pytest.mark.parametrize("picture_bytes", [0, 5_000, 100_000])
def test_the_padding_of_a_piped_mp3_is_cut_behind_its_tags(
    tmp_path: Path, sound: Path, picture_bytes: int
) -> None:
    tag = b"PRIV" + picture_bytes.to_bytes(4, "big") + b"\0\0" + bytes(picture_bytes)
    size = bytes(len(tag) >> shift & 0x7F for shift in (21, 14, 7, 0))
    data = encode(sound, tmp_path / "a.mp3", "libmp3lame", options={"id3v2_version": "0"})
    path = tmp_path / "tagged.mp3"
    path.write_bytes(b"ID3\x03\0\0" + size + tag + data.read_bytes())
    whole, _ = hear(open_source(str(path)))
    heard, _ = hear(standard_input(piped(path.read_bytes()), RawShape()))
    np.testing.assert_array_equal(heard, whole)
    assert len(whole) == pytest.approx(SECONDS * RATE_HZ, abs=4)


def test_joined_mp3s_in_a_pipe_are_heard_whole(tmp_path: Path, sound: Path) -> None:
    data = encode(sound, tmp_path / "a.mp3", "libmp3lame").read_bytes()
    heard, _ = hear(standard_input(piped(data + data), RawShape()))
    assert len(heard) == pytest.approx(2 * SECONDS * RATE_HZ, abs=0.1 * RATE_HZ)


def named_pipe(path: Path, data: bytes) -> str:
    os.mkfifo(path)
    threading.Thread(target=path.write_bytes, args=(data,), daemon=True).start()
    return str(path)


@pytest.mark.parametrize("faststart", [True, False])
def test_a_piped_mp4_needs_its_index_first(tmp_path: Path, sound: Path, faststart: bool) -> None:
    options = {"movflags": "+faststart"} if faststart else None
    path = encode(sound, tmp_path / "a.m4a", "aac", options=options)
    pipe = named_pipe(tmp_path / "pipe", path.read_bytes())
    if faststart:
        assert is_whole(pipe)
        return
    with pytest.raises(InputFailure, match=r"index \(moov\) stands behind the sound.*faststart"):
        hear(open_source(pipe))


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".webm", ".ogg"])
def test_a_cut_in_a_pipe_is_told(tmp_path: Path, sound: Path, suffix: str) -> None:
    data = encode(sound, tmp_path / f"a{suffix}", FORMATS[suffix]).read_bytes()
    source = standard_input(piped(data[: len(data) // 2 + 1]), RawShape())
    hear(source)
    assert len(source.notices) == 1
    assert "cut" in source.notices[0]


def test_standard_input_that_does_not_block_is_waited_for() -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    pcm = room(1.0).astype("<i2").tobytes()

    def write() -> None:
        for start in range(0, len(pcm), 4_000):
            os.write(writer, pcm[start : start + 4_000])
        os.close(writer)

    threading.Timer(0.05, write).start()
    heard, _ = hear(standard_input(reader, RawShape()))
    assert heard.astype("<i2").tobytes() == pcm


def test_a_file_is_read_from_where_it_stands(sound: Path) -> None:
    with sound.open("rb") as file:
        os.lseek(file.fileno(), 44, os.SEEK_SET)
        heard, _ = hear(standard_input(file.fileno(), RawShape()))
    assert len(heard) == SECONDS * RATE_HZ


@pytest.mark.parametrize("start", [b"RI", b"\xff\xfb\x90\x64", b"\xff\xf1\x50\x80", b"G@", b""])
def test_raw_pcm_is_not_taken_for_a_sound_file(start: bytes) -> None:
    pcm = start + room(1.0).astype("<i2").tobytes()
    heard, _ = hear(standard_input(piped(pcm), RawShape()))
    assert heard.astype("<i2").tobytes() == pcm


def test_raw_pcm_that_looks_like_a_sound_file_is_raw_when_told(tmp_path: Path) -> None:
    path = tmp_path / "a.pcm"
    path.write_bytes(b"RIFF" + room(1.0).astype("<i2").tobytes())
    heard, _ = hear(open_source(str(path), raw=True))
    assert heard.astype("<i2").tobytes() == path.read_bytes()


# Time stamps


def with_hole(at_s: float) -> float:
    return at_s if at_s < 2.0 else at_s + 5.0


def with_two_holes(at_s: float) -> float:
    return at_s + 0.5 * (at_s >= 1.0) + 4.5 * (at_s >= 3.0)


def late(at_s: float) -> float:
    return at_s + 5.0


@pytest.mark.parametrize("suffix", [".webm", ".mkv", ".m4a"])
@pytest.mark.parametrize("moved", [with_hole, with_two_holes, late])
def test_a_hole_in_the_time_stamps_is_silence(
    tmp_path: Path, sound: Path, suffix: str, moved: Callable[[float], float]
) -> None:
    path = encode(sound, tmp_path / f"a{suffix}", FORMATS[suffix], moved=moved)
    assert is_whole(path, at_s=LOUD_AT_S + 5.0, seconds=SECONDS + 5.0)


@pytest.mark.parametrize("start_s", [2.0, 0.0])
def test_a_time_stamp_hours_ahead_is_told_and_makes_no_silence(
    tmp_path: Path, sound: Path, start_s: float
) -> None:
    def far(at_s: float) -> float:
        return at_s if at_s < start_s else at_s + 36_000.0

    begins_s, length_s, notices = heard_at_s(
        encode(sound, tmp_path / "a.mkv", "libopus", moved=far)
    )
    assert begins_s == pytest.approx(LOUD_AT_S, abs=0.1)
    assert length_s == pytest.approx(SECONDS, abs=0.1)
    assert len(notices) == 1
    assert "time stamps jump by 36000 s" in notices[0]


def test_overlapping_time_stamps_lose_nothing_and_do_not_add_up(
    tmp_path: Path, sound: Path
) -> None:
    def overlapping(at_s: float) -> float:
        return at_s if at_s < 1.0 else max(at_s - 0.5, 1.0) if at_s < 2.0 else at_s

    path = encode(sound, tmp_path / "a.mkv", "libopus", moved=overlapping)
    assert is_whole(path)


def test_sound_that_begins_after_the_picture(tmp_path: Path, sound: Path) -> None:
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as out, av.open(str(sound)) as wav:
        film = out.add_stream("mpeg4", rate=5)
        film.width = film.height = 16
        speech = out.add_stream("pcm_s16le", rate=RATE_HZ)
        for number in range(50):
            picture = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
            picture.pts = number
            out.mux(film.encode(picture))
        out.mux(film.encode(None))
        for frame in wav.decode(audio=0):
            frame.pts = (frame.pts or 0) + 3 * RATE_HZ
            out.mux(speech.encode(frame))
    assert is_whole(path, at_s=LOUD_AT_S + 3.0, seconds=SECONDS + 3.0)


# Lengths


@pytest.mark.parametrize(
    "data_size",
    [
        0,
        0x7FFF_F000,
        0x7FFF_FFFF,
        0x7FFF_FFDB,
        0x8000_0000,
        2_000_000_000,
        0xFFFF_FFFF,
        0xFFFF_F000,
    ],
)
@pytest.mark.parametrize("pipe", [False, True])
def test_a_length_that_is_a_placeholder(tmp_path: Path, data_size: int, pipe: bool) -> None:
    samples = room(2.0)
    data = wav_bytes(samples, data_size=data_size)
    path = tmp_path / "a.wav"
    if not pipe:
        path.write_bytes(data)
    source = open_source(named_pipe(path, data) if pipe else str(path))
    heard, _ = hear(source)
    np.testing.assert_array_equal(heard, samples)
    assert source.notices == []


def test_a_wrong_rate_of_bytes_hides_no_cut_and_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    data = wav_bytes(room(4.0), bytes_per_s=1_000)
    path.write_bytes(data)
    assert heard_at_s(path)[2] == []
    path.write_bytes(data[: len(data) // 2])
    assert heard_at_s(path)[2] == [
        f"{path} is cut: it says 4.0 s, 2.0 s could be read and were used"
    ]


@pytest.mark.parametrize("pipe", [False, True])
@pytest.mark.parametrize("kind", ["rf64", "w64"])
def test_a_long_wav_that_was_never_finished(tmp_path: Path, kind: str, pipe: bool) -> None:
    samples = room(2.0)
    data = wav_bytes(samples, data_size=0xFFFF_FFFF)
    if kind == "rf64":
        sizes = b"ds64" + (28).to_bytes(4, "little") + bytes(28)
        data = b"RF64" + data[4:12] + sizes + data[12:]
    else:
        data = unfinished_w64(samples)
    path = tmp_path / "a.wav"
    if not pipe:
        path.write_bytes(data)
    source = open_source(named_pipe(path, data) if pipe else str(path))
    np.testing.assert_array_equal(hear(source)[0], samples)
    assert source.notices == []


def unfinished_w64(samples: NDArray[np.int16]) -> bytes:
    """As FFmpeg writes it into a pipe."""
    tail = bytes.fromhex("f3acd3118cd100c04f8edb8a")
    riff = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000") + b"\xff" * 8 + b"wave" + tail
    shape = b"fmt " + tail + (40).to_bytes(8, "little") + wav_bytes(samples)[20:36]
    return riff + shape + b"data" + tail + b"\xff" * 7 + b"\x7f" + samples.astype("<i2").tobytes()


@pytest.mark.parametrize("size", [1, 64_000, 1_899_123_456, 4_000_000_123])
def test_a_length_that_is_none_of_the_placeholders(size: int) -> None:
    assert not is_placeholder(size)


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".mp3", {"write_xing": "0"}),
        (".aac", None),
        (".mp4", {"movflags": "frag_keyframe+empty_moov", "frag_duration": "500000"}),
        (".webm", {"live": "1"}),
        (".ogg", {"page_duration": "100000"}),
    ],
)
def test_a_format_that_does_not_say_how_long_it_is(
    tmp_path: Path, sound: Path, suffix: str, options: dict[str, str] | None
) -> None:
    codec = FORMATS.get(suffix, "aac")
    assert is_whole(encode(sound, tmp_path / f"a{suffix}", codec, options=options))


def test_an_mp3_that_gets_louder_has_a_guessed_length(tmp_path: Path) -> None:
    samples = np.concatenate([np.zeros(4 * RATE_HZ, np.int16), room(4.0)])
    wav = write_wav(tmp_path / "a.wav", samples)
    path = encode(wav, tmp_path / "a.mp3", "libmp3lame", options={"write_xing": "0", "q": "5"})
    assert heard_at_s(path)[2] == []


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".ogg", ".webm", ".mkv", ".mp4"])
def test_a_real_cut_is_told(tmp_path: Path, sound: Path, suffix: str) -> None:
    options = {"movflags": "+faststart"} if suffix == ".mp4" else None
    path = encode(sound, tmp_path / f"a{suffix}", FORMATS.get(suffix, "aac"), options=options)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    _, length_s, notices = heard_at_s(path)
    assert 0.3 * SECONDS < length_s < 0.9 * SECONDS
    assert len(notices) == 1
    assert "cut" in notices[0]
    if suffix != ".ogg":
        assert "it says 6.0 s" in notices[0] or "it says 6.1 s" in notices[0]


def test_an_ogg_without_its_last_page_was_recorded_from_a_stream(
    tmp_path: Path, sound: Path
) -> None:
    path = encode(sound, tmp_path / "a.ogg", "libopus", options={"page_duration": "500000"})
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"OggS")])
    assert heard_at_s(path)[2] == []


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".wav", {}),
        (".wav", {"rf64": "always"}),
        (".w64", {}),
        (".aiff", {}),
        (".m4a", {"movflags": "+faststart"}),
    ],
)
def test_a_second_file_behind_the_first_is_told(
    tmp_path: Path, sound: Path, suffix: str, options: dict[str, str]
) -> None:
    codec = {".m4a": "aac", ".aiff": "pcm_s16be"}.get(suffix, "pcm_s16le")
    path = encode(sound, tmp_path / f"a{suffix}", codec, options=options)
    data = path.read_bytes()
    path.write_bytes(data + data)
    sources = [open_source(str(path))]
    if suffix != ".aiff":  # In a pipe, FFmpeg does not read on.
        sources.append(standard_input(piped(data + data), RawShape()))
    for source in sources:
        heard, _ = hear(source)
        assert len(heard) == pytest.approx(SECONDS * RATE_HZ, abs=0.1 * RATE_HZ)
        (notice,) = source.notices
        assert "holds a second sound file behind the first, which alone is heard" in notice


# Changes on the way


@pytest.mark.parametrize("suffix", [".mp3", ".aac"])
def test_rate_and_channels_may_change_on_the_way(tmp_path: Path, sound: Path, suffix: str) -> None:
    path = tmp_path / f"joined{suffix}"
    parts = [
        encode(sound, tmp_path / f"{rate_hz}{suffix}", FORMATS[suffix], rate_hz=rate_hz)
        for rate_hz in (16_000, 44_100)
    ]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    listened, _ = hear(open_source(str(path)))
    loud = np.flatnonzero(np.abs(listened.astype(int)) > 15_000) / RATE_HZ
    second = loud[loud > SECONDS]
    assert second[0] - loud[0] == pytest.approx(SECONDS, abs=0.2)
    assert loud[loud < SECONDS][-1] - loud[0] == pytest.approx(0.4, abs=0.02)
    assert second[-1] - second[0] == pytest.approx(0.4, abs=0.02)
    np.testing.assert_array_equal(read_whole(str(path)), listened)
    assert read_recording(str(path)).samples == len(listened)


def test_what_was_odd_is_told_with_the_whole_sound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_wav(tmp_path / "cut.wav", room(2.0))
    path.write_bytes(path.read_bytes()[:-32_000])
    read_whole(str(path))
    assert capsys.readouterr().err == (
        f"interject: note: {path} is cut: it says 2.0 s, 1.0 s could be read and were used\n"
    )
    with pytest.raises(InputFailure, match="a microphone has no end"):
        read_whole("mic")
    with pytest.raises(InputFailure, match="is longer than 1 minutes"):
        read_whole(str(write_wav(tmp_path / "long.wav", room(61.0))), most_s=60.0)


# Tracks


def test_several_tracks_are_told_and_chosen(tmp_path: Path, sound: Path) -> None:
    silent = write_wav(tmp_path / "silent.wav", room(SECONDS))
    path = two_tracks(silent, sound, tmp_path / "two.mkv")
    first = heard_at_s(path)
    assert first[0] < 0
    assert first[2] == [f"{path} holds 2 audio tracks; track 1 is heard; --track N hears another"]
    second = heard_at_s(path, track=2)
    assert second[0] == pytest.approx(LOUD_AT_S, abs=0.01)
    assert second[2] == [f"{path} holds 2 audio tracks; track 2 is heard"]


def test_several_tracks_in_a_pipe_are_told_and_chosen(tmp_path: Path, sound: Path) -> None:
    silent = write_wav(tmp_path / "silent.wav", room(SECONDS))
    data = two_tracks(silent, sound, tmp_path / "two.mkv").read_bytes()
    source = standard_input(piped(data), RawShape(), track=2)
    assert np.abs(hear(source)[0]).max() > 15_000
    assert source.notices == ["standard input holds 2 audio tracks; track 2 is heard"]


@pytest.mark.parametrize("track", [0, -1, 3])
def test_a_track_that_is_not_there(tmp_path: Path, sound: Path, track: int) -> None:
    path = two_tracks(sound, sound, tmp_path / "two.mkv")
    with pytest.raises(InputFailure, match=f"--track {track}: .* holds 2 audio tracks"):
        open_source(str(path), track=track)
    with pytest.raises(InputFailure, match="holds 1 audio track, counted from 1"):
        open_source(str(sound), track=3)


def test_a_film_without_sound(tmp_path: Path) -> None:
    with pytest.raises(InputFailure, match="holds no sound; give a file with an audio track"):
        open_source(str(only_pictures(tmp_path / "film.mkv")))


def test_raw_pcm_and_a_microphone_have_no_tracks() -> None:
    for name, raw in (("-", True), ("mic", False)):
        with pytest.raises(InputFailure, match="--track 2: only a sound file holds tracks"):
            open_source(name, raw=raw, track=2)


# Descriptors


def test_a_refused_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_text("no sound\n" * 100)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(InputFailure):
            open_source(str(path))
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_first_and_last_bytes_of_a_pipe_are_kept() -> None:
    data = os.urandom(500_000)
    file = InputFile(piped(data))
    assert file.peek(10) == data[:10]
    assert b"".join(iter(lambda: file.read(7_777), b"")) == data
    assert file.at(100, 5) == data[100:105]
    assert file.tail() == data[-65_536:]
    assert file.size == len(data)


@pytest.mark.parametrize("channels", [1, 2])
def test_sixty_four_bits_a_sample(tmp_path: Path, channels: int) -> None:
    samples = room(SECONDS, loud_at_s=(LOUD_AT_S,)).astype("<i8") << 48
    data = np.repeat(samples, channels).tobytes()
    fields = struct.pack("<HHIIHH", 1, channels, RATE_HZ, 8 * channels * RATE_HZ, 8 * channels, 64)
    riff = b"WAVEfmt " + struct.pack("<I", len(fields)) + fields
    riff += b"data" + struct.pack("<I", len(data)) + data
    (tmp_path / "deep.wav").write_bytes(b"RIFF" + struct.pack("<I", len(riff)) + riff)
    assert is_whole(tmp_path / "deep.wav")
