"""The tools of a profile: what a model calls is checked here, and done or refused."""

from __future__ import annotations

import asyncio
import json
import logging
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from interject.agent.responder.failures import ResponderUnusable
from interject.agent.responder.tools.operator import WishOutcome
from interject.agent.responder.tools.tool import Tool, ToolFailure, ToolResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.agent.responder.completion import ToolCall
    from interject.agent.responder.tools.permission import Permission

logger = logging.getLogger(__name__)

MOST_RESULT_CHARS = 6_000
WHY_NOT = {
    WishOutcome.DENIED: "an operator has said no",
    WishOutcome.UNANSWERED: "no operator has answered in time",
    WishOutcome.ABSENT: "no operator is there who could allow it",
}


class CallOutcome(StrEnum):
    """What became of a call."""

    DONE = "done"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    INVALID = "invalid"
    LATE = "late"
    FAILED = "failed"


class ToolBox:
    """A call never raises: what went wrong is told to the model.

    :raises ResponderUnusable: when two tools have one name, or a schema is none.
    """

    def __init__(
        self,
        tools: Sequence[Tool],
        *,
        told: Callable[[str, CallOutcome], None] = lambda name, outcome: None,
    ) -> None:
        self._told = told
        self._tools: dict[str, Tool] = {}
        self._lent: set[str] = set()
        self._checks: dict[str, Any] = {}
        for tool in tools:
            self.add(tool)

    @property
    def tools(self) -> tuple[Tool, ...]:
        return tuple(self._tools.values())

    def add(self, tool: Tool) -> None:
        if tool.name in self._tools:
            raise ResponderUnusable(f"the responder has two tools that are called {tool.name!r}")
        self._checks[tool.name] = _validator(tool)
        self._tools[tool.name] = tool

    def lend(self, tools: Sequence[Tool]) -> None:
        """In place of those that were lent before. The profile's own come first."""
        for name in self._lent:
            del self._tools[name]
        self._lent.clear()
        for tool in tools:
            if tool.name not in self._tools:
                self.add(tool)
                self._lent.add(tool.name)

    def asks(self, name: str) -> bool:
        """Whether a person has to be asked before it is done."""
        return name in self._tools and self._tools[name].needs_operator

    async def call(self, call: ToolCall, permission: Permission | None = None) -> ToolResult:
        """Without a `permission` nobody can be asked for his yes."""
        tool = self._tools.get(call.name)
        if tool is None:
            return self._refuse("", CallOutcome.UNKNOWN, f"there is no tool {call.name[:100]!r}")
        try:
            arguments = _arguments(call.arguments)
            self._check(tool, arguments)
            if tool.needs_operator and (why := await _why_not(tool, arguments, permission)):
                said = f"{why}, so it was not done; say so"
                return self._refuse(tool.name, CallOutcome.REFUSED, said)
        except ToolFailure as failure:
            return self._refuse(tool.name, CallOutcome.INVALID, str(failure))
        return await self._run(tool, arguments)

    async def _run(self, tool: Tool, arguments: dict[str, Any]) -> ToolResult:
        try:
            async with asyncio.timeout(tool.timeout_s):
                result = await tool.run(arguments)
        except TimeoutError:
            said = f"it was not done within {tool.timeout_s:g} s"
            return self._refuse(tool.name, CallOutcome.LATE, said)
        except ToolFailure as failure:
            return self._refuse(tool.name, CallOutcome.FAILED, str(failure))
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            if _is_cancelled():
                raise
            logger.warning("A tool failed", extra={"error_type": type(error).__name__})
            return self._refuse(tool.name, CallOutcome.FAILED, "it failed")
        self._told(tool.name, CallOutcome.DONE)
        return ToolResult(result.text[:MOST_RESULT_CHARS], result.sources)

    def _check(self, tool: Tool, arguments: dict[str, Any]) -> None:
        """A schema may turn in circles, or name what is not there."""
        try:
            fault = next(iter(self._checks[tool.name].iter_errors(arguments)), None)
        except Exception as error:
            logger.warning(
                "A tool's arguments cannot be checked", extra={"error_type": type(error).__name__}
            )
            raise ToolFailure("the arguments cannot be checked") from None
        if fault is not None:
            where = ".".join(map(str, fault.absolute_path)) or "the arguments"
            raise ToolFailure(f"{where[:100]}: {fault.message[:200]}")

    def _refuse(self, name: str, outcome: CallOutcome, said: str) -> ToolResult:
        self._told(name, outcome)
        return ToolResult(json.dumps({"error": said}), failed=True)


def _is_cancelled() -> bool:
    """Whether somebody wants this call to end: a tool may raise the same by itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _why_not(
    tool: Tool, arguments: dict[str, Any], permission: Permission | None
) -> str | None:
    """None: a person has said yes.

    :raises ToolFailure: when the arguments are more than a person can read.
    """
    if permission is None:
        return WHY_NOT[WishOutcome.ABSENT]
    outcome = await permission.ask(tool.name, arguments)
    if outcome is WishOutcome.ALLOWED:
        return None
    return WHY_NOT.get(outcome, WHY_NOT[WishOutcome.UNANSWERED])


def _arguments(written: str) -> dict[str, Any]:
    """Strict JSON, and an object."""
    try:
        found = json.loads(written or "{}", parse_constant=_no_number, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        raise ToolFailure("the arguments are no JSON") from None
    if not isinstance(found, dict):
        raise ToolFailure("the arguments are no JSON object")
    return found


def _no_number(name: str) -> None:
    raise ValueError(name)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Which of two equal keys counts, a check and a tool might see differently."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _validator(tool: Tool) -> Any:
    """It looks nothing up elsewhere: a schema may be another server's."""
    try:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import SchemaError
        from referencing.jsonschema import EMPTY_REGISTRY
    except ModuleNotFoundError:
        raise ResponderUnusable(
            "the tools of a responder need jsonschema: pip install 'interject[responder]'"
        ) from None
    if tool.parameters.get("type") != "object":
        raise ResponderUnusable(f"the parameters of the tool {tool.name!r} are no JSON object")
    try:
        Draft202012Validator.check_schema(tool.parameters)
    except SchemaError as error:
        raise ResponderUnusable(
            f"the parameters of the tool {tool.name!r} are no JSON schema: {error.message[:160]}"
        ) from None
    return Draft202012Validator(tool.parameters, registry=EMPTY_REGISTRY)
