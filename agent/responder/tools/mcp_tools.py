"""Tools of a server of the Model Context Protocol, as far as a profile allows them."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import os
from typing import TYPE_CHECKING, Any, Protocol

from interject.agent.responder.failures import ResponderUnusable
from interject.agent.responder.tools.tool import Tool, ToolFailure, ToolResult

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult

    from interject.config.responder import McpTools

logger = logging.getLogger(__name__)

MEET_S = 10.0
"""So long the first session waits for a server of tools."""
MOST_PAGES = 50


class ToolLister(Protocol):
    async def list_tools(self, *, cursor: str | None = None) -> Any: ...


class McpConnection:
    """One server, in a task of its own: the library wants to be left where it was entered.

    A server that is not there costs its tools and nothing else.
    """

    def __init__(self, settings: McpTools) -> None:
        """:raises ResponderUnusable: when the library is not installed."""
        if importlib.util.find_spec("mcp") is None:
            raise ResponderUnusable(
                "tools of the Model Context Protocol need mcp: pip install 'interject[responder]'"
            )
        self._settings = settings
        self._client: Client | None = None
        self._met = asyncio.Event()
        self._leave = asyncio.Event()
        self._tools: tuple[Tool, ...] = ()
        self._task: asyncio.Task[None] | None = None

    async def meet(self) -> tuple[Tool, ...]:
        """Its tools that the profile allows."""
        self._task = asyncio.create_task(self._serve(), name="mcp")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MEET_S):
                await self._met.wait()
        missing = set(self._settings.allow) - {tool.name for tool in self._tools}
        if missing:
            logger.warning(
                "A server of tools lacks some that the profile names", extra={"count": len(missing)}
            )
        return self._tools

    async def aclose(self) -> None:
        self._leave.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=MEET_S)
            self._task.cancel()

    async def _serve(self) -> None:
        try:
            await asyncio.to_thread(importlib.import_module, "mcp")  # It takes a second.
            from mcp import Client

            logging.getLogger("mcp").setLevel(logging.CRITICAL)  # It shows what a server prints.
            async with Client(self._server()) as client:
                listed = await listed_tools(client)
                self._client = client
                self._tools = tuple(
                    self._tool(listed[name]) for name in self._settings.allow if name in listed
                )
                self._met.set()
                await self._leave.wait()
        except Exception as error:
            logger.warning(
                "A server of tools cannot be reached", extra={"error_type": _name(error)}
            )
        finally:
            self._client = None
            self._met.set()

    def _server(self) -> Any:
        from mcp import StdioServerParameters

        if self._settings.url:
            return self._settings.url
        program, *arguments = self._settings.command
        given = {name: os.environ[name] for name in self._settings.variables if name in os.environ}
        return StdioServerParameters(command=program, args=arguments, env=given)

    def _tool(self, one: Any) -> Tool:
        return Tool(
            one.name,
            one.description or "",
            dict(one.input_schema),
            lambda arguments: self._run(one.name, arguments),
            timeout_s=self._settings.timeout_s,
            needs_operator=one.name in self._settings.needs_operator,
        )

    async def _run(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        if self._client is None:
            raise ToolFailure("its server is gone")
        return _result(await self._client.call_tool(name, arguments))


async def listed_tools(client: ToolLister) -> dict[str, Any]:
    """All pages of its list, as far as anybody reads; of two tools of one name the first."""
    listed: dict[str, Any] = {}
    cursor = None
    for _ in range(MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        for one in page.tools:
            listed.setdefault(one.name, one)
        cursor = page.next_cursor
        if not cursor:
            break
    return listed


def _result(found: CallToolResult) -> ToolResult:
    text = "\n".join(part.text for part in found.content if part.type == "text")
    if found.is_error:
        raise ToolFailure(text[:500] or "it failed")
    return ToolResult(text)


def _name(error: BaseException) -> str:
    """Of what really happened, inside the groups of the library."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__
