"""What an agent makes known besides sound: posts, cards, decisions."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Self

from interject.agent.output_dispatcher import OutputDispatcher
from interject.integrations.conversation.cue_stack import CueStack
from interject.integrations.conversation.decision_message import DecisionFeed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.agent.outputs import Output, OutputEvent
    from interject.integrations.conversation.decision_message import DecisionSender
    from interject.model_runtime.protocol import Decision


LAST_S = 2.0


class Publisher:
    """Used with `async with`; at its end what waits has `LAST_S` to leave.

    `telemetry` sends every decision as well; `cue_to` says who is shown cues.
    """

    def __init__(
        self,
        outputs: Sequence[Output],
        decisions: DecisionSender,
        *,
        cue_to: Callable[[], list[str]],
        telemetry: bool,
    ) -> None:
        self._cues = CueStack(cue_to)
        self._outputs = OutputDispatcher(outputs)
        self._decisions = DecisionFeed(decisions)
        self._telemetry = telemetry
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._tasks = [
            self._group.create_task(self._outputs.run(), name="outputs"),
            self._group.create_task(self._decisions.run(), name="decisions"),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_S):
                await self._outputs.close()
                await asyncio.wait(self._tasks[:1])
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(None, None, None)

    def put(self, event: OutputEvent) -> None:
        self._outputs.put(self._cues.add(event))

    def decided(self, decision: Decision) -> None:
        if self._telemetry:
            self._decisions.put(decision)
