"""Sessions of one process in the console of another: seen, followed, operated, lost and back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from interject.agent.responder.tools.operator import ToolWish, WishOutcome
from interject.integrations.console.live_sessions import LiveSessions
from interject.integrations.console.neighbour_messages import (
    Bulletin,
    FollowThese,
    MomentsFollow,
    OperateThere,
)
from interject.integrations.console.neighbour_session import ENDED
from interject.integrations.console.neighbour_sessions import AWAY, GONE, LOST_S, NOT_DONE
from interject.integrations.console.neighbours import LATE, Neighbours
from interject.integrations.console.operator_commands import Plainly
from interject.integrations.console.own_session import NO_AGENT
from interject.integrations.console.session_sharing import FOLLOWED_S
from interject.integrations.console.shown_sessions import UNKNOWN
from interject.model_runtime.protocol import Cause, Emotion, FloorMode, RuntimeFailure
from tests.fakes.clock import FakeClock
from tests.fakes.neighbourhood import FakeNeighbourhood, FakeTown
from tests.fakes.runtime import Scripted
from tests.integrations.console.desk import VIEWER, Desk, desk
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

SECRET = "The bread is burning."
WRITES: dict[str, Any] = {"mode": "observe", "outputs": ("posted",)}


@contextlib.asynccontextmanager
async def two_desks(town: FakeTown) -> AsyncIterator[tuple[Desk, Desk]]:
    """One that has calls, and one at which somebody sits."""
    async with (
        desk(way=town.resident("there"), **WRITES) as there,
        desk(way=town.resident("here"), **WRITES) as here,
    ):
        yield there, here


def is_live(message: dict[str, Any]) -> bool:
    return bool(message["session"]["stage"] == "live")


async def test_a_session_of_another_process_is_listed_followed_and_ends() -> None:
    town = FakeTown()
    async with two_desks(town) as (there, here), here.page() as page:
        async with there.call(label="+49 30 1234567", speakers=("+4930999942",)) as agent:
            state = (await page.next("session", is_live))["session"]
            assert (state["server"], state["label"]) == ("there", "************67")
            assert state["speakers"] == ["*********42"]
            await there.hear(agent, who="+4930999942")
            moments = await page.follow(state["id"])
            assert {moment["type"] for moment in moments} == {"chunk"}
            there.model.reply(Scripted(SECRET, Emotion.URGENT), cause=Cause.MODEL)
            reply = await page.next("reply", lambda m: m["stage"] == "over")
            assert (reply["text"], reply["heard_chars"]) == (SECRET, len(SECRET))
            assert b"4930999942" not in town.bulletins["there"]
            await page.next("pulse", lambda m: [one["replies"] for one in m["sessions"]] == [1])
            async with here.http() as http:
                found = (await http.get(f"/api/console/sessions/{state['id']}")).json()
            assert found["session"]["server"] == "there"
            assert SECRET in [one.get("text") for one in found["moments"]]
        over = await page.next("session", lambda m: m["session"]["stage"] == "over")
        assert over["session"]["id"] == state["id"]


async def test_one_that_is_over_with_its_process_is_followed_no_more_and_the_page_is_told() -> None:
    town = FakeTown()
    async with desk(way=town.resident("here"), **WRITES) as here, here.page() as page:
        async with desk(way=town.resident("there"), **WRITES) as there:
            async with there.call():
                session = (await page.next("session", is_live))["session"]["id"]
            await page.next("session", lambda m: m["session"]["stage"] == "over")
        town.bulletins.pop("there")
        assert here.neighbours is not None
        others = here.neighbours.sessions
        await until(lambda: not others.has("there"))
        await page.tell(type="follow", session=session)
        assert (await page.next("complaint"))["reason"] == ENDED
        await page.next("pulse")


async def test_nothing_is_written_for_anybody_who_does_not_follow() -> None:
    town = FakeTown()
    async with two_desks(town) as (there, here), here.page() as page, there.call() as agent:
        session = (await page.next("session", is_live))["session"]["id"]
        await there.hear(agent, chunks=3)
        assert town.sent["there"] == 0
        await page.follow(session)
        await page.tell(type="unfollow", session=session)
        live = there.sessions.live(session)
        assert live is not None
        await until(lambda: not live.feed.is_read)
        sent = town.sent["there"]
        await there.hear(agent)
        assert town.sent["there"] == sent


async def test_an_operator_s_command_is_done_where_the_session_is() -> None:
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        there, here = await enter(two_desks(FakeTown()))
        page, viewer = await enter(here.page(name="Ada")), await enter(here.page(VIEWER))
        agent = await enter(there.call())
        session = (await page.next("session", is_live))["session"]["id"]
        done = await page.operate(session, do="set_mode", mode="assist")
        assert (done["error"], done["status"]["mode"]) == (None, "assist")
        assert agent.controls.mode is FloorMode.ASSIST
        await viewer.next(
            "session", lambda m: is_live(m) and m["session"]["status"]["mode"] == "assist"
        )
        assert (await viewer.operate(session, do="answer_now"))["error"]
        refused = await page.operate(session, do="dismiss", card="none")
        assert refused["error"] == "there is no such card, or it has expired"
        over = await page.operate(session, do="set_cap", per_minute=None)
        assert over["status"]["per_minute"] is None


async def test_an_operator_at_another_process_is_asked_and_his_yes_arrives() -> None:
    async with contextlib.AsyncExitStack() as stack:
        enter, town = stack.enter_async_context, FakeTown()
        there, here = await enter(two_desks(town))
        await enter(there.call())
        viewer = await enter(here.page(VIEWER))
        (live,) = (there.sessions.live(state.id) for state in there.sessions.states)
        assert live is not None
        given = (("amount", "5"),)
        wish = ToolWish("w", "s", "refund", given, "", within_s=20.0)
        assert (await live.operator.decide(wish)).outcome is WishOutcome.ABSENT
        page = await enter(here.page(name="Ada"))
        await until(lambda: b'"operators":1' in town.bulletins["here"])
        asking = asyncio.create_task(live.operator.decide(replace(wish, id="x")))
        seen = await page.next("session", lambda m: any(map(is_open, m["session"]["wishes"])))
        (shown,) = filter(is_open, seen["session"]["wishes"])
        assert shown["arguments"] == [{"name": "amount", "value": "5"}]
        answer = await page.operate(live.id, do="allow", wish="x")
        assert answer["error"] is None
        assert (await asking).by == "Ada"
        await viewer.next(
            "session", lambda m: [o for o in m["session"]["wishes"] if o["by"] == "Ada"]
        )


def is_open(wish: dict[str, Any]) -> bool:
    return wish["over"] is None


async def test_a_session_that_is_over_takes_no_commands_and_one_that_is_not_there_none() -> None:
    town = FakeTown()
    async with two_desks(town) as (there, here), here.page() as page:
        async with there.call():
            session = (await page.next("session", is_live))["session"]["id"]
        await page.next("session", lambda m: m["session"]["stage"] == "over")
        assert (await page.operate(session, do="answer_now"))["error"] == NO_AGENT
        there.sessions.forget({"call"})
        await page.next("gone", lambda m: m["session"] == session)
        assert (await page.operate(session, do="answer_now"))["error"] == UNKNOWN


async def test_a_process_that_vanished_loses_its_sessions_and_then_nobody_lists_them() -> None:
    town = FakeTown()
    async with two_desks(town) as (there, here), here.page() as page, there.call():
        session = (await page.next("session", is_live))["session"]["id"]
        assert there.neighbours is not None
        assert there.neighbours._running is not None
        there.neighbours._running.cancel()
        await asyncio.wait({there.neighbours._running})
        del town.bulletins["there"], town.mailboxes["there"]
        lost = (await page.next("session", lambda m: m["session"]["stage"] == "lost"))["session"]
        refused = await page.operate(session, do="answer_now")
        assert refused["error"] == f"{GONE}: {NOT_DONE}"
        assert here.neighbours is not None
        here.neighbours.sessions._wall_clock = lambda: lost["ended"] + LOST_S + 1
        assert (await page.next("gone"))["session"] == session


async def test_while_redis_is_away_own_sessions_go_on_and_others_are_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    town = FakeTown()
    async with two_desks(town) as (there, here), here.page() as page, there.call() as agent:
        session = (await page.next("session", is_live))["session"]["id"]
        await page.follow(session)
        async with here.call("own"):
            own = (await page.next("session", is_live))["session"]["id"]
            town.away = True
            await page.next("session", lambda m: m["session"]["stage"] == "lost")
            assert (await page.operate(session, do="answer_now"))["error"] == f"{AWAY}: {NOT_DONE}"
            assert (await page.operate(own, do="set_mode", mode="assist"))["error"] is None
            await there.hear(agent, chunks=2)
            town.away = False
            await page.next("session", lambda m: is_live(m) and m["session"]["id"] == session)
            again = await page.next("history")
            assert [one["decision"]["chunk"] for one in again["moments"]][:2] == [0, 1]
            await there.hear(agent)
            assert (await page.next("chunk"))["decision"]["chunk"] == len(again["moments"])
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


async def test_a_follower_that_lacks_a_letter_is_told_all_again() -> None:
    town = FakeTown()
    async with two_desks(town) as (there, here), here.page() as page, there.call() as agent:
        session = (await page.next("session", is_live))["session"]["id"]
        await page.follow(session)
        assert there.neighbours is not None
        way = there.neighbours._way
        assert isinstance(way, FakeNeighbourhood)
        way.lost = 1
        await there.hear(agent)
        await until(lambda: way.lost == 0)
        await there.hear(agent)
        again = await page.next("history")
        assert [one["decision"]["chunk"] for one in again["moments"]][:2] == [0, 1]


async def test_who_says_no_more_that_he_follows_is_told_nothing_more() -> None:
    clock = FakeClock()
    async with desk() as there, there.call():
        sharing = Neighbours(
            FakeTown().resident("there"), there.sessions, looks=False, clock=clock
        )._sharing
        session = there.sessions.states[0].id
        sharing.follow(FollowThese(by="here", sessions=(session, "none")))
        live = there.sessions.live(session)
        assert live is not None
        clock.advance(FOLLOWED_S)
        sharing.look()
        assert live.feed.is_read
        clock.advance(0.1)
        sharing.look()
        assert not live.feed.is_read


async def test_a_thousand_moments_that_nobody_fetches_become_the_last_minutes() -> None:
    async with desk() as there, there.call():
        neighbours = Neighbours(FakeTown().resident("there"), there.sessions, looks=False)
        session = there.sessions.states[0].id
        neighbours._sharing.follow(FollowThese(by="here", sessions=(session,)))
        live = there.sessions.live(session)
        assert live is not None
        (begin,) = neighbours._outgoing.rest()
        for _ in range(1_000):
            live.feed.tell_text("{}")
        (again,) = neighbours._outgoing.rest()
        assert begin == again
        live.feed.tell_text("{}")
        assert [body for *_, body in neighbours._outgoing.rest()] == [b"{}"]


async def test_a_command_that_waited_for_a_process_that_stood_still_is_not_done() -> None:
    town = FakeTown()
    clock = FakeClock()
    async with desk() as there, there.call() as agent:
        way = town.resident("there")
        neighbours = Neighbours(way, there.sessions, looks=False, clock=clock)
        await way.post(b"")
        asked = OperateThere(
            by="here", id=7, session=there.sessions.states[0].id,
            command=Plainly(do="stop_listening"),
        )  # fmt: skip
        town.mailboxes["there"] = [(asked.model_dump_json().encode(), b""), (b"{", b"")]
        clock.advance(6.0)
        await neighbours._receive()
        ((to, head, _),) = neighbours._outgoing.rest()
        assert to == "here"
        assert LATE in head.decode()
        assert agent.consent.listening


async def test_a_process_of_another_version_is_left_out_and_told_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    town = FakeTown()
    async with two_desks(town) as (there, here), here.page() as page, there.call():
        town.bulletins["newer"] = b'{"server": "newer", "sessions": [], "rooms": 7}'
        await page.next("session", is_live)
        await page.next("pulse")
        told = [one.message for one in caplog.records if one.levelno >= logging.WARNING]
        assert told == ["Another process shows sessions that cannot be read here"] * 2, "each once"


async def test_where_the_way_is_barred_the_log_says_so_and_the_console_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Barred(FakeNeighbourhood):
        async def post(self, bulletin: bytes) -> None:
            raise RuntimeFailure("this user may not do that")

    async with desk(way=Barred(FakeTown(), "here")) as here, here.page() as page, here.call():
        await page.next("session", is_live)
        (line,) = [one for one in caplog.records if one.levelno >= logging.WARNING]
        assert vars(line)["reason"] == "this user may not do that"


async def test_a_way_that_was_barred_is_tried_again() -> None:
    class OnceBarred(FakeNeighbourhood):
        barred = 2

        async def bulletins(self) -> dict[str, bytes]:
            if self.barred:
                self.barred -= 1
                raise RuntimeFailure("this key holds something else")
            return await super().bulletins()

    town = FakeTown()
    way = OnceBarred(town, "here")
    async with (
        desk(way=town.resident("there"), **WRITES) as there,
        Neighbours(way, LiveSessions(), looks=True, beat_s=0.001) as here,
        there.call(),
    ):
        await until(lambda: here.sessions.states)


async def test_what_another_process_makes_up_reaches_no_page() -> None:
    town = FakeTown()
    async with two_desks(town) as (there, here), here.page() as page, there.call() as agent:
        session = (await page.next("session", is_live))["session"]["id"]
        view = there.sessions.states[0].model_copy(update={"label": "made up"})
        odd = view.model_copy(update={"id": 'x","moments":[]}'})
        bulletin = Bulletin(server="odd", sessions=(view, odd), pulses=())
        town.bulletins["odd"] = bulletin.model_dump_json().encode()
        await page.follow(session)
        mine = there.sessions.states[0].label
        for body in (b"rubbish", b'{"type": "welcome", "session": "%s"}' % session.encode()):
            for number in (0, 1):
                head = MomentsFollow(session=session, number=number).model_dump_json().encode()
                town.mailboxes["here"].append((head, body))
        await there.hear(agent)
        await page.next("chunk")
        async with there.http() as http:
            listed = (await http.get("/api/console/sessions")).json()
        assert [one["label"] for one in listed] == [mine]
        assert {one["type"] for one in page.seen} <= {
            "welcome", "sessions", "session", "pulse", "history", "chunk",
        }  # fmt: skip
        assert [one["type"] for one in page.seen].count("welcome") == 1
