from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from interject.agent.sound_file import as_flac
from interject.training.bank.__main__ import main
from interject.training.bank.bank import INDEX, Bank, read_index
from interject.training.bank.bank_index import BadBank
from interject.training.bank.pack import BankInputs, pack
from interject.training.bank.selection import PackableClip, Share, select
from interject.training.nano.speech_bank import SpeechBank
from interject.training.recordings.collection import RecordingCollection

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from interject.training.speech.utterance import Utterance

MIB = 1 << 20


def natural(bank: SpeechBank, voice: str) -> SpeechBank:
    """The same speech, as if of a natural voice."""
    items: list[tuple[str, Utterance]] = []
    for key, members in bank.groups.items():
        items += [(key, replace(bank[n], voice=voice)) for n in members[:2]]
    return SpeechBank(items)


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> RecordingCollection:
    """Two sources, one of which may only examine."""
    folder = tmp_path_factory.mktemp("collection")
    rng, lines = np.random.default_rng(1), []
    for number, (use, kind, label, text) in enumerate(
        [
            ("train", "sound", "siren", None),
            ("train", "background", "rain", None),
            ("train", "speech", "prompt", "please hold the line"),
            ("train", "speech", "prompt", "Please stop listening!"),
            ("evaluate", "sound", "siren", None),
        ]
    ):
        wave = (0.2 * rng.standard_normal(9_000)).astype(np.float32)
        (folder / f"{number}.flac").write_bytes(as_flac(wave))
        lines.append(
            {"file": f"{number}.flac", "source": f"source-{use}", "licence": "CC0-1.0",
             "credit": "somebody", "use": use, "kind": kind, "label": label,
             "seconds": len(wave) / 16_000, "text": text, "speaker": None}
        )  # fmt: skip
    (folder / "index.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return RecordingCollection.open(folder)


@pytest.fixture(scope="session")
def packed(
    bank: SpeechBank, collection: RecordingCollection, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("bank") / "all.bank"
    test = natural(bank, "piper joe")
    pack(BankInputs([natural(bank, "kokoro a"), bank], [test], collection), path, 20 * MIB)
    return path


def test_what_was_packed_is_what_is_loaded(
    packed: Path, bank: SpeechBank, collection: RecordingCollection
) -> None:
    loaded = Bank.load(packed)
    train = loaded.train
    assert train.natural is not None
    assert train.synthetic is not None
    assert len(train.synthetic) == len(bank)
    assert {k: len(g) for k, g in train.synthetic.groups.items()} == {
        k: len(g) for k, g in bank.groups.items()
    }
    first, was = train.synthetic[train.synthetic.groups["help"][0]], bank[bank.groups["help"][0]]
    assert (first.text, first.voice, first.word_ends) == (was.text, was.voice, was.word_ends)
    assert np.array_equal(first.phones, was.phones)
    assert len(first.pcm) == len(was.pcm)
    assert np.corrcoef(first.pcm, was.pcm)[0, 1] > 0.98
    assert [r.about.file for r in train.recordings] == ["0.flac", "1.flac", "2.flac"]
    assert [r.drawn_by[:2] for r in train.recordings] == [
        ("sound", "siren"), ("background", "rain"), ("speech", "source-train"),
    ]  # fmt: skip
    wave = collection.read(collection.recordings[0])
    assert np.corrcoef(train.recordings[0].pcm, wave)[0, 1] > 0.9


def test_what_examines_is_apart(packed: Path) -> None:
    held_out = Bank.load(packed).held_out
    assert held_out.natural is not None
    assert {held_out.natural[0].voice, held_out.natural[5].voice} == {"piper joe"}
    assert held_out.synthetic is None
    assert [r.about.file for r in held_out.recordings] == ["4.flac"]


def test_a_smaller_bank_keeps_some_of_every_group(
    bank: SpeechBank, collection: RecordingCollection, tmp_path: Path
) -> None:
    path = tmp_path / "small.bank"
    pack(BankInputs([natural(bank, "kokoro a"), bank], [], collection), path, 2 * MIB)
    assert path.stat().st_size <= 2 * MIB
    train = Bank.load(path).train
    assert train.natural is not None
    assert set(train.natural.groups) == set(bank.groups)
    assert len(train.recordings) == 3


def test_what_one_share_leaves_free_another_takes() -> None:
    many = [PackableClip(str(n), "ab"[n % 2], 5_000) for n in range(20)]
    few = [PackableClip("x", "x", 5_000)]
    size = many[0].size_bytes
    (a, b) = select([Share(many, 0.5), Share(few, 0.5)], 11 * size)
    assert (len(a), b) == (10, {"x"})
    assert Counter(int(name) % 2 for name in a) == {0: 5, 1: 5}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1_000])


def foreign(path: Path) -> None:
    path.write_bytes(b"RIFF" + bytes(100))


def gone(path: Path) -> None:
    path.unlink()


def of_something_else(path: Path) -> None:
    save_file({"a": np.zeros(3)}, path)


def changed(**values: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        index = {**json.loads(read_index(path).to_json()), **values}
        save_file(load_file(path), path, {INDEX: json.dumps(index)})

    return change


def without_phones(path: Path) -> None:
    tensors, index = load_file(path), read_index(path).to_json()
    del tensors["phones"]
    save_file(tensors, path, {INDEX: index})


def with_less_sound(path: Path) -> None:
    tensors, index = load_file(path), read_index(path).to_json()
    save_file({**tensors, "first": tensors["first"][1:]}, path, {INDEX: index})


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (cut, "cut or damaged"),
        (foreign, "is no bank"),
        (gone, "no such file"),
        (of_something_else, "is no bank"),
        (changed(version=2), "is a bank of version 2"),
        (changed(recordings={}), "no right column file"),
        (changed(utterances=3), "no right column key"),
        (without_phones, "holds no phones"),
        (with_less_sound, "its sound is not what its index says"),
    ],
)
def test_a_broken_bank_is_one_line(
    damage: Callable[[Path], None], complaint: str, packed: Path, tmp_path: Path
) -> None:
    path = tmp_path / "broken.bank"
    path.write_bytes(packed.read_bytes())
    damage(path)
    with pytest.raises(BadBank, match=complaint) as raised:
        Bank.load(path)
    assert str(raised.value).startswith(str(path))
    assert "\n" not in str(raised.value)


def test_the_commands(
    bank: SpeechBank,
    collection: RecordingCollection,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    npz, out = tmp_path / "speech.npz", str(tmp_path / "x.bank")
    bank.save(npz)
    words = ["pack", "--speech", str(npz), "--recordings", str(collection.folder), "--out", out]
    assert main(words) == 0
    assert "| train | utterance | synthetic |" in capsys.readouterr().out
    assert main(["show", out]) == 0
    assert "| held out | sound | siren | 1 |" in capsys.readouterr().out
    assert main(["show", out, "--attribution"]) == 0
    assert "- somebody: 3 recordings, CC0-1.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["pack", "--out", "x"], "nothing to pack"),
        (["pack", "--speech", "none.npz", "--out", "x"], "none.npz: no such file"),
        (["pack", "--speech", __file__, "--out", "x"], "is no speech bank"),
        (["pack", "--recordings", "nowhere", "--out", "x"], "nowhere"),
        (["pack", "--speech", "a", "--limit-mib", "0", "--out", "x"], "at least 0.2"),
        (["show", "none"], "none: no such file"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1
