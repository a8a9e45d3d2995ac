"""Functions of the user's own, named by their module."""

from __future__ import annotations

import importlib
import inspect
import json
from typing import TYPE_CHECKING, Any, cast

from pydantic import PydanticUserError, TypeAdapter

from interject.agent.responder.failures import ResponderUnusable
from interject.agent.responder.tools.tool import Tool, ToolResult
from interject.agent.responder.tools.tool_threads import ToolThreads

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.config.responder import PythonTool


def python_tool(settings: PythonTool) -> Tool:
    """:raises ResponderUnusable: when it is not there, or its signature says too little."""
    function = _function(settings)
    doc = inspect.getdoc(function) or ""
    threads = ToolThreads()
    return Tool(
        settings.name,
        settings.description or doc,
        settings.parameters or _schema(settings, function),
        lambda arguments: _run(function, arguments, threads),
        timeout_s=settings.timeout_s,
        needs_operator=settings.needs_operator,
    )


async def _run(
    function: Callable[..., Any], arguments: dict[str, Any], threads: ToolThreads
) -> ToolResult:
    """One that is no coroutine may take its time: it has a thread."""
    if inspect.iscoroutinefunction(function):
        found = await function(**arguments)
    else:
        found = await threads.run(function, arguments)
    return ToolResult(found if isinstance(found, str) else json.dumps(found, default=str))


def _function(settings: PythonTool) -> Callable[..., Any]:
    module, _, name = settings.entry.partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise ResponderUnusable(
            f"the tool {settings.name!r}: {settings.entry} is not there ({error}); install it into "
            "this environment, or name the folder that it lies in in PYTHONPATH"
        ) from None
    except (ImportError, AttributeError) as error:
        raise ResponderUnusable(
            f"the tool {settings.name!r}: {settings.entry} is not there ({error})"
        ) from None
    if not callable(function):
        raise ResponderUnusable(f"the tool {settings.name!r}: {settings.entry} is no function")
    return function  # type: ignore[no-any-return]


def _schema(settings: PythonTool, function: Callable[..., Any]) -> dict[str, Any]:
    try:
        schema = TypeAdapter[Any](cast("Any", function)).json_schema()
    except (PydanticUserError, NameError, TypeError) as error:
        said = str(error).splitlines()[0]
        raise ResponderUnusable(
            f"the tool {settings.name!r}: its arguments have no schema ({said}); give `parameters`"
        ) from None
    if schema.get("type") != "object":
        raise ResponderUnusable(
            f"the tool {settings.name!r}: its arguments can only be given by name; "
            "give `parameters`, or take none by position"
        )
    return schema
