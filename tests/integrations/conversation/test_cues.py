"""What a cue card is, and whom it reaches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from interject.agent.outputs import Cue, Posted
from interject.integrations.conversation.cues import (
    MAX_TEXT_CHARS,
    Cues,
    addressed,
    cue_message,
)
from interject.model_runtime.protocol import Emotion, EndReason

if TYPE_CHECKING:
    from interject.integrations.conversation.cues import CueMessage


def cue(text: str, *, identities: tuple[str, ...] = ()) -> Cue:
    at = (41, 16.8, 36.8, 1, identities)
    return Cue("s", "s-3", "suggestion", 1_000, text, Emotion.URGENT, *at)


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
        "count": 1,
        "sources": [],
    }


def test_a_long_cue_is_cut_so_that_it_fits_into_a_packet() -> None:
    message = cue_message(cue("a" * 20_000), now=0.0)
    assert len(message.text) == MAX_TEXT_CHARS
    assert message.text.endswith("…")


class Screens:
    """Keeps which card went to whom."""

    def __init__(self) -> None:
        self.shown: list[tuple[CueMessage, list[str]]] = []

    async def send_cue(self, cue: CueMessage, identities: list[str]) -> None:
        self.shown.append((cue, identities))


async def test_a_cue_goes_to_those_who_are_addressed_at_the_moment_and_to_nobody_else() -> None:
    screens = Screens()
    cues = Cues(screens, wall_clock=lambda: 5.0)
    await cues.emit(cue("Too early."))
    await cues.emit(cue("Now.", identities=("host",)))
    await cues.emit(Posted("s", 1, 2, 3.0, Emotion.NORMAL, "No card.", EndReason.COMPLETE))
    assert screens.shown == [(cue_message(cue("Now."), now=5.0), ["host"])]
    assert (cues.sent, cues.unaddressed) == (1, 1)


@pytest.mark.parametrize(
    ("named", "reached"),
    [
        (("*",), ["ann", "ben"]),
        (("ben", "cem"), ["ben"]),
        ((), []),
        (("cem", "*"), ["ann", "ben"]),
    ],
)
def test_who_is_named_and_present_is_addressed(named: tuple[str, ...], reached: list[str]) -> None:
    assert addressed(named, ["ann", "ben"]) == reached
