"""What LiveKit is told of people's speech: that somebody speaks, and what was written down."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from livekit.agents import llm

from interject.agent.privacy.redactor import Redactor
from interject.integrations.audio.speech_levels import SpeechLevels
from interject.integrations.livekit.transcripts import Transcripts

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit import rtc

    from interject.integrations.livekit.emitter import Emitter
    from interject.integrations.livekit.history import History
    from interject.integrations.livekit.settings import Settings


class UserSpeech:
    """Neither decides anything: the model has heard the sound itself. `levels` is fed with it."""

    def __init__(
        self,
        settings: Settings,
        history: History,
        emit: Emitter,
        *,
        listening: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        recogniser = settings.stt
        self._history = history
        self._emit = emit
        self._listening = listening
        self._redactor = Redactor(settings.profile.privacy)
        self._transcripts = None if recogniser is None else Transcripts(recogniser, self._written)
        level_dbfs = settings.speech_dbfs
        self.levels = None if level_dbfs is None else SpeechLevels(level_dbfs, self._spoke, clock)

    def push(self, frame: rtc.AudioFrame) -> None:
        if self._transcripts is not None and self._listening():
            self._transcripts.push(frame)

    async def run(self) -> None:
        """Until cancelled, where somebody writes it down."""
        if self._transcripts is not None:
            await self._transcripts.run()

    def _spoke(self, speaking: bool) -> None:
        if speaking:
            self._emit("input_speech_started", llm.InputSpeechStartedEvent())
        else:
            written = self._transcripts is not None
            self._emit("input_speech_stopped", llm.InputSpeechStoppedEvent(written))

    def _written(self, said: llm.InputTranscriptionCompleted) -> None:
        """Kept as known, since LiveKit hands its history back to be told to the model."""
        if not self._listening():
            return
        text = self._redactor.text(said.transcript, whole=said.is_final)
        said = replace(said, transcript=text)
        if said.is_final:
            words = llm.ChatMessage(id=said.item_id, role="user", content=[said.transcript])
            self._history.add(words)
        self._emit("input_audio_transcription_completed", said)
