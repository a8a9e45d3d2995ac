"""A minute of each of three trades, with the model that ships: cards, ticks and summary, in order
and on time. `examples/trades.py` made the recordings.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from interject.config import load_profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Outcome

EXAMPLES = Path(__file__).parents[3] / "examples"
MOST_BYTES = 1_500_000
LATEST_S = 1.2
"""A chunk of 400 ms after the last word is decided, or one of the next two."""

HOURS = 'shop.md, The lamp shop > Opening hours, line 5: "We are open from 9 to 5 on weekdays."'

CLAIMS = {"a call to a shop": [("shown", [HOURS]), ("no_source", [])]}
"""nano says that refunds are possible within thirty days; the notes have fourteen."""

# What happens, and when the sound that causes it ends.
STREAMS: dict[str, tuple[str, str, list[tuple[float, str, str]]]] = {
    "a call to a shop": (
        "call_center.opus",
        str(EXAMPLES / "call_center.yaml"),
        [
            (2.1, "tick", "greeting"),
            (5.4, "tick", "identity"),
            (13.3, "tick", "recording"),
            (17.5, "question", "Asks for an order: take its number."),
            (25.8, "claim", "We are open from nine to five."),
            (39.5, "cancel", "Wants to cancel: ask what is wrong first."),
            (44.6, "upset", "Complains or wants a manager: say sorry."),
            (52.9, "tick", "farewell"),
        ],
    ),
    "a meeting": (
        "meeting.opus",
        "meeting_assistant",
        [
            (10.5, "action", "To do: somebody asked to note this."),
            (19.3, "tick", "next_date"),
            (19.3, "question", "Open: when is the next meeting?"),
            (24.2, "", "The capital of France is Paris."),
            (29.4, "", "That is a smoke alarm! Leave the building."),
            (39.0, "tick", "summed_up"),
            (39.0, "decision", "To settle: what was decided?"),
        ],
    ),
    "a podcast": (
        "podcast.opus",
        "podcast_producer",
        [
            (1.9, "tick", "recording"),
            (6.4, "play", "calm (CC0-1.0, Interject)"),
            (10.7, "tick", "guest"),
            (18.9, "noise", "A cough: say the sentence again."),
            (28.5, "open", "Somebody asked to note this: come back to it."),
            (37.2, "tick", "thanks"),
        ],
    ),
}


def happened(told: list[dict[str, Any]], summary: dict[str, Any]) -> list[tuple[float, str, str]]:
    """Ticks and cards as they were told; posts, which a terminal is not shown, of the summary."""
    ticks = [
        (one["at_s"], "tick", one["item"])
        for update in told
        if update["event"] == "checklist"
        for one in update["items"]
        if one["item"] in update["ticked"]
    ]
    cards = [
        (one["time"], one["category"], one["text"])
        for one in told
        if one["event"] in ("cue", "play")
    ]
    posts = [
        (one["at_s"], one["category"], one["text"])
        for one in summary["replies"]
        if one["became"] == "posted"
    ]
    return sorted([*ticks, *cards, *posts], key=lambda one: (one[0], one[1] != "tick"))


@pytest.mark.parametrize("trade", STREAMS)
@pytest.mark.timeout(180)
def test_a_trade_s_minute_from_its_sound_to_its_summary(
    interject: Callable[..., Outcome], tmp_path: Path, trade: str
) -> None:
    sound, profile, expected = STREAMS[trade]
    path = tmp_path / "end.json"
    words = ("listen", str(EXAMPLES / sound), "--profile", profile, "--json")
    outcome = interject(*words, "--summary", str(path))
    assert outcome.code == 0, outcome.err
    told = [json.loads(line) for line in outcome.out.splitlines()]
    summary = json.loads(path.read_text())
    found = happened(told, summary)
    assert [(kind, what) for _, kind, what in found] == [(kind, what) for _, kind, what in expected]
    for (at_s, _, what), (ends_s, *_) in zip(found, expected, strict=True):
        assert ends_s - 0.4 <= at_s <= ends_s + LATEST_S, what
    items = load_profile(profile).checklist.items
    done = {what for _, kind, what in expected if kind == "tick"}
    assert {one["item"] for one in summary["checklist"] if one["done"]} == done < set(items)
    for item, text in items.items():
        assert f"- [{'x' if item in done else ' '}] {text}" in summary["markdown"]
    assert not any("[" in one["text"] for one in told if one["event"] == "reply_ended")
    claims = [one for one in summary["cues"] if one["category"] == "claim"]
    assert [(one["became"], one["sources"]) for one in claims] == CLAIMS.get(trade, [])


def test_the_recordings_are_small() -> None:
    sizes = [(EXAMPLES / sound).stat().st_size for sound, *_ in STREAMS.values()]
    assert sum(sizes) < MOST_BYTES
