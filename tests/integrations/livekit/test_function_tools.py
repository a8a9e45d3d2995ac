"""The tools of a LiveKit agent, called by the responder of its profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from livekit.agents import RunContext, ToolError, function_tool

from interject.agent.responder.completion import ToolCall
from interject.agent.responder.tools.asked_tool import AskedTool
from interject.agent.responder.tools.operator import OperatorAnswer, ToolWish, WishOutcome
from interject.agent.responder.tools.tool_box import ToolBox
from interject.config import load_profile
from interject.config.responder import ChatResponder, PythonTool
from interject.integrations.livekit.function_tools import lent_tools
from interject.model_runtime.protocol import Cause
from tests.fakes.model_server import ModelServer, serving, streamed
from tests.fakes.runtime import FakeRuntime, Scripted
from tests.integrations.livekit.stage import opened, stage
from tests.waiting import until

if TYPE_CHECKING:
    import pytest


@function_tool
async def order_status(context: RunContext[Any], number: int) -> str:
    """Where an order is."""
    assert context.function_call.name == "order_status"
    return f"Order {number} left yesterday."


@function_tool
async def refund(amount: float) -> str:
    """Gives money back."""
    raise ToolError("the till is shut")


async def test_they_are_checked_and_called_like_any() -> None:
    box = ToolBox(lent_tools([refund], lambda: None))
    assert "the till is shut" in (await box.call(ToolCall("c", "refund", '{"amount": 5}'))).text
    assert "is not of type" in (await box.call(ToolCall("c", "refund", '{"amount": "5"}'))).text


async def test_an_agent_s_tools_reach_the_responder_and_their_result_is_said() -> None:
    call = {"name": "order_status", "arguments": '{"number": 7}'}
    asked = streamed({"tool_calls": [{"index": 0, "id": "a", "function": call}]})
    runtime = FakeRuntime()
    with serving(ModelServer([asked, streamed("It left yesterday [1].")])) as server:
        responder = ChatResponder(engine="chat", base_url=server.url, model="m", max_wait_s=30.0)
        profile = load_profile("default").model_copy(update={"responder": responder})
        async with stage(runtime, profile=profile, tools=[order_status]) as made:
            gate = await opened(runtime)
            gate.reply(Scripted("I cannot see it."), cause=Cause.MODEL)
            await until(lambda: made.ended)
    assert made.ended[0].text == "It left yesterday."
    assert server.received[1].json["messages"][-1]["content"] == "[1] Order 7 left yesterday."


class Shopkeeper:
    """An operator who says yes."""

    def __init__(self) -> None:
        self.wishes: list[ToolWish] = []

    async def decide(self, wish: ToolWish) -> OperatorAnswer:
        self.wishes.append(wish)
        return OperatorAnswer(WishOutcome.ALLOWED, "Ada")


async def test_an_operator_of_the_program_s_own_is_asked_and_that_is_made_known() -> None:
    call = {"name": "refund", "arguments": '{"amount": 5}'}
    asked = streamed({"tool_calls": [{"index": 0, "id": "a", "function": call}]})
    runtime, keeper = FakeRuntime(), Shopkeeper()
    entry = "tests.agent.responder.desk_tools:refund"
    tool = PythonTool(kind="python", name="refund", entry=entry, needs_operator=True)
    with serving(ModelServer([asked, streamed("It is done.")])) as server:
        responder = ChatResponder(
            engine="chat", base_url=server.url, model="m", max_wait_s=30.0, tools=(tool,)
        )
        profile = load_profile("default").model_copy(update={"responder": responder})
        async with stage(runtime, profile=profile, operator=keeper) as made:
            gate = await opened(runtime)
            gate.reply(Scripted("I may not."), cause=Cause.MODEL)
            await until(lambda: made.ended)
    assert [wish.arguments for wish in keeper.wishes] == [{"amount": 5}]
    (told,) = [one for one in made.outputs if isinstance(one, AskedTool)]
    assert (told.written, told.by) == ("refund(amount=5)", "Ada")
    assert made.ended[0].text == "It is done."


async def test_without_a_responder_they_are_ignored_and_that_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with stage(FakeRuntime(), tools=[order_status]):
        assert "This profile has no responder to call tools" in caplog.text
