"""`interject voice list|fetch|say`: voices from a hub of the test's own, and from a folder."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import wave
from typing import TYPE_CHECKING

import pytest

from benchmarks.voice_packages import PIPER_PACKAGE, PIPER_VOICE, package_folder, voices_with_piper
from interject.agent.voice.installed import installed_voices
from interject.cli.model.fetch import fetch
from interject.cli.process.failures import InputFailure
from interject.cli.voice.catalogue import CatalogueFile, CatalogueVoice, catalogue
from interject.cli.voice.hub_voice import HubVoice
from tests.cli.sounds import room, write_wav
from tests.fakes.hub import COMMIT, LARGE_BYTES, REPOSITORY, Hub, serving
from tests.natural_voices import needs_piper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Outcome

    Call = Callable[..., Outcome]

FOLDER = "en/en_US/tiny/medium"
NETWORK = bytes(range(256)) * (LARGE_BYTES // 256 * 2)
CONFIG = json.dumps({"espeak": {"voice": "en-us"}, "language": {"code": "en_US"}}).encode()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


VOICE = CatalogueVoice(
    name="tiny",
    engine="piper",
    language="en-us",
    repository=REPOSITORY,
    revision=COMMIT,
    licence="CC0",
    size_bytes=len(NETWORK),
    files=(
        CatalogueFile("tiny.onnx", f"{FOLDER}/tiny.onnx", sha256(NETWORK)),
        CatalogueFile("tiny.onnx.json", f"{FOLDER}/tiny.onnx.json", git_hash(CONFIG)),
        CatalogueFile("MODEL_CARD", f"{FOLDER}/MODEL_CARD", ""),
    ),
)


@pytest.fixture
def voices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "voices"
    monkeypatch.setenv("INTERJECT_VOICES", str(folder))
    return folder


@pytest.fixture
def hub() -> Iterator[Hub]:
    """Two voices, of which one is wanted."""
    files = {
        f"{FOLDER}/tiny.onnx": NETWORK,
        f"{FOLDER}/tiny.onnx.json": CONFIG,
        f"{FOLDER}/MODEL_CARD": b"a card\n",
        "en/en_US/other/medium/other.onnx": bytes(LARGE_BYTES),
        "voices.json": b"{}",
    }
    with serving(Hub(files)) as served:
        yield served


def one_line(outcome: Outcome, *words: str) -> None:
    assert outcome.code == 2, outcome
    assert outcome.err.startswith("interject: ")
    assert outcome.err.count("\n") == 1
    for word in words:
        assert word in outcome.err


# From the hub


def test_of_many_voices_one_is_fetched_under_the_names_it_shall_have(
    hub: Hub, tmp_path: Path
) -> None:
    out = tmp_path / "tiny"
    fetched = fetch(HubVoice(VOICE, endpoint=hub.url), VOICE.revision, out)
    assert fetched.files == 3
    assert (out / "tiny.onnx").read_bytes() == NETWORK
    assert (out / "MODEL_CARD").read_bytes() == b"a card\n"
    (found,) = installed_voices(tmp_path)
    assert (found.name, found.engine, found.language) == ("tiny", "piper", "en-us")


def test_a_fetch_that_was_cut_off_goes_on_in_the_next(hub: Hub, tmp_path: Path) -> None:
    big = bytes(24 * 2**20)
    hub.files[f"{FOLDER}/tiny.onnx"] = big
    network = dataclasses.replace(VOICE.files[0], digest=sha256(big))
    voice = dataclasses.replace(VOICE, files=(network, *VOICE.files[1:]))

    def stop(done: int, total: int) -> None:
        if done > 15 * 2**20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(HubVoice(voice, endpoint=hub.url), COMMIT, tmp_path / "tiny", told=stop)
    fetched = fetch(HubVoice(voice, endpoint=hub.url), COMMIT, tmp_path / "tiny")
    assert fetched.downloaded_bytes < 5 * 2**20
    assert (tmp_path / "tiny" / "tiny.onnx").read_bytes() == big


@pytest.mark.parametrize("name", ["tiny.onnx", "tiny.onnx.json"])
def test_another_file_than_the_pinned_one_is_refused(name: str, hub: Hub, tmp_path: Path) -> None:
    """Before anything of it is fetched: the hub's own hash differs."""
    hub.files[f"{FOLDER}/{name}"] += b" "
    with pytest.raises(InputFailure, match=f"{name} is not the file that was pinned"):
        fetch(HubVoice(VOICE, endpoint=hub.url), COMMIT, tmp_path / "tiny")
    assert [path for path, _ in hub.asked if "/resolve/" in path] == []


def test_bytes_that_are_not_the_pinned_ones_are_thrown_away(hub: Hub, tmp_path: Path) -> None:
    path = f"{FOLDER}/tiny.onnx"
    hub.lies[path] = NETWORK[:-1] + b"x"
    with pytest.raises(InputFailure, match="another hash"):
        fetch(HubVoice(VOICE, endpoint=hub.url), COMMIT, tmp_path / "tiny")
    assert installed_voices(tmp_path) == []


def test_a_repository_without_the_voice_is_one_line(hub: Hub, tmp_path: Path) -> None:
    del hub.files[f"{FOLDER}/MODEL_CARD"]
    with pytest.raises(InputFailure, match="lacks MODEL_CARD"):
        fetch(HubVoice(VOICE, endpoint=hub.url), COMMIT, tmp_path / "tiny")


def test_a_hub_that_is_away_is_one_line(
    interject: Call, voices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    one_line(interject("voice", "fetch", "en_GB-cori-medium"), "the hub cannot be reached")
    assert installed_voices() == []


# From a folder


@needs_piper
def test_a_known_voice_from_a_folder_is_checked_and_speaks(
    interject: Call, voices: Path, tmp_path: Path
) -> None:
    source = package_folder(PIPER_PACKAGE)
    done = interject("voice", "fetch", PIPER_VOICE, "--from", str(source))
    assert done.code == 0, done.err
    assert "3 files" in done.out
    assert "hashes are right" in done.out
    shown = interject("voice", "list").out
    assert "The default profile speaks with piper en_US-joe-medium." in shown
    out = tmp_path / "said.wav"
    said = interject("voice", "say", "One moment.", "--out", str(out), "--emotion", "happy")
    assert said.code == 0, said.err
    assert said.out.startswith(f"piper {PIPER_VOICE}: ")
    with wave.open(str(out)) as file:
        assert file.getframerate() == 22_050
        assert 0.4 < file.getnframes() / 22_050 < 2
    again = interject("voice", "fetch", PIPER_VOICE, "--from", str(source))
    assert again.code == 0


@needs_piper
def test_a_known_name_with_another_network_is_refused_and_the_old_voice_stays(
    interject: Call, voices: Path, tmp_path: Path
) -> None:
    package = package_folder(PIPER_PACKAGE)
    assert package is not None
    source = tmp_path / "source"
    source.mkdir()
    for path in (package / "data").iterdir():
        (source / path.name).write_bytes(path.read_bytes())
    interject("voice", "fetch", PIPER_VOICE, "--from", str(source))
    (source / f"{PIPER_VOICE}.onnx").write_bytes(b"another")
    done = interject("voice", "fetch", PIPER_VOICE, "--from", str(source))
    one_line(done, "is not the file that is pinned")
    (found,) = installed_voices()
    assert found.network.stat().st_size > 60e6
    assert [path.name for path in voices.iterdir()] == [PIPER_VOICE]


def test_a_voice_of_ones_own_is_taken_as_it_is(
    interject: Call, voices: Path, tmp_path: Path
) -> None:
    source = tmp_path / "mine"
    (source / "voices").mkdir(parents=True)
    (source / "model.onnx").write_bytes(b"network")
    (source / "tokenizer.json").write_text("{}")
    (source / "notes.txt").write_text("no part of it")
    (source / "voices" / "af_mine.bin").write_bytes(b"style")
    done = interject("voice", "fetch", "mine", "--from", str(source))
    assert done.code == 0, done.err
    assert "no hash of it is known" in done.out
    (found,) = installed_voices()
    assert (found.engine, found.speakers) == ("kokoro", ("af_mine",))
    assert not (voices / "mine" / "notes.txt").exists()


def test_what_cannot_be_fetched_is_one_line(interject: Call, voices: Path, tmp_path: Path) -> None:
    one_line(interject("voice", "fetch", "nobody"), "is no voice that can be fetched")
    one_line(interject("voice", "fetch", "../up"), "names no voice")
    one_line(interject("voice", "fetch", "x", "--from", str(tmp_path / "no")), "no such folder")
    empty = tmp_path / "empty"
    empty.mkdir()
    one_line(interject("voice", "fetch", "x", "--from", str(empty)), "must hold one .onnx")
    one_line(interject("voice", "fetch", "kokoro-82m", "--from", str(empty)), "lacks onnx/")
    (empty / "x.onnx").write_bytes(b"x")
    one_line(interject("voice", "fetch", "x", "--from", str(empty)), "holds no voice")
    assert list(voices.iterdir()) == []


# Listing and saying


def test_every_voice_of_the_catalogue_is_pinned_and_says_its_licence() -> None:
    for voice in catalogue().values():
        assert len(voice.revision) == 40
        assert voice.licence
        assert voice.size_bytes > 50e6
        assert all(len(file.digest) in (0, 40, 64) for file in voice.files)


def test_the_list_shows_what_can_be_had(interject: Call, voices: Path) -> None:
    shown = interject("voice", "list").out
    assert "interject voice fetch kokoro-82m" in shown
    assert "public domain" in shown
    assert "GPL-3.0" in shown
    assert "The default profile speaks with espeak en-gb." in shown


def test_saying_with_espeak_needs_no_voice(interject: Call, voices: Path, tmp_path: Path) -> None:
    out = tmp_path / "said.wav"
    done = interject("voice", "say", "Hello.", "--out", str(out))
    assert done.out.startswith("espeak en-gb: ")
    assert interject("voice", "say", "Hallo.", "--voice", "espeak", "--speaker", "de",
                     "--out", str(out)).out.startswith("espeak de: ")  # fmt: skip


def test_what_cannot_be_said_is_one_line(interject: Call, voices: Path, tmp_path: Path) -> None:
    out = ("--out", str(tmp_path / "x.wav"))
    one_line(interject("voice", "say", " ", *out), "is blank")
    one_line(interject("voice", "say", "Hi.", "--voice", "x", *out), "is not installed")
    one_line(interject("voice", "say", "Hi.", "--emotion", "calm", *out), "--emotion 'calm'")
    one_line(interject("voice", "say", "Hi.", "--out", str(tmp_path)), "is a folder")
    silent = interject("voice", "say", "Hi.", "--profile", "podcast_producer", *out)
    one_line(silent, "has no voice")
    assert not (tmp_path / "x.wav").exists()


@needs_piper
def test_a_profile_whose_voice_is_missing_says_so_and_speaks(
    interject: Call, voices: Path, tmp_path: Path
) -> None:
    profile = tmp_path / "p.yaml"
    profile.write_text("name: p\nsystem_prompt: x\nvoice: {engine: piper, model: not-here}\n")
    out = tmp_path / "said.wav"
    done = interject("voice", "say", "Hi.", "--profile", str(profile), "--out", str(out))
    assert done.out.startswith("espeak en-gb: ")
    assert done.err == (
        "interject: note: the piper voice not-here is not installed "
        "(interject voice fetch not-here)\n"
    )
    voices_with_piper(voices)
    assert "piper" in interject("voice", "say", "Hi.", "--out", str(out)).out


@needs_piper
def test_listening_says_which_voice_it_has(
    interject: Call, voices: Path, tmp_path: Path, checkpoint: Path
) -> None:
    sound = write_wav(tmp_path / "room.wav", room(1.3))
    words = ("listen", str(sound), "--model", str(checkpoint), "--out", str(tmp_path / "o.wav"))
    assert "the voice is" not in interject(*words).err
    voices_with_piper(voices)
    done = interject(*words)
    assert done.code == 0, done.err
    assert f"interject: note: the voice is piper {PIPER_VOICE}\n" in done.err
    profile = tmp_path / "p.yaml"
    profile.write_text("name: p\nsystem_prompt: x\nvoice: {engine: piper, model: not-here}\n")
    missing = interject(*words, "--profile", str(profile)).err
    assert "(interject voice fetch not-here); espeak en-gb speaks in its place" in missing
