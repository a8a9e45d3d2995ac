"""A profile's responder: its endpoint, its tools and whether it is asked at the moment.

One serves all sessions of a process, so that none waits for what another has found to be down.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from interject.agent.responder.answering_chat import AnsweringChat
from interject.agent.responder.chat_server import ChatServer
from interject.agent.responder.circuit_breaker import CircuitBreaker
from interject.agent.responder.failures import ResponderUnusable
from interject.agent.responder.knowledge import Knowledge
from interject.agent.responder.tools.http_tool import http_tool
from interject.agent.responder.tools.mcp_tools import McpConnection
from interject.agent.responder.tools.python_tool import python_tool
from interject.agent.responder.tools.tool_box import ToolBox
from interject.agent.responder.watch import NoWatch, ResponderWatch
from interject.config.responder import McpTools, PythonTool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from interject.agent.responder.completion import TokenUse
    from interject.agent.responder.dialogue import Enquiry
    from interject.agent.responder.steps import Step
    from interject.agent.responder.tools.permission import Permission
    from interject.agent.responder.tools.tool import Tool
    from interject.config import Profile
    from interject.config.responder import HttpTool, ResponderBase

logger = logging.getLogger(__name__)

MILLION = 1_000_000


class Responder:
    """`notes` is the profile's folder, if it has one.

    :raises ResponderUnusable: when what its settings name is not there.
    """

    def __init__(
        self,
        settings: ResponderBase,
        *,
        notes: str = "",
        watch: ResponderWatch | None = None,
        environment: Mapping[str, str] | None = None,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        self.settings = settings
        self.watch = watch or NoWatch()
        self.breaker = breaker or CircuitBreaker()
        knowledge = Knowledge(notes) if notes else None
        own = _own_tools(settings, knowledge, environment)
        self._tools = ToolBox(own, told=self.watch.called)
        self._servers = [McpConnection(one) for one in settings.tools if isinstance(one, McpTools)]
        self._chat_server = ChatServer(settings, environment)
        self._chat = AnsweringChat(settings, self._chat_server, self._tools, knowledge)
        self._meeting = asyncio.Lock()
        self._met = False

    async def ready(self) -> None:
        """Servers of tools are met when the first session opens."""
        async with self._meeting:
            if self._met:
                return
            self._met = True
            for server in self._servers:
                for tool in await server.meet():
                    self._add(tool)

    def _add(self, tool: Tool) -> None:
        """What a server offers is not the profile's to mend: it costs that tool and no session."""
        try:
            self._tools.add(tool)
        except ResponderUnusable as error:
            logger.warning("A server's tool cannot be used", extra={"reason": str(error)})

    def lend(self, tools: Sequence[Tool]) -> None:
        """Tools of the platform, in place of those that it lent before."""
        self._tools.lend(tools)

    def asks(self) -> bool:
        """Whether it may be asked now; what comes of it has to be told to the breaker."""
        asked = self.breaker.asks()
        self.watch.asked(left_out=not asked)
        return asked

    def answer(self, asked: Enquiry, permission: Permission | None = None) -> AsyncIterator[Step]:
        """:raises ResponderFailure: when it has none."""
        return self._chat.answer(asked, permission)

    def cost(self, tokens: TokenUse) -> float:
        price = self.settings.price
        return (tokens.prompt * price.prompt + tokens.completion * price.completion) / MILLION

    async def aclose(self) -> None:
        for server in self._servers:
            await server.aclose()
        await self._chat_server.aclose()


def open_responder(
    profile: Profile,
    *,
    watch: ResponderWatch | None = None,
    breaker: CircuitBreaker | None = None,
) -> Responder | None:
    """None where the profile names none.

    :raises ResponderUnusable: when what it names is not there.
    """
    if profile.responder is None:
        return None
    return Responder(
        profile.responder,
        notes=profile.notes.folder,
        watch=watch,
        breaker=breaker,
    )


def _own_tools(
    settings: ResponderBase, knowledge: Knowledge | None, environment: Mapping[str, str] | None
) -> list[Tool]:
    tools = [] if knowledge is None else [knowledge.tool()]
    tools += [own_tool(one, environment) for one in settings.tools if not isinstance(one, McpTools)]
    return tools


def own_tool(one: PythonTool | HttpTool, environment: Mapping[str, str] | None = None) -> Tool:
    """:raises ResponderUnusable: when what it names is not there."""
    return python_tool(one) if isinstance(one, PythonTool) else http_tool(one, environment)
