"""Everybody who is there learns what holds for him, whatever platform tells him."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from interject.config import RoomSettings
from interject.integrations.conversation.announcement import Announcement, Notice, Participant
from interject.integrations.conversation.consent import Consent, Scope

if TYPE_CHECKING:
    import pytest

SETTINGS = RoomSettings()
ANN, BEN = Participant("ann", "1"), Participant("ben", "2")


class Chat:
    """Keeps what is sent, or fails."""

    def __init__(self, *here: Participant, broken: bool = False) -> None:
        self.here = list(here)
        self.sent: list[tuple[Notice, str, list[str]]] = []
        self._broken = broken

    async def send_notice(self, notice: Notice, text: str, identities: list[str]) -> None:
        if self._broken:
            raise ConnectionError("no chat")
        self.sent.append((notice, text, identities))

    def announcement(self, settings: RoomSettings = SETTINGS) -> Announcement:
        return Announcement(settings, self, present=lambda: self.here)


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_those_who_are_there_and_those_who_come_are_told_once_a_visit() -> None:
    chat = Chat(ANN)
    async with chat.announcement() as announcement:
        announcement.came(BEN)
        announcement.came(ANN)
        announcement.left(BEN)
        announcement.came(Participant("ben", "3"))
        await settled()
    assert [who for _, _, who in chat.sent] == [["ann"], ["ben"], ["ben"]]
    assert {(notice, text) for notice, text, _ in chat.sent} == {
        (Notice.ANNOUNCEMENT, SETTINGS.announcement)
    }


async def test_a_stop_is_told_to_all_whatever_the_profile_says_of_announcements() -> None:
    quiet = SETTINGS.model_copy(update={"announce": "none"})
    chat, consent = Chat(ANN, BEN), Consent(may_control=lambda _: True)
    async with chat.announcement(quiet) as announcement:
        consent.attach(announcement)
        assert chat.sent == []
        consent.stop("ann", Scope.ME)
        consent.stop("ben")
        await settled()
        consent.resume("ben")
        await settled()
    assert chat.sent == [
        (Notice.STOPPED, SETTINGS.stop_notice, ["ann", "ben"]),
        (Notice.ANNOUNCEMENT, SETTINGS.announcement, ["ben"]),
        (Notice.WITHDRAWN, SETTINGS.withdrawn_notice, ["ann"]),
    ]


async def test_one_that_is_attached_before_it_begins_tells_what_holds_then() -> None:
    chat, consent = Chat(ANN), Consent(may_control=lambda _: True)
    consent.stop("ann")
    announcement = chat.announcement()
    consent.attach(announcement)
    async with announcement:
        pass
    assert chat.sent == [(Notice.STOPPED, SETTINGS.stop_notice, ["ann"])]


async def test_a_platform_that_cannot_tell_it_is_noted_without_a_word_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    async with Chat(ANN, broken=True).announcement():
        pass
    assert [record.getMessage() for record in caplog.records] == [
        "The announcement could not be written"
    ]
