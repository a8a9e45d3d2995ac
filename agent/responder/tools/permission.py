"""Whether what a reply calls may be done: a person is asked, and his answer is told."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interject.agent.outputs import rounded, stream_time_s
from interject.agent.responder.tools.asked_tool import AskedTool
from interject.agent.responder.tools.operator import OperatorAnswer, ToolWish, WishOutcome
from interject.agent.responder.tools.shown_arguments import shown_arguments

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.privacy.redactor import Redactor
    from interject.agent.responder.tools.operator import Operator
    from interject.model_runtime.protocol import ReplyStarted

logger = logging.getLogger(__name__)

GRACE_S = 1.0
"""An operator knows himself how long he has; one that does not is left after this."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """Of the sessions of a runtime: who is asked, for how long, and who is told of it."""

    redactor: Redactor
    within_s: float
    operator: Operator
    told: Callable[[AskedTool], None]
    grace_s: float = GRACE_S
    clock: Callable[[], float] = time.monotonic

    def of(self, reply: ReplyStarted, speaker: str) -> Permission:
        return Permission(self, reply, speaker)


class Permission:
    """Of one reply. After one no nobody is asked again: whoever insists would wear people out."""

    def __init__(self, shared: Permissions, reply: ReplyStarted, speaker: str) -> None:
        self._shared = shared
        self._reply = reply
        self._speaker = speaker
        self._refused: WishOutcome | None = None

    async def ask(self, tool: str, arguments: dict[str, Any]) -> WishOutcome:
        """:raises ToolFailure: when the arguments are more than a person can read."""
        if self._refused is not None:
            return self._refused
        wish = ToolWish(
            id=uuid.uuid4().hex,
            session_id=self._reply.session_id,
            tool=tool,
            shown=shown_arguments(arguments, self._shared.redactor.text),
            speaker=self._speaker,
            within_s=self._shared.within_s,
            arguments=arguments,
        )
        began = self._shared.clock()
        answer = OperatorAnswer(WishOutcome.WITHDRAWN)
        try:
            answer = await self._answer(wish)
        finally:
            self._tell(wish, answer, self._shared.clock() - began)
        if answer.outcome is not WishOutcome.ALLOWED:
            self._refused = answer.outcome
        return answer.outcome

    async def _answer(self, wish: ToolWish) -> OperatorAnswer:
        try:
            async with asyncio.timeout(wish.within_s + self._shared.grace_s):
                answer: object = await self._shared.operator.decide(wish)
        except TimeoutError:
            return OperatorAnswer(WishOutcome.UNANSWERED)
        except Exception as error:
            answer = error
        if isinstance(answer, OperatorAnswer):
            return answer
        logger.warning("The operator failed", extra={"error_type": type(answer).__name__})
        return OperatorAnswer(WishOutcome.ABSENT)

    def _tell(self, wish: ToolWish, answer: OperatorAnswer, waited_s: float) -> None:
        logger.info(
            "An operator was asked about a tool",
            extra={
                "reply_id": self._reply.reply_id,
                "state": answer.outcome.value,
                "seconds": rounded(waited_s),
            },
        )
        self._shared.told(
            AskedTool(
                session_id=wish.session_id,
                id=wish.id,
                reply_id=self._reply.reply_id,
                seq=self._reply.seq,
                at_s=rounded(stream_time_s(self._reply.seq)),
                tool=wish.tool,
                arguments=wish.shown,
                speaker=wish.speaker,
                outcome=answer.outcome,
                by=answer.by,
                waited_s=rounded(waited_s),
            )
        )
