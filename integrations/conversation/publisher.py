"""What an agent makes known besides sound: posts, cards, its checklist, decisions."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Self

from interject.agent.cues.pipeline import CuePipeline
from interject.agent.output_dispatcher import OutputDispatcher
from interject.integrations.conversation.decision_message import DecisionFeed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from interject.agent.floor import Verdict
    from interject.agent.outputs import Output, OutputEvent
    from interject.agent.records.session_recorder import SessionRecorder
    from interject.agent.records.store import RecordStore
    from interject.agent.soundboard.rules import SoundOutcome
    from interject.integrations.conversation.decision_message import DecisionSender
    from interject.integrations.conversation.metrics import ConversationMetrics
    from interject.integrations.conversation.role import Role
    from interject.model_runtime.protocol import Decision, Frame, Gap, ReplyEnded, ReplyStarted


LAST_S = 2.0


def _never() -> bool:
    return False


class Publisher:
    """Used with `async with`; at its end what waits has `LAST_S` to leave.

    `telemetry` sends every decision as well; `cue_to` says who is shown cues now. `record` is
    there from entering on, where `records` keeps this profile's sessions. `aloud`: whether one of
    the `outputs` plays sounds now.
    """

    def __init__(
        self,
        outputs: Sequence[Output],
        decisions: DecisionSender,
        role: Role,
        *,
        call_id: str,
        cue_to: Callable[[], list[str]],
        telemetry: bool,
        records: RecordStore | None = None,
        metrics: ConversationMetrics | None = None,
        aloud: Callable[[], bool] = _never,
    ) -> None:
        self._metrics = metrics
        self.cues = CuePipeline(
            role.profile,
            call_id,
            cue_to,
            agents=role.addressees,
            aloud=aloud,
            on_sound=self._count_sound,
        )
        self._outputs = OutputDispatcher(outputs)
        self._decisions = DecisionFeed(decisions)
        self._telemetry = telemetry
        self._profile, self._records = role.profile, records
        self.record: SessionRecorder | None = None
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        if self._records is not None:
            self.record = self._records.begin(self._profile, self.cues.call_id)
        await self._group.__aenter__()
        self._tasks = [
            self._group.create_task(self._outputs.run(), name="outputs"),
            self._group.create_task(self._decisions.run(), name="decisions"),
        ]
        self._put_all(self.cues.begin())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._put_all(self.cues.finish())
        if self.record is not None:
            self.record.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_S):
                await self._outputs.close()
                await asyncio.wait(self._tasks[:1])
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(None, None, None)

    def put(self, event: OutputEvent) -> None:
        self._put_all(self.cues.add(event))

    def replied(self, started: ReplyStarted, ended: ReplyEnded, verdict: Verdict) -> None:
        if self.record is not None:
            self.record.replied(started, ended, verdict)
        self._put_all(self.cues.replied(started, ended, verdict))

    def ear(self) -> Callable[[Frame], None] | None:
        """To be told what one session more hears; None: no sound is kept."""
        return None if self.record is None else self.record.ear()

    def forbid_sounds(self) -> None:
        """Somebody wants none in this call."""
        self._put_all(self.cues.forbid_sounds())

    def came(self) -> None:
        """Somebody more is here."""
        self._put_all(self.cues.begin())

    def decided(self, decision: Decision) -> None:
        self._observe(decision)
        if self._telemetry:
            self._decisions.put(decision)

    def lost(self, gap: Gap) -> None:
        self._observe(gap)

    def _observe(self, event: Decision | Gap) -> None:
        self.cues.observe(event)
        if self.record is not None:
            self.record.observe(event)

    def _count_sound(self, kind: str, outcome: SoundOutcome) -> None:
        if self._metrics is not None:
            self._metrics.sounds.labels(kind, outcome.value).inc()

    def _put_all(self, events: Iterable[OutputEvent]) -> None:
        for event in events:
            if self.record is not None:
                self.record.made_known(event)
            self._outputs.put(event)
