"""What a model calls is done only if the profile lists it, and only with what its schema takes."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import random
from typing import Any

import pytest

from interject.agent import Posted
from interject.agent.responder.block_text import BlockText
from interject.agent.responder.completion import CompletionReader, ToolCall
from interject.agent.responder.failures import ResponderUnusable
from interject.agent.responder.tools.http_tool import http_tool
from interject.agent.responder.tools.python_tool import python_tool
from interject.agent.responder.tools.tool import Tool, ToolResult
from interject.agent.responder.tools.tool_box import CallOutcome, ToolBox
from interject.config.responder import HttpTool, PythonTool
from interject.model_runtime.protocol import Cause
from tests.agent.responder import desk_tools
from tests.agent.responder.test_responding import DRAFT, ended, posts
from tests.agent.responder.worlds import Counting, endpoint, room
from tests.fakes.model_server import Scripted as Sent
from tests.fakes.model_server import streamed
from tests.fakes.runtime import Scripted

HERE = "tests.agent.responder.desk_tools"
ORDER = {"kind": "python", "name": "order_status", "entry": f"{HERE}:order_status"}
REFUND = {"kind": "python", "name": "refund", "entry": f"{HERE}:refund", "needs_operator": True}


def calls(name: str, arguments: str) -> Sent:
    function = {"name": name, "arguments": arguments}
    return streamed({"tool_calls": [{"index": 0, "id": "c1", "function": function}]})


async def test_a_tool_is_called_and_its_result_said_with_its_source(called: list[Any]) -> None:
    answers = (calls("order_status", '{"number": 7}'), streamed("It left yesterday [1]."))
    with endpoint(*answers) as server:
        async with room(server, {"tools": [ORDER]}) as world:
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await ended(world)
    (posted,) = [one for one in world.output.events if isinstance(one, Posted)]
    assert posted.text == "It left yesterday."
    assert posted.written == "It left yesterday.\n(tool order_status)"
    assert called == [("order_status", 7)]
    offered = server.received[0].json["tools"]
    assert [one["function"]["name"] for one in offered] == ["order_status"]
    assert offered[0]["function"]["description"] == "Where an order is."
    assistant, result = world.messages()[-2:]
    assert assistant["tool_calls"][0]["function"]["name"] == "order_status"
    assert result == {
        "role": "tool", "tool_call_id": "c1", "content": "[1] Order 7 left yesterday.",
    }  # fmt: skip
    assert world.watch.calls == [("order_status", CallOutcome.DONE)]


async def test_hermes_calls_are_understood_and_answered_in_their_own_way(called: list[Any]) -> None:
    written = (
        'Let me look. <tool_call>{"name": "order_status", "arguments": {"number": 8}}</tool_call>'
    )
    with endpoint(streamed(*written), streamed("Yesterday.")) as server:
        async with room(server, {"tools": [ORDER], "tool_format": "hermes"}) as world:
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await ended(world)
    assert posts(world) == ["Let me look. Yesterday."]
    assert called == [("order_status", 8)]
    assert "tools" not in server.received[0].json
    assert "<tools>" in world.messages(0)[0]["content"]
    assert world.messages()[-1]["content"].startswith("<tool_response>")


async def test_what_people_or_notes_talk_a_model_into_is_never_called(called: list[Any]) -> None:
    """It calls what is not listed, again and again: somebody has told it to."""
    with endpoint(calls("refund", '{"amount": 900}')) as server:
        async with room(server, {"tools": [ORDER]}) as world:
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await ended(world)
    assert posts(world) == [DRAFT]
    assert called == []
    assert {outcome for _, outcome in world.watch.calls} == {CallOutcome.UNKNOWN}
    assert len(server.received) == 4
    assert "tools" not in server.received[-1].json


def box(*names: str, watch: Counting | None = None, timeout_s: float = 5.0) -> ToolBox:
    tools = [
        python_tool(
            PythonTool(kind="python", name=name, entry=f"{HERE}:{name}", timeout_s=timeout_s)
        )
        for name in names
    ]
    return ToolBox(tools, told=(watch or Counting()).called)


NAMES = (
    "order_status", "refund", "Order_Status", "order_status ", "", "__import__", "os.system",
    "search_notes", "order_status\x00", "../order_status", "eval", "slow" * 50,
)  # fmt: skip
ARGUMENTS = (
    '{"number": 7}', '{"number": "7"}', '{"number": 7, "number": 8}', '{"number": NaN}', "[7]",
    '{"number": 7, "express": true}', '{"number": 1e400}', "{", "", "null",
    '{"number": 7} and more',
    '{"number": 7, "shell": "rm"}', '{"number": true}', '"{}"', "[" * 5_000, '{"number": 7.5}',
    '{"number": {"$ref": "x"}}', '{"__proto__": 1}', '{"number": 12345678901234567890}',
)  # fmt: skip
RIGHT = {'{"number": 7}', '{"number": 7, "express": true}', '{"number": 12345678901234567890}'}


async def test_of_two_thousand_calls_only_right_ones_of_listed_tools_are_done(
    called: list[Any],
) -> None:
    draw = random.Random(20)
    watch = Counting()
    tools = box("order_status", watch=watch)
    done = 0
    for _ in range(2_000):
        name, arguments = draw.choice(NAMES), draw.choice(ARGUMENTS)
        if draw.random() < 0.2:
            at = draw.randrange(len(arguments) + 1)
            arguments = arguments[:at] + draw.choice('"{}[]\\0 \u2028') + arguments[at:]
        (call,) = as_read(draw, ToolCall("c", name, arguments))
        result = await tools.call(call)
        fits = name == "order_status" and fitting(arguments)
        assert ("error" not in result.text) == fits, (name, arguments)
        done += fits
    assert len(called) == done > 10
    assert len(watch.calls) == 2_000


def as_read(draw: random.Random, call: ToolCall) -> list[ToolCall]:
    """As one model or another writes it, cut anywhere."""
    if draw.random() < 0.5:
        blocks = BlockText()
        written = json.dumps({"name": call.name, "arguments": call.arguments})
        for piece in cut(draw, f"Let me see. <tool_call>{written}</tool_call> So."):
            blocks.push(piece)
        return blocks.calls
    reader = CompletionReader()
    first, *rest = cut(draw, call.arguments)
    deltas = [{"id": "c", "name": call.name, "arguments": first}]
    for delta in (*deltas, *({"arguments": piece} for piece in rest)):
        part = {"index": 0, "id": delta.get("id"), "function": delta}
        chunk = {"choices": [{"delta": {"tool_calls": [part]}}]}
        reader.read(json.dumps(chunk).encode())
    return reader.finish()


def cut(draw: random.Random, text: str) -> list[str]:
    edges = sorted(draw.randrange(len(text) + 1) for _ in range(3))
    return [text[one:other] for one, other in itertools.pairwise((0, *edges, len(text)))]


def fitting(arguments: str) -> bool:
    """As Python reads it, and by hand."""
    try:
        found = json.loads(arguments)
    except (ValueError, RecursionError):
        return False
    if not isinstance(found, dict) or arguments.count('"number"') != 1:
        return False
    number, rest = found.get("number"), set(found) - {"number", "express"}
    whole = isinstance(number, int) or (isinstance(number, float) and number.is_integer())
    express = isinstance(found.get("express", True), bool)
    return not rest and express and whole and not isinstance(number, bool)


async def test_slow_and_broken_ones_are_told_to_the_model_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watch = Counting()
    tools = box("slow", "broken", watch=watch, timeout_s=0.05)
    assert "not done within 0.05 s" in (await tools.call(ToolCall("c", "slow", "{}"))).text
    assert json.loads((await tools.call(ToolCall("c", "broken", "{}"))).text) == {
        "error": "it failed"
    }
    assert [outcome.value for _, outcome in watch.calls] == ["late", "failed"]
    assert "secret" not in caplog.text


async def test_one_that_leaves_the_program_or_gives_up_ends_its_call_and_nothing_else() -> None:
    tools = box("leaves", "gives_up")
    for name in ("leaves", "gives_up"):
        result = await tools.call(ToolCall("c", name, "{}"))
        assert (result.failed, "it failed" in result.text) == (True, True)


async def test_those_that_hang_take_no_thread_of_the_process() -> None:
    tools = box("hangs", timeout_s=0.001)
    try:
        said = [(await tools.call(ToolCall("c", "hangs", "{}"))).text for _ in range(40)]
        assert "not done within" in said[0]
        assert "have not come back" in said[-1]
        assert await asyncio.to_thread(int) == 0
    finally:
        desk_tools.HANGING.set()


CIRCLE = {"$defs": {"n": {"type": "array", "items": {"$ref": "#/$defs/n"}}}}


@pytest.mark.parametrize(
    ("reference", "value"),
    [("#/nowhere", "1"), ("file:///nowhere", "1"), ("#/$defs/n", "[" * 800 + "]" * 800)],
)
async def test_arguments_that_cannot_be_checked_are_told_to_the_model(
    called: list[Any], reference: str, value: str
) -> None:
    shape = {"type": "object", "properties": {"text": {"$ref": reference}}, **CIRCLE}
    settings = PythonTool(kind="python", name="note", entry=f"{HERE}:note", parameters=shape)
    result = await ToolBox([python_tool(settings)]).call(
        ToolCall("c", "note", f'{{"text": {value}}}')
    )
    assert "cannot be checked" in result.text
    assert called == []


async def test_a_schema_makes_nobody_ask_another_server() -> None:
    with endpoint(Sent(b"{}")) as server:
        shape = {"type": "object", "properties": {"text": {"$ref": f"{server.url}/schema"}}}
        settings = PythonTool(kind="python", name="note", entry=f"{HERE}:note", parameters=shape)
        tools = ToolBox([python_tool(settings)])
        assert "cannot be" in (await tools.call(ToolCall("c", "note", '{"text": "x"}'))).text
    assert server.received == []


async def test_half_a_character_of_a_tool_s_costs_no_reply() -> None:
    half = {"kind": "python", "name": "half", "entry": f"{HERE}:half"}
    with endpoint(calls("half", "{}"), streamed("Seven.")) as server:
        async with room(server, {"tools": [half]}) as world:
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await ended(world)
    assert posts(world) == ["Seven."]
    assert world.messages()[-1]["content"] == "[1] Seven ?."


@pytest.mark.parametrize(
    ("entry", "parameters", "why"),
    [
        (f"{HERE}:nowhere", None, "is not there"),
        ("no.such.module:f", None, "is not there"),
        (f"{HERE}:CALLED", None, "is no function"),
        (f"{HERE}:by_place", None, "can only be given by name"),
        (f"{HERE}:refund", {"type": "string"}, "no JSON object"),
        (f"{HERE}:refund", {"type": "object", "properties": 5}, "no JSON schema"),
    ],
)
def test_a_tool_that_cannot_be_is_one_line(
    entry: str, parameters: dict[str, Any] | None, why: str
) -> None:
    settings = PythonTool(kind="python", name="it", entry=entry, parameters=parameters)
    with pytest.raises(ResponderUnusable, match=why) as raised:
        ToolBox([python_tool(settings)])
    assert "\n" not in str(raised.value)


async def test_two_tools_of_one_name_are_refused_but_the_profile_s_wins_over_one_that_is_lent() -> (
    None
):
    async def run(arguments: dict[str, Any]) -> ToolResult:
        return ToolResult("lent")

    def lent(name: str) -> Tool:
        return Tool(name, "", {"type": "object"}, run)

    tools = box("order_status")
    with pytest.raises(ResponderUnusable, match="two tools that are called 'order_status'"):
        tools.add(lent("order_status"))
    tools.lend([lent("order_status"), lent("other")])
    assert (await tools.call(ToolCall("c", "order_status", '{"number": 1}'))).text != "lent"
    assert (await tools.call(ToolCall("c", "other", ""))).text == "lent"
    tools.lend([])
    assert "no tool" in (await tools.call(ToolCall("c", "other", ""))).text


async def test_an_address_is_a_tool_too() -> None:
    shape = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}

    def tool(url: str) -> Tool:
        settings = HttpTool(
            kind="http", name="w", description="Weather.", url=url, parameters=shape,
            api_key_env="KEY",
        )  # fmt: skip
        return http_tool(settings, {"KEY": "secret"})

    packed = Sent(gzip.compress(b"Rain."), headers=(("Content-Encoding", "gzip"),))
    with endpoint(Sent(b"Rain."), Sent(b"", status=302), Sent(b"x" * 70_000), packed) as server:
        tools = ToolBox([tool(server.url)])
        said = [(await tools.call(ToolCall("c", "w", '{"city": "Ulm"}'))).text for _ in range(4)]
    assert said[0] == "Rain."
    assert "it answered 302" in said[1]
    assert "more than 64000 bytes" in said[2]
    assert "compressed" in said[3]
    assert server.received[0].json == {"city": "Ulm"}
    assert server.received[0].key == "Bearer secret"
