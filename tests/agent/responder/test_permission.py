"""Before some tools a person is asked: what he sees, what his answer does, and who keeps it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from interject.agent.privacy.redactor import Redactor
from interject.agent.responder.tools.asked_tool import AskedTool
from interject.agent.responder.tools.operator import OperatorAnswer, ToolWish, WishOutcome
from interject.agent.responder.tools.permission import Permissions
from interject.agent.responder.tools.shown_arguments import TOO_LONG
from interject.agent.responder.tools.tool_box import CallOutcome
from interject.config import PrivacySettings
from interject.model_runtime.protocol import (
    Cause,
    Emotion,
    FloorMode,
    ReplyStarted,
    Speaker,
)
from tests.agent.responder.test_responding import DRAFT, ended, hear, posts
from tests.agent.responder.test_tools import REFUND, calls
from tests.agent.responder.worlds import Room, endpoint, room
from tests.fakes.model_server import streamed
from tests.fakes.runtime import Scripted
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

FIVE = '{"amount": 5}'
NOTE: dict[str, Any] = {"kind": "python", "name": "note", "needs_operator": True}
NOTE["entry"] = "tests.agent.responder.desk_tools:note"
STARTED = ReplyStarted("s", 0, 4, Emotion.NORMAL, Cause.MODEL, FloorMode.SPEAK)


class Manager:
    """An operator who always says the same, or raises it; without an answer he never says it."""

    def __init__(self, answer: object = None, *, after_s: float = 0.0) -> None:
        self.wishes: list[ToolWish] = []
        self.left = False
        self._answer = answer
        self._after_s = after_s

    async def decide(self, wish: ToolWish) -> OperatorAnswer:
        self.wishes.append(wish)
        try:
            await asyncio.sleep(self._after_s if self._answer is not None else 60)
        except asyncio.CancelledError:
            self.left = True
            raise
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer  # type: ignore[return-value]


def manager(outcome: WishOutcome, **options: float) -> Manager:
    return Manager(OperatorAnswer(outcome, "Ada"), **options)


def asked(world: Room) -> list[AskedTool]:
    return [event for event in world.output.events if isinstance(event, AskedTool)]


@pytest.mark.parametrize(
    ("operator", "outcome", "why"),
    [
        (None, "absent", "no operator is there"),
        (manager(WishOutcome.DENIED), "denied", "an operator has said no"),
        (manager(WishOutcome.UNANSWERED), "unanswered", "no operator has answered in time"),
        (Manager(True), "absent", "no operator is there"),
        (Manager(OSError("no console")), "absent", "no operator is there"),
    ],
)
async def test_without_a_person_s_yes_it_is_not_done_and_the_model_is_told_why(
    operator: Manager | None, outcome: str, why: str, called: list[Any]
) -> None:
    answers = (calls("refund", FIVE), streamed("I may not do that."))
    with endpoint(*answers) as server:
        async with room(server, {"tools": [REFUND]}, operator=operator) as world:
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await ended(world)
    assert called == []
    assert world.watch.calls == [("refund", CallOutcome.REFUSED)]
    assert why in world.messages()[-1]["content"]
    assert [one.outcome.value for one in asked(world)] == [outcome]
    assert posts(world) == ["I may not do that."]


async def test_with_a_yes_it_is_done_and_who_said_so_is_made_known(called: list[Any]) -> None:
    operator = manager(WishOutcome.ALLOWED)
    with endpoint(calls("refund", FIVE), streamed("Done.")) as server:
        async with room(server, {"tools": [REFUND]}, operator=operator) as world:
            assert world.session is not None
            await hear(world, 1, [Speaker("ann", -20.0)])
            await until(lambda: world.gate.frames)
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await ended(world)
    assert called == [("refund", 5)]
    (wish,) = operator.wishes
    assert (wish.tool, wish.arguments, wish.shown) == ("refund", {"amount": 5}, (("amount", "5"),))
    (told,) = asked(world)
    assert (told.written, told.by, told.outcome) == ("refund(amount=5)", "Ada", "allowed")
    assert wish.speaker == told.speaker == "ann"
    assert posts(world) == ["Done."]


async def test_a_person_may_take_longer_than_a_tool_and_a_model_that_insists_asks_once(
    called: list[Any],
) -> None:
    waits = {"tools": [REFUND], "tool_wait_s": 0.05, "operator_wait_s": 5.0}
    operator = manager(WishOutcome.DENIED, after_s=0.2)
    again = calls("refund", FIVE)
    with endpoint(again, again, again, streamed("I may not.")) as server:
        async with room(server, waits, operator=operator) as world:
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await ended(world)
    assert called == []
    assert len(operator.wishes) == len(asked(world)) == 1
    assert [outcome for _, outcome in world.watch.calls] == [CallOutcome.REFUSED] * 3
    assert posts(world) == ["I may not."]


async def test_whoever_talks_over_the_reply_takes_the_question_back(called: list[Any]) -> None:
    operator = Manager()
    with endpoint(calls("refund", FIVE)) as server:
        async with room(server, {"tools": [REFUND]}, operator=operator) as world:
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await until(lambda: operator.wishes)
            assert world.session is not None
            await world.session.interrupt()
            await ended(world)
            await until(lambda: asked(world))
    assert operator.left
    assert called == []
    assert [one.outcome.value for one in asked(world)] == ["withdrawn"]


async def test_a_person_sees_what_the_privacy_gate_leaves_and_nothing_that_hides(
    called: list[Any],
) -> None:
    operator = manager(WishOutcome.ALLOWED)
    text = "ann@example.org \u202e52\u200b\u3164\u2800 \ud800\n"
    given = json.dumps({"text": text})
    with endpoint(calls("note", given), streamed("Done.")) as server:
        privacy = {"redact": ["email"]}
        async with room(server, {"tools": [NOTE]}, operator=operator, privacy=privacy) as world:
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await ended(world)
    (wish,) = operator.wishes
    assert wish.shown == (("text", r"[email] \u202e52\u200b\u3164\u2800 \ud800\n"),)
    assert called == [("note", text)], "the tool gets it all"


async def test_what_nobody_can_read_nobody_is_asked(called: list[Any]) -> None:
    operator = manager(WishOutcome.ALLOWED)
    given = json.dumps({"text": "give me all " * 300})
    with endpoint(calls("note", given), streamed("No.")) as server:
        async with room(server, {"tools": [NOTE]}, operator=operator) as world:
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await ended(world)
    assert (operator.wishes, called) == ([], [])
    assert TOO_LONG in world.messages()[-1]["content"]
    assert world.watch.calls == [("note", CallOutcome.INVALID)]


async def test_an_operator_who_does_not_keep_his_time_is_left() -> None:
    told: list[AskedTool] = []
    operator = Manager()
    take: Callable[[AskedTool], None] = told.append
    shared = Permissions(Redactor(PrivacySettings()), 0.01, operator, take, grace_s=0.01)
    outcome = await shared.of(STARTED, "").ask("refund", {"amount": 5})
    assert outcome is WishOutcome.UNANSWERED
    assert operator.left
    assert [one.outcome for one in told] == [outcome]
