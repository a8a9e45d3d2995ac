"""LiveKit's function tools, for a profile's responder to call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from livekit.agents import llm
from livekit.agents.llm.utils import build_legacy_openai_schema, prepare_function_arguments
from livekit.agents.voice import RunContext, SpeechHandle

from interject.agent.responder.tools.tool import Tool, ToolFailure, ToolResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from livekit.agents import AgentSession

TIMEOUT_S = 20.0


def lent_tools(
    tools: Sequence[llm.Tool], session: Callable[[], AgentSession[Any] | None]
) -> list[Tool]:
    """Those that are functions; what runs on a provider's servers is nothing to us."""
    functions = llm.ToolContext(list(tools)).function_tools.values()
    return [_lent(one, session) for one in functions]


def _lent(
    tool: llm.FunctionTool[..., Any] | llm.RawFunctionTool[..., Any],
    session: Callable[[], AgentSession[Any] | None],
) -> Tool:
    described = (
        build_legacy_openai_schema(tool)["function"]
        if isinstance(tool, llm.FunctionTool)
        else tool.info.raw_schema
    )
    return Tool(
        described["name"],
        described.get("description") or "",
        {"type": "object", **described.get("parameters", {})},
        lambda arguments: _run(tool, described["name"], arguments, session),
        timeout_s=TIMEOUT_S,
    )


async def _run(
    tool: llm.FunctionTool[..., Any] | llm.RawFunctionTool[..., Any],
    name: str,
    arguments: dict[str, Any],
    session: Callable[[], AgentSession[Any] | None],
) -> ToolResult:
    """A `RunContext` belongs to a speech; that of this reply may not have begun."""
    context = None
    if (now := session()) is not None:
        call = llm.FunctionCall(call_id=name, name=name, arguments=json.dumps(arguments))
        context = RunContext(session=now, speech_handle=SpeechHandle.create(), function_call=call)
    try:
        positional, named = prepare_function_arguments(
            fnc=tool, json_arguments=arguments, call_ctx=context
        )
        found = await tool(*positional, **named)
    except llm.ToolError as error:
        raise ToolFailure(error.message) from None
    return ToolResult(found if isinstance(found, str) else json.dumps(found, default=str))
