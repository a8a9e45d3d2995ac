from __future__ import annotations

import json
import pickle
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from interject.training.dataset.problem import DatasetError
from interject.training.dataset.recipes import SoundflowRecipe
from interject.training.endpoints.settings import EndpointSettings
from interject.training.soundflow.recipe import SoundflowSettings, soundflow_source
from interject.training.soundflow.voice_choice import ChosenVoices, EndpointRewriter
from interject.training.streams.span import Layer
from tests.fakes.model_server import ModelServer, Scripted, serving
from tests.training.soundflow.test_texts_and_sounds import RESPOND, annotated, write_clip

if TYPE_CHECKING:
    from pathlib import Path


def settings(**content: Any) -> SoundflowSettings:
    short = {"pace": {"rounds": [1, 2]}, "abilities": {"proactive": 1, "voice_chat": 1}}
    return SoundflowSettings.model_validate({**short, **content})


def test_two_processes_with_real_voices_make_the_same_stream() -> None:
    source = soundflow_source(settings())
    first = source.make(2, 1)
    again = pickle.loads(pickle.dumps(source))
    again.make(3, 1)
    second = again.make(2, 1)
    assert np.array_equal(first.sound, second.sound)
    assert (first.turns, first.spans) == (second.turns, second.spans)
    assert first.skipped in ((), ("asr",))


def test_a_users_sounds_and_texts_are_what_is_heard(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.wav")
    write_clip(tmp_path / "b.wav", gain=0.1)
    annotated(tmp_path, RESPOND, {"path": "b.wav", "label": "valve", "name": "a valve"})
    texts = tmp_path / "mine.jsonl"
    turn = {"user": "Where is the pump?", "assistant": "In hall two."}
    texts.write_text(json.dumps({"kind": "chat", "turns": [turn]}) + "\n")
    source = soundflow_source(
        settings(
            sounds=str(tmp_path), texts=str(texts), synthesis=False, overlaps={"backchannel": 0}
        )
    )
    replies, names = set(), set()
    for number in range(8):
        stream = source.make(number, 1)
        replies |= {turn.assistant for turn in stream.turns}
        names |= {
            span.source.name
            for span in stream.spans
            if span.layer is Layer.FOREGROUND and span.source
        }
    assert replies == {"In hall two.", "The pump is leaking!", ""}
    assert names == {"a.wav", "b.wav"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"texts": "nowhere.jsonl"}, "nowhere.jsonl: no such file"),
        ({"sounds": "nowhere"}, "nowhere/sounds.jsonl: no such file"),
        ({"sounds": ".", "synthesis": False}, "hold no alarm"),
        ({"sounds": ".", "synthesis": False, "abilities": {"environment_agent": 1},
          "mix_ins": {"proactive": 0}}, "hold no lasting sound"),
    ],
)  # fmt: skip
def test_what_a_user_lacks_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: dict[str, Any], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "a.wav")
    annotated(tmp_path, {})
    with pytest.raises(DatasetError, match=says) as raised:
        soundflow_source(settings(**content))
    assert "\n" not in str(raised.value)


def test_without_alarms_in_the_settings_none_are_needed(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.wav")
    annotated(tmp_path, {})
    chosen = settings(
        sounds=str(tmp_path), synthesis=False, abilities={"streaming_instruction": 1},
        mix_ins={"proactive": 0, "silence": 1},
    )  # fmt: skip
    source = soundflow_source(chosen)
    assert all(source.make(number, 1).turns for number in range(4))


def test_a_build_knows_the_files_it_was_made_from(tmp_path: Path) -> None:
    texts = tmp_path / "mine.jsonl"
    texts.write_text('{"kind": "remark", "text": "one"}\n')
    recipe = SoundflowRecipe(settings=settings(texts=str(texts)))
    before = recipe.build_settings()
    assert before == recipe.build_settings()
    assert before.settings["noise"]["snr1_db"] == [5.0, 20.0]
    texts.write_text('{"kind": "remark", "text": "two"}\n')
    assert recipe.build_settings() != before


def test_a_voice_that_cannot_be_opened_ends_a_build_with_its_reason(tmp_path: Path) -> None:
    source = soundflow_source(settings(voices={"engine": "kokoro", "folder": str(tmp_path)}))
    with pytest.raises(DatasetError, match="holds no Kokoro-82M"):
        source.make(0, 1)


def test_texts_are_rewritten_to_be_said() -> None:
    said = ChosenVoices()(random.Random(1)).say("**Room 12** costs $5.")
    assert [word.text.strip(".").lower() for word in said.words][:2] == ["room", "twelve"]


def test_a_model_may_rewrite_them(tmp_path: Path) -> None:
    message = {"role": "assistant", "content": '{"text": "Room twelve costs five dollars."}'}
    body = json.dumps({"choices": [{"message": message}]}).encode()
    with serving(ModelServer([Scripted(body, headers=(("Connection", "close"),))])) as server:
        rewriter = EndpointRewriter(
            endpoint=EndpointSettings(base_url=server.url, model="m"), cache=str(tmp_path)
        )
        said = ChosenVoices(rewriter=rewriter)(random.Random(1)).say("**Room 12** costs $5.")
        assert len(server.received) == 1
    assert said.text == "Room twelve costs five dollars."
