"""What the people of a room are told when another agent takes it over, and when it goes on."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest
from livekit import rtc

from interject.config import RoomSettings
from interject.integrations.conversation.announcement import Notice
from interject.integrations.conversation.consent import Consent, Scope
from interject.integrations.conversation.consent_store import ConsentStore
from interject.integrations.livekit.room.encryption import UNHEARD
from interject.integrations.livekit.room.house_rules import HouseRules
from interject.integrations.livekit.room.posts import ERROR_ATTRIBUTES
from interject.integrations.livekit.room.room_announcement import ATTRIBUTES
from tests.fakes.livekit_room import FakePublication, FakeRoom
from tests.fakes.room_controls import FakeControls, FakeListener

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SALT = b"a worker's own"
SETTINGS = RoomSettings()


def agent(store: ConsentStore) -> tuple[Consent, FakeListener]:
    """One more job of the worker in this room."""
    consent = Consent(may_control=lambda who: who == "host", kept=store.room("RM_1"))
    ear = FakeListener()
    consent.attach(ear)
    return consent, ear


@contextlib.asynccontextmanager
async def rules(room: FakeRoom, consent: Consent, settings: RoomSettings) -> AsyncIterator[None]:
    async with HouseRules(
        room.as_room,
        settings,
        consent,
        FakeControls(),
        may_control=lambda _: True,
        on_text=lambda *_: None,
    ):
        yield
        for _ in range(50):
            await asyncio.sleep(0)


async def test_the_next_agent_says_that_it_does_not_listen(tmp_path: Path) -> None:
    store, room = ConsentStore(tmp_path, SALT), FakeRoom()
    agent(store)[0].stop("ann")
    room.come("ann", "P1")
    quiet = SETTINGS.model_copy(update={"announce": "none"})
    for settings in (SETTINGS, quiet):
        async with rules(room, agent(store)[0], settings):
            pass
    assert room.local_participant.sent == [
        (("ann",), SETTINGS.stop_notice, ATTRIBUTES[Notice.STOPPED]),
        (("ann",), SETTINGS.stop_notice, ATTRIBUTES[Notice.STOPPED]),
    ]
    assert room.local_participant.attributes["interject.listening"] == "false"


async def test_who_withdrew_is_told_the_truth_when_he_comes(tmp_path: Path) -> None:
    store, room = ConsentStore(tmp_path, SALT), FakeRoom()
    first, _ = agent(store)
    for identity in ("ann", "ben"):
        first.stop(identity, Scope.ME)
    room.come("ann", "P1")
    room.come("cem", "P2")
    consent, ear = agent(store)
    async with rules(room, consent, SETTINGS):
        room.come("ben", "P3")
        room.come("dan", "P4", attributes={"interject.listening": "false"})
        assert ear.excluded == {"ann", "ben", "dan"}
    told = room.local_participant.sent
    assert told == [
        (("cem",), SETTINGS.announcement, ATTRIBUTES[Notice.ANNOUNCEMENT]),
        (("ann",), SETTINGS.withdrawn_notice, ATTRIBUTES[Notice.WITHDRAWN]),
        (("ben",), SETTINGS.withdrawn_notice, ATTRIBUTES[Notice.WITHDRAWN]),
        (("dan",), SETTINGS.withdrawn_notice, ATTRIBUTES[Notice.WITHDRAWN]),
    ]


async def test_when_the_room_goes_on_who_withdrew_is_told_the_truth() -> None:
    room, consent = FakeRoom(), Consent(may_control=lambda _: True)
    room.come("ann", "P1")
    room.come("ben", "P2")
    async with rules(room, consent, SETTINGS):
        consent.stop("ann", Scope.ME)
        consent.stop("ben")
        await asyncio.sleep(0.01)
        consent.resume("ben")
    assert room.local_participant.sent[1:] == [
        (("ann", "ben"), SETTINGS.stop_notice, ATTRIBUTES[Notice.STOPPED]),
        (("ben",), SETTINGS.announcement, ATTRIBUTES[Notice.ANNOUNCEMENT]),
        (("ann",), SETTINGS.withdrawn_notice, ATTRIBUTES[Notice.WITHDRAWN]),
    ]


@pytest.mark.parametrize("has_key", [False, True])
async def test_who_speaks_encrypted_is_told_that_nobody_understands_him(has_key: bool) -> None:
    room, consent = FakeRoom(), Consent(may_control=lambda _: True)
    room.e2ee_manager.enabled = has_key
    sealed = rtc.EncryptionType.GCM
    for identity in ("ann", "ben", "cem"):
        room.come(identity, identity)
    room.publish("ann", FakePublication("T1", encryption_type=sealed))
    quiet = SETTINGS.model_copy(update={"announce": "none"})
    async with rules(room, consent, quiet):
        room.publish("ben", FakePublication("T2", encryption_type=sealed))
        room.publish("ben", FakePublication("T3", rtc.TrackKind.KIND_VIDEO, sealed))
        room.publish("cem", FakePublication("T4"))
    told = [(("ann",), UNHEARD, ERROR_ATTRIBUTES), (("ben",), UNHEARD, ERROR_ATTRIBUTES)]
    assert room.local_participant.sent == ([] if has_key else told)
