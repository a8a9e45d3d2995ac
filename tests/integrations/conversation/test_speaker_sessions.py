"""One session for everybody or one for each, and whose end and failure is whose."""

from __future__ import annotations

import asyncio
import logging
from typing import Self

import pytest

from interject.integrations.conversation.consent import Consent, Scope
from interject.integrations.conversation.speaker_sessions import SpeakerSessions
from interject.model_runtime.protocol import RuntimeFailure
from tests.fakes.room_controls import FakeListener


class Session(FakeListener):
    """Opens unless it is told to fail."""

    def __init__(
        self, identity: str | None, *, refused: Exception | None = None, opens: bool = True
    ) -> None:
        super().__init__()
        self.identity = identity
        self.ended = asyncio.Event()
        self.failure: Exception | None = None
        self.closed = False
        self.may_close = asyncio.Event()
        self.may_close.set()
        self._opens = opens
        self._refused = refused

    async def __aenter__(self) -> Self:
        await asyncio.sleep(0)
        if not self._opens:
            await self._forever()
        if self._refused is not None:
            raise self._refused
        return self

    async def _forever(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.closed = True

    async def __aexit__(self, *_: object) -> None:
        await self.may_close.wait()
        self.closed = True


class People:
    """Who is there, and every session that was made for them."""

    def __init__(
        self, *here: str, each: bool, refused: Exception | None = None, opens: bool = True
    ) -> None:
        self.made: list[Session] = []
        self.consent = Consent(may_control=lambda _: True)
        self.sessions = SpeakerSessions(self.consent, self._make, each=each, present=lambda: here)
        self._refused, self._opens = refused, opens

    def heard(self) -> list[str | None]:
        return [session.identity for session in self.sessions.open]

    def _make(self, identity: str | None) -> Session:
        self.made.append(Session(identity, refused=self._refused, opens=self._opens))
        return self.made[-1]


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_session_hears_everybody_and_its_end_is_the_end() -> None:
    people = People("ann", each=False)
    async with people.sessions as sessions:
        sessions.came("ben")
        assert people.heard() == [None]
        assert sessions.of("ben") is people.made[0]
        people.made[0].failure = RuntimeFailure("it died")
        people.made[0].ended.set()
        await sessions.ended.wait()
    assert str(sessions.failure) == "it died"
    assert people.made[0].closed


async def test_one_session_that_cannot_be_opened_is_an_error_at_once() -> None:
    people = People("ann", each=False, refused=RuntimeFailure("no such model"))
    with pytest.raises(RuntimeFailure, match="no such model"):
        await people.sessions.__aenter__()


async def test_each_who_speaks_has_one_for_as_long_as_he_is_there() -> None:
    people = People("ann", each=True)
    async with people.sessions as sessions:
        sessions.came("ann")
        sessions.came("ben")
        await settled()
        assert people.heard() == ["ann", "ben"]
        sessions.left("ann")
        await settled()
        assert people.heard() == ["ben"]
        assert not sessions.ended.is_set()
    assert all(session.closed for session in people.made)


async def test_who_comes_back_while_his_old_session_closes_has_the_new_one() -> None:
    people = People("ann", each=True)
    async with people.sessions as sessions:
        await settled()
        old = people.made[0]
        old.may_close.clear()
        sessions.left("ann")
        sessions.came("ann")
        await settled()
        assert sessions.of("ann") is people.made[1]
        old.may_close.set()
        await settled()
        assert old.closed
        assert sessions.of("ann") is people.made[1]
        assert people.heard() == ["ann"]


async def test_a_session_that_is_being_opened_is_closed_when_nobody_waits_for_it() -> None:
    people = People(each=False, opens=False)
    opening = asyncio.create_task(people.sessions.__aenter__())
    await settled()
    assert not opening.done()
    assert (people.heard(), people.sessions.made) == ([], tuple(people.made))
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert people.made[0].closed
    assert people.sessions.made == ()


async def test_a_speakers_failure_is_logged_and_the_others_are_heard(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR)
    people = People("ann", "ben", each=True)
    async with people.sessions:
        await settled()
        people.made[0].failure = RuntimeFailure("it died")
        people.made[0].ended.set()
        await settled()
        assert people.heard() == ["ben"]
    assert [vars(record)["reason"] for record in caplog.records] == ["it died"]


async def test_a_session_that_opens_after_a_no_knows_it() -> None:
    people = People(each=True)
    people.consent.stop("ann", Scope.ME)
    people.consent.stop("ben")
    async with people.sessions as sessions:
        sessions.came("ann")
        await settled()
        assert (people.made[0].excluded, people.made[0].hears()) == ({"ann"}, False)
