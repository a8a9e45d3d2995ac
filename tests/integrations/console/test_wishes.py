"""A tool that needs a person's yes asks the operators at the consoles; the first answer counts."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from interject.agent.outputs import Spoken
from interject.agent.records.lines import RecordedAsk
from interject.agent.records.store import RecordStore
from interject.agent.responder.tools.asked_tool import AskedTool
from interject.agent.responder.tools.operator import ToolWish, WishOutcome
from interject.integrations.console.access import ONLY_LOOKS
from interject.integrations.console.open_wishes import MOST_OPEN, SHOWN_S, OpenWishes
from interject.integrations.console.own_session import NO_WISH
from interject.model_runtime.protocol import Cause
from tests.agent.responder import desk_tools
from tests.agent.responder.test_responding import DRAFT
from tests.agent.responder.test_tools import REFUND, calls
from tests.agent.responder.worlds import endpoint
from tests.fakes.line import FakeLine
from tests.fakes.model_server import streamed
from tests.fakes.runtime import Scripted
from tests.fakes.sink import TroubledSink
from tests.integrations.console.desk import VIEWER, Desk, desk
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from interject.integrations.conversation.call_agent import CallAgent
    from tests.fakes.model_server import ModelServer

CALLER = "+49 30 1234567"
FIVE = '{"amount": 5}'
SHOWN = [{"name": "amount", "value": "5"}]


@pytest.fixture(autouse=True)
def called() -> list[tuple[str, object]]:
    desk_tools.CALLED.clear()
    return desk_tools.CALLED


class Shop:
    """A call at a desk, whose agent wants to give money back."""

    def __init__(self, there: Desk, agent: CallAgent, line: FakeLine, server: ModelServer) -> None:
        self.there = there
        self.agent = agent
        self.line = line
        self.server = server
        (state,) = there.sessions.states
        self.session = state.id

    @property
    def told(self) -> str:
        """What the model was told last."""
        return str(self.server.received[-1].json["messages"][-1]["content"])

    async def asks(self) -> None:
        await self.there.hear(self.agent, who=CALLER)
        self.there.model.reply(Scripted(DRAFT), cause=Cause.MODEL)

    async def ends(self) -> None:
        await until(lambda: any(isinstance(one, Spoken) for one in self.line.events))


@contextlib.asynccontextmanager
async def shop(
    records: RecordStore | None = None, *, wait_s: float = 20.0, **profile: Any
) -> AsyncIterator[Shop]:
    with endpoint(calls("refund", FIVE), streamed("Thank you.")) as server:
        responder = {
            "engine": "chat", "base_url": server.url, "model": "m", "tools": [REFUND],
            "max_wait_s": 10.0, "operator_wait_s": wait_s,
        }  # fmt: skip
        line = FakeLine()
        async with (
            desk(records, responder=responder, **profile) as there,
            there.call(line=line, sink=TroubledSink(), speakers=(CALLER,)) as agent,
        ):
            yield Shop(there, agent, line, server)


async def test_operators_are_asked_and_the_first_answer_counts(
    called: list[Any], tmp_path: Path
) -> None:
    keeps: dict[str, Any] = {"privacy": {"retention": "everything"}}
    async with contextlib.AsyncExitStack() as stack:
        store = RecordStore(tmp_path)
        calling = await stack.enter_async_context(contextlib.AsyncExitStack())
        world = await calling.enter_async_context(shop(store, **keeps))
        there, session = world.there, world.session
        page = await calling.enter_async_context(there.page(name="Ada"))
        other = await calling.enter_async_context(there.page(name="Ben"))
        viewer = await calling.enter_async_context(there.page(VIEWER))
        await other.follow(session)
        await world.asks()
        for one in (page, viewer):
            state = await one.next("session", lambda m: m["session"]["wishes"])
            (wish,) = state["session"]["wishes"]
            assert (wish["tool"], wish["arguments"]) == ("refund", SHOWN)
            assert wish["speaker"] == "************67"
            assert 19 <= wish["until"] - wish["asked"] <= 21
        answer = await viewer.operate(session, do="allow", wish=wish["id"])
        assert answer["error"] == ONLY_LOOKS
        assert called == []
        answer = await page.operate(session, do="allow", wish=wish["id"])
        assert answer["error"] is None
        late = await other.operate(session, do="deny", wish=wish["id"])
        assert late["error"] == NO_WISH
        first, *_, over = [one["wish"] for one in other.seen if one["type"] == "wish"]
        assert (first["outcome"], over["outcome"], over["by"]) == (None, "allowed", "Ada")
        seen = await viewer.next("session", lambda m: m["session"]["wishes"][0]["over"])
        assert seen["session"]["wishes"][0]["by"] == "Ada"
        await world.ends()
        assert called == [("refund", 5)]
        moments = await page.follow(session)
        assert [one["wish"]["by"] for one in moments if one["type"] == "wish"] == ["Ada"]
        (asked,) = [one for one in world.line.events if isinstance(one, AskedTool)]
        assert (asked.speaker, asked.by) == (CALLER, "Ada")
        await calling.aclose()
    record = store.read(store.list()[0].id)
    (line,) = [one for one in record.lines if isinstance(one, RecordedAsk)]
    assert (line.tool, line.outcome, line.by) == ("refund", "allowed", "Ada")
    assert record.summary is not None
    assert [(one.call, one.outcome) for one in record.summary.asks] == [
        ("refund(amount=5)", "allowed")
    ]
    assert "refund(amount=5): allowed by Ada" in record.summary.markdown


async def test_a_program_says_no_by_http_and_the_model_is_told(called: list[Any]) -> None:
    async with shop() as world, world.there.page() as page, world.there.http() as http:
        await world.asks()
        state = await page.next("session", lambda m: m["session"]["wishes"])
        path = f"/api/console/sessions/{world.session}/commands"
        command = {"do": "deny", "wish": state["session"]["wishes"][0]["id"]}
        async with world.there.http(VIEWER) as viewer:
            assert (await viewer.post(path, json=command)).status_code == 403
        assert (await http.post(path, json=command)).status_code == 200
        again = await http.post(path, json=command)
        assert (again.status_code, again.json()) == (409, {"detail": NO_WISH})
        await world.ends()
        assert called == []
        assert "an operator has said no" in world.told


async def test_where_only_a_viewer_looks_nobody_is_asked(called: list[Any]) -> None:
    async with shop() as world, world.there.page(VIEWER) as viewer:
        await viewer.follow(world.session)
        await world.asks()
        moment = await viewer.next("wish")
        assert moment["wish"]["outcome"] == "absent"
        await world.ends()
        assert called == []
        assert "no operator is there" in world.told


async def test_who_does_not_answer_in_time_has_not_said_yes(called: list[Any]) -> None:
    async with shop(wait_s=0.05) as world, world.there.page() as page:
        await page.follow(world.session)
        await world.asks()
        over = await page.next("wish", lambda m: m["wish"]["over"])
        assert over["wish"]["outcome"] == "unanswered"
        await world.ends()
        assert called == []
        assert "no operator has answered in time" in world.told


async def test_a_call_that_ends_asks_no_more(called: list[Any]) -> None:
    async with contextlib.AsyncExitStack() as stack:
        world = await stack.enter_async_context(shop())
        page = await stack.enter_async_context(world.there.page())
        await page.follow(world.session)
        await world.asks()
        await page.next("wish")
        await world.agent.interrupt()
        over = await page.next("wish", lambda m: m["wish"]["over"])
        assert over["wish"]["outcome"] == "withdrawn"
        answer = await page.operate(world.session, do="allow", wish=over["wish"]["id"])
        assert answer["error"] == NO_WISH
        assert called == []


async def test_questions_have_a_bound_and_answers_are_shown_for_a_while() -> None:
    now = [1_000.0]
    changed: list[Any] = []
    wishes = OpenWishes(somebody, str, changed.append, wall_clock=lambda: now[0])
    asked = [ToolWish(str(at), "s", "refund", (), "", 20.0) for at in range(MOST_OPEN + 1)]
    async with contextlib.AsyncExitStack() as stack:
        tasks = [await started(stack, wishes.decide(one)) for one in asked[:-1]]
        assert (await wishes.decide(asked[-1])).outcome is WishOutcome.ABSENT
        assert wishes.answer("0", allowed=True, by="Ada")
        assert (await tasks[0]).by == "Ada"
        now[0] += SHOWN_S + 1
        assert [one.id for one in wishes.shown()] == [str(at) for at in range(1, MOST_OPEN)]
    assert {one.outcome for one in wishes.shown()} == {WishOutcome.WITHDRAWN}


async def somebody() -> bool:
    return True


async def started(stack: contextlib.AsyncExitStack, work: Any) -> Any:
    task = asyncio.create_task(work)

    async def stop() -> None:
        task.cancel()
        await asyncio.wait({task})

    stack.push_async_callback(stop)
    await asyncio.sleep(0)
    return task
