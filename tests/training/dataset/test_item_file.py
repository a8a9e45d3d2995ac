"""Items of StreamAudio-2M are read, or refused with file, line and field."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from interject.model_runtime.protocol import FRAME_SAMPLES, Emotion
from interject.training.dataset.item_file import ItemFile
from interject.training.dataset.item_reader import ReadingRules
from interject.training.dataset.problem import BadRecord, DatasetError
from interject.training.streams.ability import Ability
from tests.training.dataset.worlds import public, write_lines, write_sound

if TYPE_CHECKING:
    from pathlib import Path

CHAT = ReadingRules(Ability.VOICE_CHAT)


def problem_of(path: Path) -> str:
    problems: list[DatasetError] = []
    assert list(ItemFile(path, CHAT).streams(problems.append)) == []
    assert len(problems) == 1
    assert isinstance(problems[0], BadRecord)
    return str(problems[0])


def test_a_public_item_is_a_stream_of_its_turns_one_behind_the_other(tmp_path: Path) -> None:
    bark = write_sound(tmp_path / "a.flac", 9_600)
    silence = write_sound(tmp_path / "deep" / "b.flac", 4_000, seed=2)
    turn = public()["turns"][0]
    quiet = {**turn, "assistant": "<No need to response>", "audio_path": "deep/b.flac"}
    again = {**turn, "emotion": "URGENT", "assistant": "Two."}
    item = {**public(), "num_turns": 3, "turns": [turn, quiet, again]}
    stream = ItemFile(write_lines(tmp_path / "items.jsonl", item)).make(0)
    assert stream.stream_id == "x%2E1"
    assert stream.ability is Ability.VOICE_CHAT
    assert np.array_equal(stream.sound, np.concatenate([bark, silence, bark]))
    assert [(t.end_s, t.assistant, t.response_chunk) for t in stream.turns] == [
        (0.6, "One.", 1), (0.85, "", None), (1.45, "Two.", 3)
    ]  # fmt: skip
    assert stream.turns[2].emotion is Emotion.URGENT


def test_both_shapes_of_the_trainer_are_read(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.flac")
    turn = {"audio_path": "a.flac", "assistant": "One.", "emotion": "happy"}
    path = write_lines(
        tmp_path / "train.jsonl",
        {"conversation": [turn, {**turn, "emotion": None, "assistant": "no need to response"}]},
        "",
        {"merge_path": "a.flac", "assistant": "One."},
    )
    first, second = ItemFile(path, ReadingRules(Ability.PROACTIVE, decision_lag_s=0.3)).streams(
        problem_of  # type: ignore[arg-type]
    )
    assert (first.stream_id, second.stream_id) == ("train-1", "train-3")
    assert [turn.response_chunk for turn in first.turns] == [2, None]
    assert [turn.emotion for turn in first.turns] == [Emotion.HAPPY, Emotion.NORMAL]
    assert second.turns[0].emotion is Emotion.NORMAL
    assert second.ability is Ability.PROACTIVE
    assert len(second.sound) == 3 * FRAME_SAMPLES, "silence makes room for the late reply"


def test_replies_to_very_short_turns_come_a_chunk_apart(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.flac", 1_600)
    item = {"conversation": [{"audio_path": "a.flac", "assistant": "Yes."}] * 3}
    stream = ItemFile(write_lines(tmp_path / "t.jsonl", item), CHAT).make(0)
    assert [turn.response_chunk for turn in stream.turns] == [0, 1, 2]
    assert stream.chunks == 3


def test_times_of_an_item_count_before_the_lengths_of_its_sounds(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.flac", 16_000)
    turn = {**public()["turns"][0], "start_s": 0.0, "end_s": 0.3}
    later = {**turn, "start_s": 0.5, "end_s": 0.7, "response_chunk": 2}
    item = {**public(), "num_turns": 2, "turns": [turn, later]}
    stream = ItemFile(write_lines(tmp_path / "t.jsonl", item)).make(0)
    assert [turn.response_chunk for turn in stream.turns] == [0, 2]
    assert len(stream.sound) == 16_000


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (public(emotion="joyful"), "'turns.0.emotion' is 'joyful'; it must be one of happy, sad"),
        (public(emotion=None), "'turns.0.emotion' is None; it must be one of happy, sad"),
        (public(assistant=" "), "'turns.0.assistant' is ' '; a silent turn says '<no need to resp"),
        (public(audio_path=""), "turns.0.audio_path: is empty; a turn without sound"),
        (public(audio_path="none.flac"), "turns.0.audio_path: none.flac: there is no such file"),
        (public(audio_path="noise.mp3"), "turns.0.audio_path: noise.mp3: is no sound that can"),
        (public(audio_path="empty.wav"), "turns.0.audio_path: empty.wav: is empty (0 bytes)"),
        (public(audio_path="../out.flac"), "'../out.flac' leads out of the folder"),
        (public(audio_path="/etc/passwd"), "'/etc/passwd' leads out of the folder"),
        (public(audio_path="link.flac"), "'link.flac' leads out of the folder"),
        (public(audio_path="."), "turns.0.audio_path: .: is no file"),
        (public(audio_path="pipe.wav"), "turns.0.audio_path: pipe.wav: is no file"),
        (public(audio_path="a" * 300), "cannot be read (file name too long)"),
        (public(num_turns=2), "'num_turns' is 2, but 'turns' holds 1"),
        (public(num_turns=0, turns=[]), "turns: is empty; a stream has sound"),
        (public(num_turns="1"), "'num_turns' is '1'; it must be a valid integer"),
        (public(sceen_type="x"), "unknown key 'sceen_type'"),
        ({"id": 1}, "the key 'stream_scene_type' is missing"),
        ({"conversation": []}, "'conversation' is []"),
        ({"merge_path": "a.flac"}, "the key 'assistant' is missing"),
        (public(spans=[{"layer": "foreground", "label": "", "start_s": 0, "end_s": 9}]),
         "spans.0.end_s: is 9; the sound ends at 0.6 s"),
        (public(spans=[{"layer": "loud", "label": "", "start_s": 0, "end_s": 9}]),
         "'spans.0.layer' is 'loud'; it must be 'foreground'"),
        (public(stream_scene_type="Daily", ability="singing"), "'ability' is 'singing'"),
        ('{"id": "a", "turns": [', "is no whole JSON"),
        ("[1, 2]", "Input should be an object"),
        ("nonsense", "is no whole JSON"),
        (b'{"id": "\xff"}', "is not UTF-8 text (byte 8)"),
        ("[" * 100_000, "is no whole JSON"),
        (public(user="\ud800"), "is no whole JSON"),
    ],
)  # fmt: skip
def test_a_bad_item_is_named_with_file_line_and_field(
    tmp_path: Path, item: dict[str, Any] | str | bytes, problem: str
) -> None:
    folder = tmp_path / "set"
    write_sound(folder / "a.flac")
    write_sound(tmp_path / "out.flac")
    (folder / "noise.mp3").write_bytes(bytes(range(256)) * 40)
    (folder / "empty.wav").touch()
    os.mkfifo(folder / "pipe.wav")
    (folder / "link.flac").symlink_to(tmp_path / "out.flac")
    path = write_lines(folder / "items.jsonl", "", item)
    said = problem_of(path)
    assert said.startswith(f"{path}, line 2: ")
    assert problem in said
    assert "\n" not in said


def test_one_bad_item_costs_no_other_one(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.flac")
    path = write_lines(tmp_path / "i.jsonl", public(id=1), "{", public(id="1"), public(id=3))
    problems: list[DatasetError] = []
    kept = [stream.stream_id for stream in ItemFile(path).streams(problems.append)]
    assert kept == ["1", "3"]
    assert "line 2: is no whole JSON" in str(problems[0])
    assert "line 3: 'id' is that of line 1, too" in str(problems[1])


def test_a_byte_order_mark_and_line_ends_of_windows_are_no_problem(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.flac")
    path = write_lines(tmp_path / "i.jsonl", public(id=1), public(id=2))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert [stream.stream_id for stream in ItemFile(path).streams(problem_of)] == ["1", "2"]  # type: ignore[arg-type]


def test_who_says_nothing_of_its_ability_has_to_be_told_one(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.flac")
    path = write_lines(tmp_path / "i.jsonl", public(stream_scene_type="Daily"))
    with pytest.raises(BadRecord, match=r"none of the seven abilities .* with --ability"):
        ItemFile(path).make(0)
    assert ItemFile(path, CHAT).make(0).scene_type == "Daily"
    path = write_lines(tmp_path / "j.jsonl", public(stream_scene_type="Audio Understanding"))
    assert ItemFile(path).make(0).ability is Ability.AUDIO_UNDERSTANDING


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read \\(no such file"):
        ItemFile(tmp_path / "none.jsonl")
    (tmp_path / "set.tar").write_bytes(b"{}\n\0\0")
    with pytest.raises(DatasetError, match="is no text; give a file of items, or the folder"):
        ItemFile(tmp_path / "set.tar")
    (tmp_path / "blank.jsonl").write_text("\n \n")
    with pytest.raises(DatasetError, match="holds no item; one JSON object a line"):
        ItemFile(tmp_path / "blank.jsonl")


def test_what_no_file_name_can_be_gets_an_id_all_the_same(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.flac")
    ids = ["a/b.wav", "../../etc", "犬" * 60, "", "~"]
    path = write_lines(tmp_path / "i.jsonl", *(json.dumps(public(id=name)) for name in ids))
    problems: list[DatasetError] = []
    found = [stream.stream_id for stream in ItemFile(path).streams(problems.append)]
    assert problems == []
    assert found[:2] == ["a%2Fb%2Ewav", "%2E%2E%2F%2E%2E%2Fetc"]
    assert len(set(found)) == len(ids)
