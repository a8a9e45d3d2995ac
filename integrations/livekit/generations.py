"""What becomes of the model's replies in a LiveKit session: said, shown, or taken back."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from interject.agent.cues.suppressed import is_read_on
from interject.agent.floor import Floor, Verdict
from interject.agent.outputs import spoken
from interject.integrations.conversation.reply_order import ReplyOrder
from interject.integrations.livekit.generation import Generation, message_id
from interject.integrations.livekit.metrics import reply_metrics
from interject.integrations.livekit.reply_memory import ReplyMemory
from interject.integrations.livekit.shown_replies import ShownReplies
from interject.model_runtime.protocol import Cause

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit.agents import SpeechHandle, llm

    from interject.integrations.conversation.reply_requests import ReplyRequest, ReplyRequests
    from interject.integrations.livekit.attachment import Attachment
    from interject.integrations.livekit.emitter import Emitter
    from interject.integrations.livekit.history import History
    from interject.integrations.livekit.model import RealtimeModel
    from interject.integrations.livekit.realtime_connection import RealtimeConnection
    from interject.model_runtime.protocol import ReplyDelta, ReplyEnded, ReplyStarted

    GenerationRequest = ReplyRequest[llm.GenerationCreatedEvent]
    GenerationRequests = ReplyRequests[llm.GenerationCreatedEvent]

logger = logging.getLogger(__name__)

UNREAD_S = 5.0
"""A generation that LiveKit has not begun to read by then was not accepted."""


class Generations:
    """Follows each reply from its start to its last heard word."""

    def __init__(
        self,
        model: RealtimeModel,
        floor: Floor,
        connection: RealtimeConnection,
        requests: GenerationRequests,
        history: History,
        emit: Emitter,
        clock: Callable[[], float],
    ) -> None:
        self._model = model
        self._profile = model.settings.profile
        self._floor = floor
        self._memory = ReplyMemory(connection)
        self._shown = ShownReplies(self._profile, floor, history, self._memory, emit)
        self._requests = requests
        self._history = history
        self._emit = emit
        self._clock = clock
        self._order: ReplyOrder[Generation] = ReplyOrder(floor, self)
        self._reported_floor = floor.state
        self._writing: dict[str, Generation] = {}
        self._saying: dict[str, Generation] = {}
        self._own_cut = self._warned = False
        self.deaf = False
        """What the model still says to what it heard before is taken back."""

    @property
    def speaking(self) -> bool:
        if self._attachment is not None:
            return self._attachment.speaking
        return self._order.current is not None and self._order.current.taken

    # What the model says

    def started(self, started: ReplyStarted) -> None:
        request = self._requests.take(started.cause)
        if request is not None and request.said_already:
            return
        if self._unwanted(started, request):
            self._memory.cancel(started, heard_chars=0)
            return
        generation = self._generation(started, request)
        self._writing[generation.message_id] = generation
        self._emit("interject_reply_started", started, generation.verdict)
        if request is not None and request.future is not None:
            self._answer(generation, request.future)
        elif generation.verdict is Verdict.SUPPRESS:
            self._suppress(generation)
        elif generation.verdict is not Verdict.SHOW:
            self._saying[generation.message_id] = generation
            self._order.offer(generation)
        self.report_floor()

    def delta(self, delta: ReplyDelta) -> None:
        generation = self._writing.get(message_id(delta.session_id, delta.reply_id))
        if generation is not None and delta.text:
            if generation.first_text_at_s is None:
                generation.first_text_at_s = self._clock()
            generation.feed.push(delta.text)
            if generation.verdict is Verdict.SUPPRESS:
                self._suppress(generation)

    def ended(self, ended: ReplyEnded) -> None:
        generation = self._writing.pop(message_id(ended.session_id, ended.reply_id), None)
        if generation is None:
            return
        generation.finish()
        metrics = reply_metrics(self._model, generation, ended, now_s=self._clock())
        self._emit("metrics_collected", metrics)
        self._emit("interject_reply_ended", generation.started, ended, generation.verdict)
        if generation.verdict is Verdict.SUPPRESS:
            self._suppress(generation, whole=True)
            return
        if generation.started.cause is Cause.MODEL and not ended.text.strip():
            self._floor.uncount()
        self._shown.show(generation, ended)
        if generation.verdict is Verdict.SHOW:
            return
        if generation.unvoiced and generation.closed:
            self._shown.read_instead(generation)
        elif self._attachment is not None and not self._attachment.audible:
            self._shown.read_instead(generation, captioned=True)

    def broke_off(self, reason: str) -> None:
        """The model's memory is gone. What has been begun is said with the text that there is."""
        for generation in self._writing.values():
            generation.finish()
        self._writing.clear()
        self._requests.fail(reason)

    # What LiveKit and the room want

    def stop(self) -> None:
        """Be silent now: cut what is said and forget what waits."""
        self._order.drop_waiting()
        self._order.cut()
        self.report_floor()

    def interrupt(self) -> None:
        """LiveKit stops the reply on air; unless that was our wish, what waits goes as well."""
        if not self._own_cut:
            self._order.drop_waiting()
        if self._order.current is not None:
            self._stop(self._order.current)
        self.report_floor()

    def truncate(self, message_id: str, *, audio_end_ms: int, transcript: str) -> None:
        if (generation := self._saying.get(message_id)) is not None:
            self._stop(generation)
            generation.note_heard(audio_end_s=audio_end_ms / 1_000.0, transcript=transcript)

    def voice_failed(self) -> None:
        if self._order.current is not None:
            self._order.current.unvoiced = True

    def report_floor(self) -> None:
        if self._floor.state is not self._reported_floor:
            self._reported_floor = self._floor.state
            self._emit("interject_floor", self._floor.state)

    # What the order of replies asks

    def ready(self) -> bool:
        speech = self._attachment.speech if self._attachment is not None else None
        if speech is None:
            return True
        speech.add_done_callback(self._on_speech_done)
        return False

    def play(self, generation: Generation) -> None:
        attachment = self._attachment
        if attachment is None:
            self._emit("generation_created", generation.event())
        else:
            if generation.urgent:
                attachment.cut()
            attachment.note_emotion(generation.message_id, generation.emotion)
            generation.handle = attachment.handle_of(
                lambda: self._emit("generation_created", generation.event())
            )
        loop = asyncio.get_running_loop()
        generation.unread_timer = loop.call_later(UNREAD_S, self._drop_unread, generation)

    def cut(self) -> bool:
        if self._attachment is None:
            if not self._warned:
                logger.warning("Speech cannot be cut: call attach(session) on the realtime model")
            self._warned = True
            return False
        self._own_cut = self._attachment.cut()
        return self._own_cut

    def dropped(self, generation: Generation) -> None:
        self._stop(generation)
        self._close(generation)

    # A reply's way

    @property
    def _attachment(self) -> Attachment | None:
        return self._model.attachment

    def _unwanted(self, started: ReplyStarted, request: GenerationRequest | None) -> bool:
        if request is None:
            return self.deaf and started.cause is not Cause.SAY
        return request.abandoned

    def _generation(self, started: ReplyStarted, request: GenerationRequest | None) -> Generation:
        verdict = self._floor.judge(started)
        return Generation(
            started=started,
            verdict=verdict,
            created_at_s=self._clock(),
            on_taken=self._taken,
            on_closed=self._close,
            user_initiated=request is not None and request.future is not None,
            silent=verdict is Verdict.SHOW,
        )

    def _answer(
        self, generation: Generation, future: asyncio.Future[llm.GenerationCreatedEvent]
    ) -> None:
        """LiveKit waits for this one and says it at once, before all that is in line."""
        self._saying[generation.message_id] = generation
        if self._attachment is not None:
            generation.handle = self._attachment.speech
            self._attachment.note_emotion(generation.message_id, generation.emotion)
        if not generation.silent:
            self._order.admit(generation)
        event = generation.event()
        self._emit("generation_created", event)
        future.set_result(event)

    def _suppress(self, generation: Generation, *, whole: bool = False) -> None:
        is_over = whole or not is_read_on(generation.text, self._profile)
        if not generation.interrupted and is_over:
            generation.interrupted = True
            self._memory.cancel(generation.started, heard_chars=0)

    def _taken(self, generation: Generation) -> None:
        self._model.on_air.generation = generation

    def _stop(self, generation: Generation) -> None:
        """Feed no more of its text: LiveKit would hand it to the voice even now."""
        generation.interrupted = True
        generation.finish()
        if generation is self._order.current:
            self._order.give_way()

    def _close(self, generation: Generation) -> None:
        """It has been said or cut: tell the model how much of it was heard."""
        generation.closed = True
        if generation.unread_timer is not None:
            generation.unread_timer.cancel()
        self._saying.pop(generation.message_id, None)
        if generation.unvoiced:
            self._stop(generation)
            heard_chars = len(generation.text)
            self._memory.heard(generation.started, chars=heard_chars)
            if generation.message_id not in self._writing:
                self._shown.read_instead(generation)
        elif generation.cut:
            self._stop(generation)
            heard_chars = generation.heard_chars or 0
            self._memory.cancel(generation.started, heard_chars=heard_chars)
        else:
            heard_chars = len(generation.text)
            self._memory.heard(generation.started, chars=heard_chars)
        if not (generation.silent or generation.unvoiced):
            whole = not generation.cut
            said = spoken(generation.started, generation.text, heard_chars=heard_chars, whole=whole)
            self._emit("interject_spoken", said)
        if heard := generation.text[:heard_chars].strip():
            self._history.add(generation.chat_message(heard))
        if generation is self._order.current:
            self._own_cut = False
            self._order.closed(generation)
        self.report_floor()

    def _drop_unread(self, generation: Generation) -> None:
        if not generation.received and not generation.closed:
            logger.warning("The session did not accept a reply")
            self._stop(generation)
            self._close(generation)

    def _on_speech_done(self, speech: SpeechHandle) -> None:
        self._order.advance()
        self.report_floor()
