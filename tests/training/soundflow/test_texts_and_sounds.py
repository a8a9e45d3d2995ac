from __future__ import annotations

import json
import pickle
import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.training.soundflow.procedural_library import ProceduralLibrary
from interject.training.soundflow.silence_audit import AuditLabel
from interject.training.soundflow.sound_folder import SoundFolderError, open_sound_folder
from interject.training.soundflow.sound_library import ClipRole, CombinedLibrary, labels_of
from interject.training.soundflow.texts.text_set import (
    BackchannelText,
    ChatText,
    InstructionText,
    RemarkText,
    TextFileError,
    TranscriptText,
    TranslationText,
    built_in_texts,
    read_texts,
)
from interject.training.sounds.catalogue import CLASSES

if TYPE_CHECKING:
    from pathlib import Path

KINDS = (
    ChatText, InstructionText, TranscriptText, TranslationText, RemarkText, BackchannelText,
)  # fmt: skip
UNTOLD = (
    '{"kind": "chat", "turns": [{"user": "a", "assistant": "b", '
    '"fact": {"entity": "c", "question": "d", "answer": "e"}}]}'
)
RESPOND: dict[str, object] = {
    "audit": "respond", "criterion": "equipment damage or fire", "reply": "The pump is leaking!",
}  # fmt: skip


def write_clip(path: Path, *, gain: float = 0.3) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = np.clip(gain * np.sin(np.arange(16_000) / 5), -1, 1)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((sound * 32_767).astype("<i2").tobytes())


def annotated(folder: Path, *notes: dict[str, object]) -> Path:
    lines = [
        json.dumps({"path": "a.wav", "label": "pump", "licence": "CC0-1.0", **note})
        for note in notes
    ]
    (folder / "sounds.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_the_built_in_texts_have_all_kinds_and_many_facts() -> None:
    texts = built_in_texts()
    assert all(len(texts.of(kind)) >= 8 for kind in KINDS)
    facts = [turn.fact for chat in texts.of(ChatText) for turn in chat.turns if turn.fact]
    assert len(facts) >= 10
    assert all(fact.entity.casefold() in fact.answer.casefold() for fact in facts)
    assert pickle.loads(pickle.dumps(texts)) == texts


def test_a_users_texts_take_the_place_of_their_kind_only(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(
        '{"kind": "chat", "turns": [{"user": "Where is the pump?", "assistant": "In hall two."}]}\n'
        "\n"
        '{"kind": "remark", "text": "hand me the wrench"}\n',
        encoding="utf-8",
    )
    texts = read_texts(path)
    assert [chat.turns[0].user for chat in texts.of(ChatText)] == ["Where is the pump?"]
    assert [remark.text for remark in texts.of(RemarkText)] == ["hand me the wrench"]
    assert texts.of(TranscriptText) == built_in_texts().of(TranscriptText)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"kind": "chat", "turns": []}', r"mine.jsonl, line 2, field chat.turns: "),
        ('{"kind": "chat", "turns": [{"user": "Hi"}]}', r"line 2, field chat.turns.0.assistant: "),
        ('{"kind": "remark", "text": " "}', r"line 2, field remark.text: "),
        ('{"kind": "song", "text": "la"}', r"line 2: .*'chat', 'instruction'"),
        ('{"kind": "remark", "text": "a", "x": 1}', r"field remark.x: Extra inputs"),
        ('{"kind": "remark"', r"line 2: Invalid JSON"),
        ('{"kind": "chat", "turns": [{"user": "a", "assistant": "b", "emotion": "bored"}]}',
         r"field chat.turns.0.emotion: .*'happy'"),
        (UNTOLD, r"not said by the user"),
    ],
)  # fmt: skip
def test_a_text_that_cannot_be_used_is_named_by_file_line_and_field(
    tmp_path: Path, line: str, says: str
) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"kind": "remark", "text": "yes"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(TextFileError, match=says):
        read_texts(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "no such file"), (b"\n", "holds no text"), (b"\xff\xfe", "not UTF-8 text")],
)
def test_a_file_without_texts_is_refused(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "mine.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TextFileError, match=says):
        read_texts(path)


def test_every_procedural_class_means_something_and_can_be_drawn() -> None:
    library = ProceduralLibrary()
    assert set(library.meanings) == {*CLASSES, "steady_noise"}
    for label, meaning in library.meanings.items():
        clip = library.draw(label, np.random.default_rng(1))
        assert np.array_equal(clip.wave, library.draw(label, np.random.default_rng(1)).wave)
        assert bool(meaning.reply) is (meaning.audit.label is not AuditLabel.SILENT)
        assert clip.source.licence == "Apache-2.0"


def test_recordings_of_a_folder_are_drawn_with_their_licence(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.wav")
    write_clip(tmp_path / "b" / "b.wav", gain=0.1)
    folder = open_sound_folder(
        annotated(tmp_path, RESPOND, {**RESPOND, "path": "b/b.wav", "licence": "CC-BY-4.0"})
    )
    drawn = [folder.draw("pump", np.random.default_rng(seed)) for seed in range(8)]
    assert {clip.source.licence for clip in drawn} == {"CC0-1.0", "CC-BY-4.0"}
    assert {clip.source.name for clip in drawn} == {"a.wav", "b/b.wav"}
    assert folder.meanings["pump"].reply == "The pump is leaking!"
    both = CombinedLibrary((pickle.loads(pickle.dumps(folder)), ProceduralLibrary()))
    assert labels_of(both, ClipRole.EVENT, AuditLabel.RESPOND)[-3:] == [
        "pump",
        "siren",
        "smoke_alarm",
    ]
    assert both.draw("pump", np.random.default_rng(1)).label == "pump"
    assert both.draw("bark", np.random.default_rng(1)).label == "bark"


@pytest.mark.parametrize(
    ("notes", "says"),
    [
        ([{"path": "no.wav"}], "line 1: .*no.wav: there is no such file"),
        ([{"path": "../a.wav"}], "line 1: .*inside the folder"),
        ([{"label": "Big Pump"}], "line 1, field label: "),
        ([{"licence": ""}], "line 1, field licence: "),
        ([{"audit": "respond", "reply": "!"}], "line 1: .*one criterion is needed"),
        ([{**RESPOND, "reply": " "}], "line 1: .*needs a reply"),
        ([{}, RESPOND], "line 2: the label 'pump' has another role or audit above"),
        ([{"path": "loud.wav"}], "loud.wav: clipped"),
        ([{"path": "broken.wav"}], "broken.wav: is no sound"),
        ([], "holds no annotation"),
    ],
)
def test_a_folder_that_cannot_be_used_is_named_by_file_and_line(
    tmp_path: Path, notes: list[dict[str, object]], says: str
) -> None:
    write_clip(tmp_path / "a.wav")
    write_clip(tmp_path / "loud.wav", gain=20)
    (tmp_path / "broken.wav").write_bytes(b"nonsense")
    with pytest.raises(SoundFolderError, match=says):
        open_sound_folder(annotated(tmp_path, *notes))


def test_a_folder_without_annotations_is_told_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SoundFolderError, match=r"sounds\.jsonl: no such file; it says what each"):
        open_sound_folder(tmp_path)
