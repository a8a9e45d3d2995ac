"""What a dispatch may say, and what a server is reached with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from interject.integrations.livekit.jobs.access import Access, RoomFailure
from interject.integrations.livekit.jobs.dispatching import named_profile, read_metadata

if TYPE_CHECKING:
    from pathlib import Path


def test_a_dispatch_names_a_profile_and_who_is_shown_cues() -> None:
    metadata = read_metadata('{"profile": "meeting_assistant", "cue_to": ["host"]}')
    assert metadata.profile == "meeting_assistant"
    assert metadata.cue_to == ("host",)
    assert read_metadata("") == read_metadata("{}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("meeting_assistant", "Invalid JSON"),
        ('{"profil": "x"}', "profil: there is no such key"),
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
