"""What goes out on data topics, and what a dispatch may say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from interject.agent.outputs import Cue
from interject.integrations.conversation.cues import MAX_TEXT_CHARS, cue_message
from interject.integrations.conversation.decision_message import MAX_SPEAKERS, decision_message
from interject.integrations.livekit.jobs.access import Access, RoomFailure
from interject.integrations.livekit.jobs.dispatching import named_profile, read_metadata
from interject.model_runtime.protocol import Decision, Emotion, FloorMode, Speaker

if TYPE_CHECKING:
    from pathlib import Path


def cue(text: str) -> Cue:
    return Cue("s", "s-3", "suggestion", 1_000, text, Emotion.URGENT, 41, 16.8, 36.8)


def test_a_cue_is_the_documented_json() -> None:
    message = json.loads(cue_message(cue("Ask for the number."), now=1_000.0).model_dump_json())
    assert message == {
        "id": "s-3",
        "category": "suggestion",
        "priority": 1_000,
        "text": "Ask for the number.",
        "emotion": "urgent",
        "chunk": 41,
        "time": 1_000.0,
        "expiry": 1_020.0,
    }


def test_a_long_cue_is_cut_so_that_it_fits_into_a_packet() -> None:
    message = cue_message(cue("a" * 20_000), now=0.0)
    assert len(message.text) == MAX_TEXT_CHARS
    assert message.text.endswith("…")


def test_a_decision_is_the_documented_json() -> None:
    speakers = tuple(Speaker(f"p{number}", -20.0) for number in range(100))
    decision = Decision(
        "s", 7, 12.0, 0.5, 1.5, 0.73105858, True, FloorMode.SPEAK, 0.1234567, speakers
    )
    message = json.loads(decision_message(decision, now=1_000.0).model_dump_json())
    assert len(message.pop("speakers")) == MAX_SPEAKERS
    assert message == {
        "chunk": 7,
        "time": 1_000.0,
        "respond": True,
        "p_respond": 0.731059,
        "mode": "speak",
        "queued_s": 0.1235,
    }
    assert len(decision_message(decision, now=0.0).model_dump_json()) < 15_000


def test_a_dispatch_names_a_profile_and_who_is_shown_cues() -> None:
    metadata = read_metadata('{"profile": "meeting_assistant", "cue_to": ["host"]}')
    assert metadata.profile == "meeting_assistant"
    assert metadata.cue_to == ("host",)
    assert read_metadata("") == read_metadata("{}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("meeting_assistant", "Invalid JSON"),
        ('{"profil": "x"}', "profil: Extra inputs"),
        ('{"cue_to": "host"}', "cue_to"),
        ("[]", "the whole"),
    ],
)
def test_a_dispatch_that_makes_no_sense_is_told_so(text: str, says: str) -> None:
    with pytest.raises(RoomFailure, match="the dispatch's metadata cannot be used") as caught:
        read_metadata(text)
    assert says in str(caught.value)
    assert "profile, cue_to" in str(caught.value)


@pytest.mark.parametrize(
    ("url", "key", "says"),
    [("", "k", "give --url"), ("localhost", "k", "give --url"), ("ws://h:1", "", "--api-key")],
)
def test_access_without_its_parts_is_told_so(url: str, key: str, says: str) -> None:
    with pytest.raises(RoomFailure, match=says):
        Access(url, key, "secret")


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret", "a.yaml", "~/own", "", "a b", "a\n"])
def test_a_dispatch_names_no_file(name: str) -> None:
    with pytest.raises(RoomFailure, match="profile"):
        read_metadata(json.dumps({"profile": name}))


def test_a_dispatch_chooses_among_the_folders_profiles_and_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text("system_prompt: Be brief.\n", encoding="utf-8")
    assert named_profile("ours", tmp_path).system_prompt == "Be brief."
    assert named_profile("meeting_assistant", tmp_path).name == "meeting_assistant"
    assert named_profile("meeting_assistant", None).name == "meeting_assistant"
    for folder in (None, tmp_path):
        with pytest.raises(RoomFailure, match="is called 'theirs'"):
            named_profile("theirs", folder)
    with pytest.raises(RoomFailure):
        named_profile("ours", None)
