"""How one reply gets its words: the responder's if they come in time, else the draft's."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from interject.agent.responder.dialogue import Enquiry
from interject.agent.responder.failures import ResponderFailure
from interject.agent.responder.handed_reply import HandedState
from interject.agent.responder.steps import Summed, Words, Working
from interject.agent.responder.watch import AnswerNote, AnswerOutcome
from interject.agent.sourced_reply import SourcedReply
from interject.model_runtime.protocol import EndReason, ReplyDelta, ReplyEnded

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from interject.agent.privacy.redactor import Redactor
    from interject.agent.responder.dialogue import Dialogue
    from interject.agent.responder.event_lane import EventLane
    from interject.agent.responder.handed_reply import HandedReply
    from interject.agent.responder.responder import Responder
    from interject.agent.responder.routing import Routing
    from interject.agent.responder.said_memory import SaidMemory
    from interject.agent.responder.steps import Step
    from interject.agent.responder.tools.permission import Permissions

logger = logging.getLogger(__name__)

STALL_S = 4.0
"""So long nothing may come once words have begun: then what there is has to do."""
UNTIMELY = (AnswerOutcome.LATE, AnswerOutcome.FAILED, AnswerOutcome.EMPTY, AnswerOutcome.BROKEN_OFF)


@dataclass(slots=True)
class _Attempt:
    """One asking. `works`: a tool runs now, or (`asks`) a person is asked about one."""

    asked_at: float
    note: AnswerNote
    sources: tuple[str, ...] = ()
    works: bool = False
    asks: bool = False


class Answering:
    """Of one session; it keeps the lane, the dialogue and the gate's memory in step."""

    def __init__(
        self,
        session_id: str,
        responder: Responder,
        routing: Routing,
        redactor: Redactor,
        permissions: Permissions,
        dialogue: Dialogue,
        memory: SaidMemory,
        lane: EventLane,
        on_over: Callable[[HandedReply], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session_id = session_id
        self._responder = responder
        self._routing = routing
        self._redactor = redactor
        self._permissions = permissions
        self._dialogue = dialogue
        self._memory = memory
        self._lane = lane
        self._on_over = on_over
        self._clock = clock

    def drafted(self, handed: HandedReply, delta: ReplyDelta) -> None:
        """More of the draft. It is withheld, but for its first clause where the profile says so."""
        self._open(handed, handed.write(delta.text))

    async def serve(self, handed: HandedReply, captured_at: float | None) -> None:
        """From the draft to the reply's end, unless somebody cuts it off."""
        await handed.drafted.wait()
        assert handed.ended is not None, "a draft is whole when it has ended"
        broken_off = handed.ended.reason is EndReason.CANCELLED
        if broken_off or not self._routing.takes(handed.draft):
            await self._say_draft(handed, handed.ended)
            return
        attempt = self._attempt(handed, captured_at)
        if not self._responder.asks():
            self._tell(attempt, AnswerOutcome.LEFT_OUT)
            await self._say_draft(handed, handed.ended)
            return
        self._open(handed, handed.only_clause())
        handed.state = HandedState.ASKING
        outcome = await self._ask(handed, attempt)
        self._tell(attempt, outcome)
        if handed.state is HandedState.SPEAKING:
            await self._finish(handed, attempt)
        else:
            await self._say_draft(handed, handed.ended)

    async def cut(self, handed: HandedReply, heard_chars: int) -> None:
        """So much of it was heard; nothing follows."""
        heard = handed.said[:heard_chars]
        self._lane.put(ReplyEnded(self._session_id, handed.reply_id, EndReason.CANCELLED, heard, 0))
        self._note(handed, heard)
        await self._memory.replace(
            handed.reply_id,
            kept=min(handed.opening, heard_chars),
            words=heard[handed.opening :],
            emotion=handed.started.emotion,
        )

    # Asking

    async def _ask(self, handed: HandedReply, attempt: _Attempt) -> AnswerOutcome:
        outcome, reason = AnswerOutcome.EMPTY, "it said nothing"
        try:
            await self._listen(handed, attempt)
            if handed.state is HandedState.SPEAKING:
                outcome = AnswerOutcome.ANSWERED
        except TimeoutError:
            outcome, reason = AnswerOutcome.LATE, "it said nothing in time"
        except ResponderFailure as failure:
            outcome, reason = AnswerOutcome.FAILED, str(failure)
        except asyncio.CancelledError:
            self._responder.breaker.abandoned()
            self._tell(attempt, AnswerOutcome.CUT)
            raise
        except Exception as error:
            logger.exception("The responder failed")
            outcome, reason = AnswerOutcome.FAILED, type(error).__name__
        self._judge(outcome, reason, attempt)
        if outcome in UNTIMELY and handed.state is HandedState.SPEAKING:
            return AnswerOutcome.BROKEN_OFF
        return outcome

    async def _listen(self, handed: HandedReply, attempt: _Attempt) -> None:
        permission = self._permissions.of(handed.started, handed.speaker)
        answer = self._responder.answer(self._enquiry(handed), permission)
        steps = cast("AsyncGenerator[Step, None]", answer)
        async with asyncio.timeout(self._responder.settings.max_wait_s) as limit, aclosing(steps):
            async for step in steps:
                self._take(handed, attempt, step)
                wait_s = self._wait_s(handed, attempt)
                limit.reschedule(asyncio.get_running_loop().time() + wait_s)

    def _wait_s(self, handed: HandedReply, attempt: _Attempt) -> float:
        """So long nothing more may come."""
        settings = self._responder.settings
        wait_s = settings.tool_wait_s if attempt.works else settings.max_wait_s
        if attempt.asks:
            wait_s += settings.operator_wait_s
        return max(wait_s, STALL_S) if handed.state is HandedState.SPEAKING else wait_s

    def _take(self, handed: HandedReply, attempt: _Attempt, step: Step) -> None:
        match step:
            case Words():
                self._word(handed, attempt, step.text)
            case Working():
                attempt.works, attempt.asks = step.begun, step.begun and step.asks
            case Summed():
                attempt.sources = step.sources
                cost = self._responder.cost(step.tokens)
                attempt.note = replace(
                    attempt.note,
                    prompt_tokens=step.tokens.prompt,
                    completion_tokens=step.tokens.completion,
                    cost=cost,
                )

    def _word(self, handed: HandedReply, attempt: _Attempt, text: str) -> None:
        if handed.state is HandedState.ASKING:
            handed.state = HandedState.SPEAKING
            attempt.note = replace(attempt.note, wait_s=self._clock() - attempt.asked_at)
            tags, _ = self._routing.parted(handed.draft)
            if not handed.said:
                text = tags + text
            elif not handed.said[-1].isspace():
                text = f" {text}"
        self._speak(handed, text)

    def _judge(self, outcome: AnswerOutcome, reason: str, attempt: _Attempt) -> None:
        breaker = self._responder.breaker
        if outcome is AnswerOutcome.ANSWERED:
            breaker.succeeded()
        elif attempt.works:
            breaker.abandoned()  # A tool was slow; the endpoint was not.
        else:
            breaker.failed(reason)

    def _enquiry(self, handed: HandedReply) -> Enquiry:
        """It leaves for another machine: no text of it holds what the profile takes out of texts.
        What is said in the sound, no rule can take out.
        """
        clean = self._redactor.text
        return Enquiry(
            draft=clean(self._routing.parted(handed.draft)[1]),
            heard=handed.heard,
            typed=clean(handed.typed),
            begun=clean(self._routing.parted(handed.said)[1]),
            turns=tuple(replace(one, text=clean(one.text)) for one in self._dialogue.turns),
        )

    # Telling

    def _open(self, handed: HandedReply, clause: str) -> None:
        if clause and not handed.said and self._responder.settings.opening == "draft":
            self._speak(handed, clause)
            handed.opening = min(len(clause), len(handed.draft))

    def _speak(self, handed: HandedReply, text: str) -> None:
        handed.said += text
        self._lane.put(ReplyDelta(self._session_id, handed.reply_id, (), text))

    async def _finish(self, handed: HandedReply, attempt: _Attempt) -> None:
        self._lane.put(
            SourcedReply(
                self._session_id,
                handed.reply_id,
                EndReason.COMPLETE,
                handed.said,
                attempt.note.completion_tokens,
                sources=attempt.sources,
            )
        )
        self._note(handed, handed.said)
        self._on_over(handed)
        await self._memory.replace(
            handed.reply_id,
            kept=handed.opening,
            words=handed.said[handed.opening :],
            emotion=handed.started.emotion,
            heard=handed.heard_chars,
        )

    async def _say_draft(self, handed: HandedReply, ended: ReplyEnded) -> None:
        if rest := handed.draft[len(handed.said) :]:
            self._lane.put(ReplyDelta(self._session_id, handed.reply_id, (), rest))
        self._lane.put(ended)
        self._note(handed, ended.text)
        self._on_over(handed)
        if handed.heard_chars:
            heard = min(handed.heard_chars, len(handed.draft))
            await self._memory.draft_heard(handed.reply_id, heard)

    def _note(self, handed: HandedReply, said: str) -> None:
        self._dialogue.replied(handed.reply_id, self._routing.parted(said)[1], typed=handed.typed)

    def _attempt(self, handed: HandedReply, captured_at: float | None) -> _Attempt:
        now_ns = time.time_ns()
        note = AnswerNote(
            self._session_id,
            handed.reply_id,
            captured_at,
            AnswerOutcome.ANSWERED,
            began_ns=now_ns,
            ended_ns=now_ns,
        )
        return _Attempt(self._clock(), note)

    def _tell(self, attempt: _Attempt, outcome: AnswerOutcome) -> None:
        note = replace(attempt.note, outcome=outcome, ended_ns=time.time_ns())
        logger.info(
            "A reply was given to the responder",
            extra={
                "reply_id": note.reply_id,
                "state": outcome.value,
                "seconds": None if note.wait_s is None else round(note.wait_s, 3),
                "tokens": note.completion_tokens,
            },
        )
        self._responder.watch.answered(note)
