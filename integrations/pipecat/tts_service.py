"""Interject's own voices as a text-to-speech service of Pipecat's: no network, no account."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipecat.frames.frames import ErrorFrame, TTSAudioRawFrame
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService
from pipecat.utils.types import NOT_GIVEN, NotGiven

from interject.agent.voice import VoiceFailure, choose_voice, open_voice
from interject.config import (
    AutoVoice,
    EspeakVoice,
    KokoroVoice,
    NoVoice,
    OpenAIVoice,
    PiperVoice,
)
from interject.integrations.pipecat.arguments import check_arguments, check_settings
from interject.model_runtime.protocol import SAMPLE_BYTES, Emotion

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from pipecat.frames.frames import Frame
    from pipecat.processors.frame_processor import FrameProcessorSetup

    from interject.agent.voice import SpokenChunk, Voice
    from interject.config import VoiceSettings

VOICES = (AutoVoice, EspeakVoice, KokoroVoice, OpenAIVoice, PiperVoice)
ELSEWHERE = dict.fromkeys(("model", "voice", "language"), "give the argument `voice`")


@dataclass
class InterjectTTSSettings(TTSSettings):
    """`emotion` is one of the model's: what is said from then on is said so."""

    emotion: str | NotGiven = field(default_factory=lambda: NOT_GIVEN)


class InterjectTTSService(TTSService):
    """`voice` is the `voice` section of a profile; without it, the natural voice that is installed,
    else espeak-ng. Words come with the times at which they have been said.

    :raises ValueError: for what is no voice, as a profile's `engine: none`, and for a setting that
        has no effect here.
    :raises VoiceFailure: when a natural voice is missing, and none may take its place.
    """

    Settings = InterjectTTSSettings
    _settings: InterjectTTSSettings

    def __init__(
        self,
        *,
        voice: VoiceSettings | None = None,
        settings: InterjectTTSSettings | None = None,
        **kwargs: Any,
    ) -> None:
        _check_voice(voice)
        check_arguments(type(self), kwargs)
        self._choice = voice or AutoVoice(engine="auto")
        engine = choose_voice(self._choice).settings.engine
        held = InterjectTTSSettings(
            model=engine, voice=engine, language=None, emotion=Emotion.NORMAL.value
        )
        if settings is not None:
            check_settings(settings, ELSEWHERE, {"emotion"})
            held.apply_update(settings)
            _check_emotion(held.emotion)
        super().__init__(
            push_text_frames=False,
            push_start_frame=True,
            push_stop_frames=True,
            settings=held,
            **kwargs,
        )
        self._voice: Voice | None = None
        self._spoken_samples: dict[str, int] = {}

    def can_generate_metrics(self) -> bool:
        return True

    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]
        """A natural voice is loaded here, which may take seconds."""
        await super().setup(setup)
        try:
            self._voice = await asyncio.to_thread(open_voice, self._choice)
        except VoiceFailure as error:
            await self.push_error(str(error), exception=error, force_treat_as_permanent=True)

    async def cleanup(self) -> None:
        await super().cleanup()  # type: ignore[no-untyped-call]
        voice, self._voice = self._voice, None
        if voice is not None:
            await voice.aclose()

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        if (voice := self._voice) is None:
            return
        await self.start_tts_usage_metrics(text)
        before, samples = self._spoken_samples.get(context_id, 0), 0
        told: set[int] = set()
        try:
            async for chunk in voice.speak(_whole(text), self._emotion()):
                if chunk.pcm:
                    yield TTSAudioRawFrame(chunk.pcm, voice.sample_rate_hz, 1, context_id)
                words = _fresh_words(chunk, told, before, voice.sample_rate_hz)
                await self.add_word_timestamps(words, context_id)
                samples += len(chunk.pcm) // SAMPLE_BYTES
        except VoiceFailure as error:
            yield ErrorFrame(error=str(error), exception=error)
        self._spoken_samples[context_id] = before + samples

    async def on_audio_context_completed(self, context_id: str) -> None:
        self._spoken_samples.pop(context_id, None)

    async def on_audio_context_interrupted(self, context_id: str) -> None:
        self._spoken_samples.pop(context_id, None)

    def _emotion(self) -> Emotion:
        try:
            return Emotion(str(self._settings.emotion))
        except ValueError:
            return Emotion.NORMAL


def _check_voice(voice: object) -> None:
    if isinstance(voice, NoVoice):
        raise ValueError("this profile has no voice: leave the TTS service out")
    if voice is not None and not isinstance(voice, VOICES):
        raise ValueError(
            f"voice: give the section of a profile, as load_profile('default').voice, or "
            f"EspeakVoice(), and not {voice!r}"
        )


def _check_emotion(name: object) -> None:
    if name not in tuple(Emotion):
        raise ValueError(f"emotion: one of {', '.join(Emotion)}, not {name!r}")


async def _whole(text: str) -> AsyncIterator[str]:
    yield text


def _fresh_words(
    chunk: SpokenChunk, told: set[int], before: int, rate_hz: int
) -> list[tuple[str, float]]:
    """Each word once, at the second of the context at which it is over."""
    fresh = [word for word in chunk.words if word.start_char not in told]
    told.update(word.start_char for word in fresh)
    return [(word.text.strip(), (before + word.end_sample) / rate_hz) for word in fresh]
