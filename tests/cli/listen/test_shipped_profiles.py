"""The shipped profiles of three trades, each on a stream whose replies are written here: what is
shown, ticked and summed up, in order.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from interject.agent.outputs import ways_out
from interject.config import load_profile
from interject.model_runtime.protocol import FloorMode
from tests.cli.listen.test_listening import events, listen
from tests.cli.sounds import room, write_wav
from tests.fakes.runtime import FakeRuntime, Scripted

if TYPE_CHECKING:
    from pathlib import Path

LONG_S = 14.0
STREAMS: dict[str, tuple[dict[int, str], list[tuple[int, str, int]], list[str], list[str]]] = {
    "call_center_copilot": (
        {
            2: "[done greeting]",
            4: "[done recording]",
            8: "[question] Tell her the opening hours.",
            12: "[question] Tell her the opening hours.",
            16: "[cancel] Offer to pause the contract.",
            20: "[done identity] [upset] Say that you understand.",
            24: "[refund] Look up the order.",
            27: "Ask for the order number.",
            30: "Say when it comes.",
        },
        [
            (8, "question", 600),
            (16, "cancel", 900),
            (20, "upset", 800),
            (24, "refund", 800),
            (27, "suggestion", 500),
        ],
        ["greeting", "recording", "identity"],
        ["cue", "withheld", "cue", "cue", "cue", "cue", "suppressed"],
    ),
    "podcast_producer": (
        {
            2: "[done guest]",
            6: "[follow_up] How did that begin?",
            10: "[noise] Somebody's telephone rings.",
            14: "[noise] A telephone again.",
            18: "[done links]",
        },
        [(6, "follow_up", 500), (10, "noise", 900)],
        ["guest", "links"],
        ["cue", "cue", "withheld"],
    ),
    "meeting_assistant": (
        {
            2: "[done purpose]",
            8: "Ann sends the plan by Friday.",
            12: "[done owners] The room is free on Monday.",
        },
        [],
        ["purpose", "owners"],
        ["posted", "posted"],
    ),
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_from_its_sound_to_its_summary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    script, cards, ticks, became = STREAMS[name]
    sound = write_wav(tmp_path / "stream.wav", room(LONG_S, loud_at_s=(2.0,)))
    runtime = FakeRuntime({chunk: Scripted(text) for chunk, text in script.items()})
    path = tmp_path / "end.json"
    given = {"source": str(sound), "profile": name, "json": True, "summary": str(path)}
    assert listen(runtime, **given) == 0
    told = events(capsys.readouterr().out)
    assert not any("[" in one["text"] for one in told if one["event"] == "reply_ended")
    cues = [one for one in told if one["event"] == "cue"]
    assert [(cue["chunk"], cue["category"], cue["priority"]) for cue in cues] == cards
    ticked = [item for one in told if one["event"] == "checklist" for item in one["ticked"]]
    assert ticked == ticks
    summary: dict[str, Any] = json.loads(path.read_text())
    assert [reply["became"] for reply in summary["replies"]] == became
    done = [item["item"] for item in summary["checklist"] if item["done"]]
    assert sorted(done) == sorted(ticks)
    assert len(summary["checklist"]) == len(load_profile(name).checklist.items) > len(ticks)


@pytest.mark.parametrize("name", STREAMS)
def test_the_prompt_says_every_tag_and_leaves_nano_its_room(name: str) -> None:
    from interject.model_runtime.checkpoint import load_checkpoint

    profile = load_profile(name)
    tags = [f"[{category}]" for category in profile.cue.categories]
    tags += [profile.checklist.tag_of(item) for item in profile.checklist.items]
    assert tags
    assert [tag for tag in tags if tag not in profile.system_prompt] == []
    tokenizer = load_checkpoint("nano").tokenizer
    assert tokenizer is not None
    assert len(tokenizer.encode(profile.system_prompt)) <= 240


@pytest.mark.parametrize("name", ["call_center_copilot", "podcast_producer"])
@pytest.mark.parametrize("mode", FloorMode)
def test_a_profile_that_promises_never_to_be_heard_is_not_in_any_mode(
    name: str, mode: FloorMode
) -> None:
    profile = load_profile(name)
    assert "spoken" not in ways_out(profile, mode)
    assert profile.voice.engine == "none"
    assert profile.soundboard.play == "cue"
