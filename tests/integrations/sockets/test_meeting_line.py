"""What is written into a meeting's chat, and how often."""

from __future__ import annotations

import pytest

from interject.integrations.conversation.announcement import Notice
from interject.integrations.sockets.meeting_control import ChatRefused
from interject.integrations.sockets.meeting_line import AGAIN_S, MeetingLine
from tests.fakes.clock import FakeClock


class SpoiltChat:
    """It takes nothing."""

    asked = 0

    async def post(self, call_id: str, text: str) -> None:
        self.asked += 1
        raise ChatRefused("status 500")

    def is_own(self, call_id: str, text: str) -> bool:
        return False


async def test_a_chat_that_refuses_is_not_asked_for_each_of_a_crowd() -> None:
    chat, clock = SpoiltChat(), FakeClock(100.0)
    line = MeetingLine("call", None, chat, clock=clock)
    with pytest.raises(ChatRefused):
        await line.send_notice(Notice.ANNOUNCEMENT, "It listens.", ["p0"])
    for number in range(1, 200):
        await line.send_notice(Notice.ANNOUNCEMENT, "It listens.", [f"p{number}"])
    assert chat.asked == 1
    clock.advance(AGAIN_S)
    with pytest.raises(ChatRefused):
        await line.send_notice(Notice.ANNOUNCEMENT, "It listens.", ["late"])
