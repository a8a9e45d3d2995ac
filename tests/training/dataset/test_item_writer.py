"""Streams become items of StreamAudio-2M, and those become streams again."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from interject.agent.sound_file import as_flac, read_sound
from interject.model_runtime.protocol import SAMPLE_RATE_HZ, Emotion
from interject.training.dataset.item_file import ItemFile
from interject.training.dataset.item_reader import ReadingRules
from interject.training.dataset.item_writer import write_items
from interject.training.dataset.items import PublicItem, is_silent
from interject.training.dataset.problem import BadRecord, DatasetError
from interject.training.dataset.stream_item import as_item, as_stream_id, from_shard
from interject.training.streams.ability import Ability
from interject.training.streams.span import Layer, SoundSource, StreamSpan, TimedWord
from interject.training.streams.stream import TrainingStream
from interject.training.streams.turn import StreamTurn, response_chunk
from tests.training.dataset.worlds import noise, rich_stream

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
REPLY = TEXT.filter(lambda text: text.strip() and not is_silent(text))
SLOW_DISK = tries(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def streams(draw: st.DrawFn) -> TrainingStream:
    """Any that is right, with times on whole samples."""
    ends = sorted(draw(st.sets(st.integers(800, 40_000), min_size=1, max_size=4)))
    total = ends[-1] + draw(st.integers(0, 3_000))
    turns, before, last = [], 0, -1
    for end in ends:
        chunk = max(response_chunk(end / SAMPLE_RATE_HZ), last + 1)
        reply = draw(REPLY) if chunk * 6_400 < total and draw(st.booleans()) else ""
        last = chunk if reply else last
        turns.append(
            StreamTurn(
                before / SAMPLE_RATE_HZ, end / SAMPLE_RATE_HZ, draw(TEXT), reply,
                draw(st.sampled_from(Emotion)), draw(TEXT), chunk if reply else None,
            )
        )  # fmt: skip
        before = end
    return TrainingStream(
        as_stream_id(draw(TEXT)), draw(st.sampled_from(Ability)), noise(total), tuple(turns),
        draw(spans(total)), draw(st.integers(0, 2**63 - 1)), draw(st.none() | TEXT),
        tuple(draw(st.lists(TEXT, max_size=2))), draw(TEXT),
    )  # fmt: skip


@st.composite
def spans(draw: st.DrawFn, total: int) -> tuple[StreamSpan, ...]:
    found = []
    for _ in range(draw(st.integers(0, 3))):
        start, end = sorted(draw(st.tuples(st.integers(0, total), st.integers(0, total))))
        times = sorted(draw(st.lists(st.integers(start, end), max_size=3)))
        words = tuple(TimedWord(draw(REPLY), at / SAMPLE_RATE_HZ) for at in times)
        source = draw(st.none() | st.builds(SoundSource, REPLY, REPLY, st.just("0" * 64)))
        found.append(
            StreamSpan(
                draw(st.sampled_from(Layer)), draw(TEXT), start / SAMPLE_RATE_HZ,
                end / SAMPLE_RATE_HZ, draw(TEXT), words, draw(TEXT), source,
            )
        )  # fmt: skip
    return tuple(found)


@SLOW_DISK
@given(streams())
def test_any_stream_comes_back_from_its_item_as_it_was(stream: TrainingStream) -> None:
    if stream.scene_type == stream.ability:
        stream = replace(stream, scene_type="")
    text = as_item(stream, "a.flac").model_dump_json(exclude_defaults=True)
    sound = read_sound(as_flac(stream.sound))
    again = from_shard(PublicItem.model_validate_json(text), sound, "here")
    expected = stream if stream.scene_type else replace(stream, scene_type="")
    assert again == expected
    assert np.array_equal(again.sound, stream.sound)


def heard_and_said(stream: TrainingStream) -> list[tuple[object, ...]]:
    return [
        (t.user, t.assistant, t.emotion, t.scene_type, t.start_s, t.end_s, t.response_chunk)
        for t in stream.turns
    ]


@SLOW_DISK
@given(streams())
def test_any_stream_comes_back_from_a_public_item_but_for_what_that_cannot_hold(
    stream: TrainingStream,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_items([stream], folder / "one", "public")
        again = ItemFile(folder / "one" / "items.jsonl", ReadingRules(stream.ability)).make(0)
        write_items([again], folder / "two", "public")
        last = ItemFile(folder / "two" / "items.jsonl", ReadingRules(stream.ability)).make(0)
    turns = len(stream.turns)
    assert heard_and_said(again)[:turns] == heard_and_said(stream)
    rest = again.turns[turns:]
    assert [(turn.assistant, turn.end_s) for turn in rest] == [("", again.duration_s)] * len(rest)
    assert np.array_equal(again.sound, stream.sound)
    assert heard_and_said(last) == heard_and_said(again)


@SLOW_DISK
@given(streams())
def test_any_stream_comes_back_from_a_trainer_s_item_with_its_replies(
    stream: TrainingStream,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        write_items([stream], Path(name) / "one", "trainer")
        again = ItemFile(Path(name) / "one" / "items.jsonl", ReadingRules(stream.ability)).make(0)
    before = [(turn.assistant, turn.emotion, turn.end_s) for turn in stream.turns]
    after = [(turn.assistant, turn.emotion, turn.end_s) for turn in again.turns]
    assert after[: len(before)] == before


def test_the_items_hold_the_published_keys_and_no_other(tmp_path: Path) -> None:
    write_items([rich_stream()], tmp_path / "public", "public")
    item = json.loads((tmp_path / "public" / "items.jsonl").read_text())
    assert list(item) == ["id", "stream_scene_type", "num_turns", "turns"]
    assert [list(turn) for turn in item["turns"]] == [
        ["user", "assistant", "emotion", "scene_type", "audio_path"]
    ] * 3
    assert [turn["assistant"] for turn in item["turns"]] == [
        "Hello.", "<no need to response>", "<no need to response>"
    ]  # fmt: skip
    assert item["stream_scene_type"] == "Daily"
    write_items([rich_stream()], tmp_path / "trainer", "trainer")
    item = json.loads((tmp_path / "trainer" / "items.jsonl").read_text())
    assert [list(turn) for turn in item["conversation"]] == [
        ["audio_path", "assistant", "emotion"]
    ] * 3


def test_a_merged_item_has_one_turn_and_one_sound(tmp_path: Path) -> None:
    stream = replace(rich_stream(), turns=rich_stream().turns[:1], sound=noise(20_000))
    assert write_items([stream], tmp_path / "set", "merged") == 1
    path = tmp_path / "set" / "items.jsonl"
    assert json.loads(path.read_text()) == {
        "merge_path": "audio/a-1.flac", "assistant": "Hello.", "emotion": "happy"
    }  # fmt: skip
    again = ItemFile(path, ReadingRules(Ability.VOICE_CHAT)).make(0)
    assert [(turn.end_s, turn.assistant) for turn in again.turns] == [(0.5, "Hello.")]
    with pytest.raises(BadRecord, match="a-1: turns: has 2; a merged item has one"):
        write_items([rich_stream()], tmp_path / "other", "merged")


def test_a_stopped_run_is_written_over_and_anything_else_is_not(tmp_path: Path) -> None:
    def broken() -> object:
        yield rich_stream()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_items(broken(), tmp_path / "set", "public")  # type: ignore[arg-type]
    assert not (tmp_path / "set" / "items.jsonl").exists()
    assert write_items([rich_stream("b"), rich_stream("c")], tmp_path / "set", "public") == 2
    for folder in (tmp_path / "set", tmp_path):
        with pytest.raises(DatasetError, match="is not empty; name a new folder"):
            write_items([rich_stream()], folder, "public")


def test_a_turn_without_sound_of_its_own_cannot_be_written(tmp_path: Path) -> None:
    twice = StreamTurn(0.5, 0.5, "and", "Yes.", response_chunk=2)
    stream = replace(rich_stream(), turns=(rich_stream().turns[0], twice), sound=noise(20_000))
    with pytest.raises(BadRecord, match=r"a-1: turns\.1: has no sound"):
        write_items([stream], tmp_path / "set", "trainer")
