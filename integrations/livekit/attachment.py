"""What Interject does to the `AgentSession` around it, which a realtime model alone cannot."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from livekit.agents import llm, tts
from livekit.agents.utils import is_given

from interject.integrations.livekit.track_subscription import TrackSubscription
from interject.model_runtime.protocol import FloorMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit.agents import AgentSession, ConversationItemAddedEvent, ErrorEvent, SpeechHandle
    from livekit.agents.voice import SpeechCreatedEvent

    from interject.model_runtime.protocol import Emotion

EMOTION_KEY = "interject.emotion"
"""In the `extra` of a chat message."""
MAX_HISTORY_ITEMS = 200
"""A session may last for days; LiveKit's history would grow with it."""
MAX_EMOTIONS = 64


def _ignore() -> None:
    """Nobody wants to know."""


class Attachment:
    """Cuts speech, shuts the outputs that the floor's mode forbids, and keeps history bounded."""

    def __init__(self, session: AgentSession[Any]) -> None:
        self._session = weakref.ref(session)
        self._mode = FloorMode.SPEAK
        self._subscription = TrackSubscription(session)
        self._created: Callable[[SpeechHandle], None] | None = None
        self._voiced = True
        self.on_voice_failed: Callable[[], None] = _ignore
        session.on("error", self._on_error)
        self._emotions: OrderedDict[str, Emotion] = OrderedDict()
        session.on("speech_created", self._on_speech_created)
        session.on("conversation_item_added", self._on_item_added)

    @property
    def session(self) -> AgentSession[Any] | None:
        """None once nobody else has it."""
        return self._session()

    def belongs_to(self, session: AgentSession[Any]) -> bool:
        return self._session() is session

    @property
    def speech(self) -> SpeechHandle | None:
        """What is being said, or about to be."""
        session = self._session()
        speech = session.current_speech if session is not None else None
        return None if speech is None or speech.done() else speech

    @property
    def speaking(self) -> bool:
        session = self._session()
        return session is not None and session.agent_state == "speaking"

    @property
    def audible(self) -> bool:
        """Whether there is a voice. Without one LiveKit's captions would wait for it for ever."""
        return self._voiced

    def settle_voice(self) -> None:
        """The session starts: see what it has to speak with."""
        session = self._session()
        if session is None:
            return
        agent = session.current_agent
        own = agent.tts if is_given(agent.tts) else session.tts
        self._voiced = own is not None
        self._apply_mode()

    def cut(self) -> bool:
        """Stop the present speech; speech that forbids interruptions goes on."""
        speech = self.speech
        if speech is None or speech.interrupted or not speech.allow_interruptions:
            return False
        speech.interrupt()
        return True

    def open_outputs(self, mode: FloorMode) -> None:
        """Only in `speak` may everybody in the room hear it, or read what it says.

        An output that shut while it plays would never tell how much was heard, so speech that is
        being cut ends first.
        """
        self._mode = mode
        if mode is not FloorMode.SPEAK and (speech := self.speech) is not None:
            speech.add_done_callback(self._on_speech_done)
        else:
            self._apply_mode()

    def handle_of(self, emit: Callable[[], None]) -> SpeechHandle | None:
        """The speech that `emit` makes LiveKit create; none: it was not accepted."""
        created: list[SpeechHandle] = []
        self._created = created.append
        try:
            emit()
        finally:
            self._created = None
        return created[-1] if created else None

    def note_emotion(self, message_id: str, emotion: Emotion) -> None:
        """The message that LiveKit makes of a reply will carry it, beside the text."""
        self._emotions[message_id] = emotion
        if len(self._emotions) > MAX_EMOTIONS:
            self._emotions.popitem(last=False)

    def _apply_mode(self) -> None:
        session = self._session()
        if session is None:
            return
        wanted, output = self._mode is FloorMode.SPEAK, session.output
        aloud = wanted and self.audible
        if output.audio_enabled is not aloud:
            output.set_audio_enabled(aloud)
        if output.transcription_enabled is not wanted:
            output.set_transcription_enabled(wanted)

    def _on_speech_done(self, speech: SpeechHandle) -> None:
        self._apply_mode()

    def _on_error(self, event: ErrorEvent) -> None:
        if isinstance(event.source, tts.TTS) and not event.error.recoverable:
            self.on_voice_failed()

    def _on_speech_created(self, event: SpeechCreatedEvent) -> None:
        self._subscription.expect(event.speech_handle)
        if self._created is not None:
            self._created(event.speech_handle)

    def _on_item_added(self, event: ConversationItemAddedEvent) -> None:
        if isinstance(event.item, llm.ChatMessage):
            emotion = self._emotions.pop(event.item.id, None)
            if emotion is not None:
                event.item.extra[EMOTION_KEY] = emotion.value
        session = self._session()
        if session is not None:
            _forget_the_oldest(session)


def _forget_the_oldest(session: AgentSession[Any]) -> None:
    """LiveKit keeps everything that ever happened, in three lists, and offers no way to bound it.

    They are cut down when they are twice as long as they shall be: not at every item.
    """
    most = MAX_HISTORY_ITEMS
    for chat_ctx in (session.history, session.current_agent._chat_ctx):
        if len(chat_ctx.items) > 2 * most:
            chat_ctx.truncate(max_items=most)
    if len(session._recorded_events) > 20 * most:
        del session._recorded_events[: -10 * most]
