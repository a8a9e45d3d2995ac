"""Interject as a language model of Pipecat's that hears all the time and decides by itself."""

from __future__ import annotations

import asyncio
import contextlib
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from pipecat.frames.frames import (
    ErrorFrame,
    InputAudioRawFrame,
    InputDTMFFrame,
    InterruptionFrame,
    LLMContextFrame,
    LLMContextUserTurnFrame,
    LLMServiceMetadataFrame,
    LLMUpdateSettingsFrame,
    UserAudioRawFrame,
)
from pipecat.metrics.metrics import LLMTokenUsage
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import LLMService
from pipecat.services.tts_service import TTSService
from pipecat.transports.base_output import BaseOutputTransport as Mouth
from pipecat.turns.user_turn_strategies import ExternalUserTurnStrategies

from interject.config import Profile, load_profile
from interject.integrations.conversation.role import DEFAULT_RUNTIME
from interject.integrations.pipecat.arguments import check_arguments, check_settings
from interject.integrations.pipecat.audio_intake import AudioIntake
from interject.integrations.pipecat.context_reader import ContextReader
from interject.integrations.pipecat.pipeline_call import PipelineCall
from interject.integrations.pipecat.pipeline_line import PipelineLine
from interject.integrations.pipecat.pipeline_voice import PipelineVoice
from interject.integrations.pipecat.playout_observer import PlayoutObserver
from interject.integrations.pipecat.service_port import ServicePort, processors
from interject.integrations.pipecat.settings import (
    ELSEWHERE,
    LIVE,
    SERVED,
    InterjectLLMSettings,
    Interruptions,
    profile_with,
    with_given,
)
from interject.model_runtime.protocol import Decision, ReplyEnded, RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from pipecat.frames.frames import CancelFrame, EndFrame, Frame
    from pipecat.processors.frame_processor import FrameCallback, FrameProcessorSetup

    from interject.agent.outputs import OutputEvent
    from interject.integrations.conversation.call_agent import CallAgent
    from interject.integrations.conversation.decision_message import DecisionMessage
    from interject.model_runtime.protocol import Event, Runtime

USER = "user"
"""Who speaks where the transport names nobody."""
LEFT_S = 10.0
USED_UP = "this InterjectLLMService has served a pipeline; make another for each"
PUSHED = "interject_messages"
"""In a context frame's metadata: the messages that it was pushed with."""


class InterjectLLMService(LLMService[Any]):
    """Sound in, text out, whenever the model decides to speak: no turn and no context is needed.

    `runtime` is a URL of `open_runtime`, opened and closed with the pipeline, or an open runtime,
    which stays open and serves as many pipelines as it has room for. Events: `on_decision`
    (DecisionMessage), `on_output` (Spoken, Posted or Cue), `on_listening` (bool).

    When the model says one of the profile's `stop_replies`, or somebody writes or presses what the
    profile names, no sound and no text reaches it until `resume_listening`.

    :raises ProfileError: when there is no such profile.
    :raises RuntimeFailure: when the URL names no runtime, or a model that is not there.
    :raises ValueError: when a setting is out of its range, or has no effect here.
    """

    Settings = InterjectLLMSettings
    _settings: InterjectLLMSettings
    patience_s = 15.0
    """For the model: a pipeline gives up on a processor after 20 s."""

    def __init__(
        self,
        *,
        runtime: str | Runtime = DEFAULT_RUNTIME,
        profile: str | Path | Profile = "default",
        settings: InterjectLLMSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
        **kwargs: Any,
    ) -> None:
        self._role = profile if isinstance(profile, Profile) else load_profile(profile)
        held = with_given(self._role, settings)
        served = profile_with(self._role, held)
        check_arguments(type(self), kwargs)
        super().__init__(settings=held, **kwargs)
        self._port = ServicePort(self)
        self._speech = PipelineVoice(self._port)
        self._call = PipelineCall(
            runtime,
            served,
            PipelineLine(self),
            self._speech,
            interruptions=Interruptions(str(held.interruptions)),
            on_event=self._follow,
            clock=clock,
        )
        self._intake = AudioIntake(self._hear)
        self._context = ContextReader()
        self._observer: PlayoutObserver | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._told: set[asyncio.Task[None]] = set()
        for event in ("on_decision", "on_output", "on_listening"):
            self._register_event_handler(event)

    def can_generate_metrics(self) -> bool:
        return True

    @property
    def agent(self) -> CallAgent | None:
        """None before it hears, and afterwards."""
        return self._call.agent

    @property
    def listening(self) -> bool:
        return (agent := self.agent) is not None and agent.consent.listening

    @property
    def dropped_audio_frames(self) -> int:
        return self._intake.dropped

    def stop_listening(self) -> None:
        """From then on, or from when it would begin to hear."""
        self._call.with_agent(lambda agent: agent.consent.stop(USER))

    def resume_listening(self) -> None:
        """The program's word counts, whoever stopped it."""
        self._call.with_agent(lambda agent: agent.consent.resume(USER, authority=True))

    def service_metadata_frame(self) -> LLMServiceMetadataFrame:
        """It writes nothing down and tells no turns; a VAD that is there interrupts nobody, unless
        the pipeline has strategies of its own.
        """
        return LLMServiceMetadataFrame(
            service_name=self.name,
            is_realtime_service=True,
            user_turn_strategies=ExternalUserTurnStrategies(enable_interruptions=False),
        )

    # From its beginning to its end

    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]
        await super().setup(setup)
        if self._call.opened.is_set():
            await self.push_error(USED_UP, force_treat_as_permanent=True)
            return
        worker = self.pipeline_worker
        mouths = [one for one in processors(worker.pipeline) if isinstance(one, Mouth)]
        self._observer = PlayoutObserver(self._speech, mouths or (self,))
        worker.add_observer(self._observer)
        serving = self.create_task(self._serve(), "call")
        self._tasks = [serving, self.create_task(self._intake.run(), "intake")]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._call.opened.wait(), self.patience_s)

    async def stop(self, frame: EndFrame) -> None:
        await super().stop(frame)
        await self._leave()

    async def cancel(self, frame: CancelFrame) -> None:
        await super().cancel(frame)
        await self._leave()

    async def cleanup(self) -> None:
        await super().cleanup()  # type: ignore[no-untyped-call]
        await self._leave()

    async def _serve(self) -> None:
        try:
            await self._call.run()
        except RuntimeFailure as error:
            await self.push_error(str(error), exception=error, force_treat_as_permanent=True)
        except Exception as error:
            reason = "the call failed; its log says why"
            await self.push_error(reason, exception=error, force_treat_as_permanent=True)

    async def _leave(self) -> None:
        """More than once does nothing."""
        await self._speech.close()
        self._call.leave()
        tasks, self._tasks = self._tasks, []
        if tasks:
            await asyncio.wait(tasks[:1], timeout=LEFT_S)
        for task in (*tasks, *self._told):
            await self.cancel_task(task)
        observer, self._observer = self._observer, None
        if observer is not None:
            await self.pipeline_worker.remove_observer(observer)

    # What the pipeline brings

    async def queue_frame(
        self,
        frame: Frame,
        direction: FrameDirection = FrameDirection.DOWNSTREAM,
        callback: FrameCallback | None = None,
    ) -> None:
        """Others go on writing into a context that was pushed, and an interruption drops frames."""
        if isinstance(frame, LLMContextFrame):
            frame.metadata[PUSHED] = list(frame.context.messages)
        elif isinstance(frame, LLMContextUserTurnFrame):
            self._context.heard(frame.text)
        await super().queue_frame(frame, direction, callback)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case InputAudioRawFrame():
                who = frame.user_id if isinstance(frame, UserAudioRawFrame) else ""
                self._intake.put(who or USER, frame.audio, frame.sample_rate, frame.num_channels)
            case InterruptionFrame():
                await self.push_frame(frame, direction)
                if await self._speech.flushed():
                    self._call.interrupt()
                return
            case InputDTMFFrame():
                self._call.with_agent(partial(self._press, frame.button.value))
            case LLMContextFrame(speculation=False):
                self._call.with_agent(partial(self._read, frame.metadata[PUSHED]))
            case ErrorFrame() if isinstance(frame.processor, TTSService):
                self._speech.on_error(frame.error)
            case LLMUpdateSettingsFrame():
                return
        await self.push_frame(frame, direction)

    async def _update_settings(  # type: ignore[override]
        self, delta: InterjectLLMSettings
    ) -> dict[str, Any]:
        """What cannot be changed while it runs is kept as it is, and said."""
        merged = self._settings.copy()
        merged.apply_update(delta)
        try:
            check_settings(delta, ELSEWHERE, SERVED)
            profile = profile_with(self._role, merged)
        except ValueError as error:
            await self.push_error(str(error), exception=error)
            return {}
        changed = await super()._update_settings(delta)
        self._warn_unhandled_updated_settings(changed.keys() - LIVE)  # type: ignore[no-untyped-call]
        note = str(self._settings.system_instruction or "")
        self._call.with_agent(partial(self._call.change, profile, changed, USER, note))
        return changed

    def _hear(self, identity: str, samples: NDArray[np.int16]) -> None:
        if (agent := self.agent) is not None:
            agent.came(identity)
            agent.hear(identity, samples)

    def _press(self, digit: str, agent: CallAgent) -> None:
        agent.came(USER)
        agent.digit(USER, digit)

    def _read(self, messages: Sequence[Any], agent: CallAgent) -> None:
        agent.came(USER)
        self._call.tell(USER, self._context.read(messages))

    # What the agent makes known

    def notify(self, text: str) -> None:
        self._tell(self._speech.notify(text))
        self._tell(self._call_event_handler("on_listening", self.listening))

    async def tell_decision(self, decision: DecisionMessage) -> None:
        await self._call_event_handler("on_decision", decision)

    async def tell_output(self, event: OutputEvent) -> None:
        await self._call_event_handler("on_output", event)

    async def tell_unread(self, text: str) -> None:
        await self.push_error(text)

    def _follow(self, event: Event) -> None:
        if isinstance(event, Decision) and event.respond:
            self._port.queued_s = event.queued_s
        elif isinstance(event, ReplyEnded) and event.token_count:
            count = event.token_count
            usage = LLMTokenUsage(prompt_tokens=0, completion_tokens=count, total_tokens=count)
            self._tell(self.start_llm_usage_metrics(usage))

    def _tell(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.create_task(work, "tell")
        self._told.add(task)
        task.add_done_callback(self._told.discard)
