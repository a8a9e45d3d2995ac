"""A session of a room while it is opened: nothing that is switched meanwhile is lost."""

from __future__ import annotations

import asyncio

from livekit import rtc

from interject.config import load_profile
from interject.integrations.conversation.role import Role
from interject.integrations.livekit.room.ear_followers import EarFollowers
from interject.integrations.livekit.room.room_session import RoomSession
from interject.model_runtime.protocol import FloorMode
from tests.fakes.runtime import FakeRuntime
from tests.waiting import until


def room_session() -> RoomSession:
    return RoomSession(
        rtc.Room(),
        Role(load_profile("default"), FakeRuntime()),
        mode=FloorMode.SPEAK,
        threshold=0.5,
        cap=None,
        accepts=lambda _: True,
        on_output=lambda _: None,
        on_reply=lambda _started, _ended, _verdict: None,
        on_decision=lambda _: None,
        on_gap=lambda _: None,
        on_wish=lambda _: None,
        on_unread=lambda _: None,
        on_level=lambda _: None,
        on_speaking=lambda _: None,
        followers=EarFollowers((), None),
    )


async def test_what_is_switched_while_it_is_opened_holds_in_it() -> None:
    session = room_session()
    opening = asyncio.create_task(session.__aenter__())
    await asyncio.sleep(0)
    assert not opening.done()
    session.set_mode(FloorMode.OBSERVE)
    session.set_threshold(0.9)
    session.set_cap(3)
    await opening
    try:
        opened = session._realtime
        assert opened is not None
        assert (opened.mode, opened.threshold, opened.cap) == (FloorMode.OBSERVE, 0.9, 3)
    finally:
        await session.__aexit__()


async def test_whoever_talks_over_the_announcement_does_not_cut_it() -> None:
    session = room_session()
    async with session:
        session.say("This is an announcement that everybody is owed.")
        spoken = session._session
        assert spoken is not None
        assert session._realtime is not None
        await until(lambda: spoken.current_speech is not None, "the announcement")
        speech = spoken.current_speech
        assert speech is not None
        session._realtime.stop_speaking()
        assert not speech.interrupted
