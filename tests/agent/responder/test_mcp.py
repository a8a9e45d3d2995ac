"""Tools of a real server of the Model Context Protocol, in a process that the profile starts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mcp.types import ListToolsResult
from mcp.types import Tool as McpTool

from interject.agent.responder.completion import ToolCall
from interject.agent.responder.tools.mcp_tools import McpConnection, listed_tools
from interject.agent.responder.tools.tool_box import ToolBox
from interject.config.responder import McpTools
from interject.model_runtime.protocol import Cause
from tests.agent.responder.test_responding import DRAFT, ended, posts
from tests.agent.responder.worlds import endpoint, room
from tests.fakes.model_server import streamed
from tests.fakes.runtime import Scripted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SHOP = str(Path(__file__).with_name("mcp_shop.py"))
COMMAND = [sys.executable, SHOP]


@pytest.fixture
async def shop(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[McpConnection]:
    monkeypatch.setenv("SHOP", "Ulm")
    settings = McpTools.model_validate(
        {
            "kind": "mcp",
            "command": COMMAND,
            "allow": ["find_customer", "bill", "no_such_tool"],
            "needs_operator": ["bill"],
            "variables": ["SHOP"],
        }
    )
    connection = McpConnection(settings)
    yield connection
    await connection.aclose()


async def test_of_its_tools_those_that_are_allowed_exist(
    shop: McpConnection, caplog: pytest.LogCaptureFixture
) -> None:
    tools = await shop.meet()
    assert {(tool.name, tool.needs_operator) for tool in tools} == {
        ("find_customer", False), ("bill", True),
    }  # fmt: skip
    box = ToolBox(tools)
    found = await box.call(ToolCall("c", "find_customer", '{"name": "Ann"}'))
    assert found.text == "Ann is a customer since 2019, says Ulm."
    assert "no tool" in (await box.call(ToolCall("c", "delete_customer", '{"name": "A"}'))).text
    assert "no operator" in (await box.call(ToolCall("c", "bill", '{"name": "A"}'))).text
    assert "Abernathy" not in caplog.text


class Pages:
    """A server whose list has pages, the last one for ever."""

    def __init__(self, *pages: list[Any]) -> None:
        self._pages = pages

    async def list_tools(self, *, cursor: str | None = None) -> ListToolsResult:
        at = min(int(cursor or 0), len(self._pages) - 1)
        return ListToolsResult(tools=self._pages[at], next_cursor=str(at + 1))


async def test_all_pages_of_a_list_are_read_and_the_first_of_a_name_counts() -> None:
    def tool(name: str, description: str = "") -> McpTool:
        return McpTool(name=name, description=description, input_schema={"type": "object"})

    pages = Pages([tool("a", "first"), tool("a", "second")], [tool("b")], [tool("a", "third")])
    listed = await listed_tools(pages)
    assert list(listed) == ["a", "b"]
    assert listed["a"].description == "first"


async def test_a_tool_that_cannot_be_used_costs_no_session() -> None:
    tools = [
        {
            "kind": "python",
            "name": "find_customer",
            "entry": "tests.agent.responder.desk_tools:letter",
        },
        {"kind": "mcp", "command": COMMAND, "allow": ["find_customer"]},
    ]
    with endpoint(streamed("Yes.")) as server:
        async with room(server, {"tools": tools}) as world:
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await ended(world)
    assert posts(world) == ["Yes."]


async def test_a_server_that_is_not_there_costs_its_tools_and_no_call() -> None:
    call = {"name": "find_customer", "arguments": '{"name": "Ann"}'}
    asked = streamed({"tool_calls": [{"index": 0, "id": "a", "function": call}]})
    tools = [{"kind": "mcp", "command": ["/no/such/program"], "allow": ["find_customer"]}]
    with endpoint(asked, streamed("I cannot look.")) as server:
        async with room(server, {"tools": tools}) as world:
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await ended(world)
    assert posts(world) == ["I cannot look."]
