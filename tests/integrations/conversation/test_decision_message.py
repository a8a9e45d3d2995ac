"""Decisions for those who watch: what is said of each, and what becomes of too many."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from interject.integrations.conversation.decision_message import (
    MAX_SPEAKERS,
    WAITING_DECISIONS,
    DecisionFeed,
    decision_message,
)
from interject.model_runtime.protocol import Decision, FloorMode, Speaker

if TYPE_CHECKING:
    from interject.integrations.conversation.decision_message import DecisionMessage


def decision(seq: int, speakers: tuple[Speaker, ...] = ()) -> Decision:
    return Decision(
        "s", seq, 12.0, 0.5, 1.5, 0.73105858, True, FloorMode.SPEAK, 0.1234567, speakers
    )


class Watchers:
    """Loses every third."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    async def send_decision(self, decision: DecisionMessage) -> None:
        if decision.chunk % 3 == 2:
            raise ConnectionError("lost")
        self.seen.append(decision.chunk)


def test_a_decision_is_the_documented_json() -> None:
    speakers = tuple(Speaker(f"p{number}", -20.0) for number in range(100))
    whole = decision(7, speakers)
    message = json.loads(decision_message(whole, now=1_000.0).model_dump_json())
    assert len(message.pop("speakers")) == MAX_SPEAKERS
    assert message == {
        "chunk": 7,
        "time": 1_000.0,
        "respond": True,
        "p_respond": 0.731059,
        "mode": "speak",
        "queued_s": 0.1235,
    }
    assert len(decision_message(whole, now=0.0).model_dump_json()) < 15_000


async def test_decisions_leave_in_order_and_those_that_cannot_are_counted() -> None:
    watchers = Watchers()
    feed = DecisionFeed(watchers, wall_clock=lambda: 1.0)
    for seq in range(WAITING_DECISIONS + 5):
        feed.put(decision(seq))
    assert feed.dropped == 5
    running = asyncio.create_task(feed.run())
    for _ in range(2 * WAITING_DECISIONS):
        await asyncio.sleep(0)
    running.cancel()
    assert watchers.seen == [seq for seq in range(WAITING_DECISIONS) if seq % 3 != 2]
    assert feed.dropped == 5 + WAITING_DECISIONS // 3
