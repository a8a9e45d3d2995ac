"""Interject's own voices as a LiveKit TTS plugin: a room talks with no account at all."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from livekit.agents import APIConnectionError, tts, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.voice.io import TimedString

from interject.agent.voice import VoiceFailure, choose_voice, open_voice
from interject.config import AutoVoice, NoVoice
from interject.config.strict import StrictModel
from interject.integrations.livekit.generation import ReplyText, WordEnd
from interject.model_runtime.protocol import SAMPLE_BYTES, Emotion

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

    from livekit.agents import APIConnectOptions

    from interject.agent.voice import SpokenChunk, Voice, WordTiming
    from interject.config import VoiceSettings
    from interject.integrations.livekit.generation import Generation, OnAir

FRAME_MS = 50
PAUSE_S = 0.1


class TTS(tts.TTS[Any]):
    """Speaks clause by clause, with the times of the words, in the emotion of the reply.

    `voice` is the `voice` section of a profile, or anything that fits `agent.voice.Voice`; without
    it, the natural voice that is installed, else espeak-ng. `ready` is what will be said word for
    word.

    The emotion travels with the text. `on_air` is the second way, for sessions whose text filters
    drop it: `RealtimeModel.tts()` fills it in.

    :raises VoiceFailure: when the voice or its engine is missing.
    """

    def __init__(
        self,
        voice: VoiceSettings | Voice | None = None,
        *,
        ready: Sequence[str] = (),
        on_air: OnAir | None = None,
    ) -> None:
        if isinstance(voice, NoVoice):
            raise VoiceFailure("this profile has no voice: leave the TTS out")
        chosen = voice or AutoVoice(engine="auto")
        self._on_air = on_air
        self._voice = open_voice(chosen, ready) if isinstance(chosen, StrictModel) else chosen
        self._engine = type(chosen).__name__
        if isinstance(chosen, StrictModel):
            self._engine = choose_voice(chosen).settings.engine
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=True, aligned_transcript=True),
            sample_rate=self._voice.sample_rate_hz,
            num_channels=1,
        )

    @property
    def model(self) -> str:
        return self._engine

    @property
    def provider(self) -> str:
        return "interject"

    @property
    def voice(self) -> Voice:
        return self._voice

    def generation_on_air(self) -> Generation | None:
        return self._on_air.generation if self._on_air is not None else None

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return self._synthesize_with_stream(text, conn_options=conn_options)

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.SynthesizeStream:
        return SpeechStream(self, conn_options)

    async def aclose(self) -> None:
        await self._voice.aclose()


class SpeechStream(tts.SynthesizeStream):
    """One reply, or one text to say."""

    def __init__(self, own_tts: TTS, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=own_tts, conn_options=conn_options)
        self._own_tts = own_tts

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        rate_hz = self._own_tts.sample_rate
        output_emitter.initialize(
            request_id=utils.shortuuid(),
            sample_rate=rate_hz,
            num_channels=1,
            mime_type="audio/pcm",
            frame_size_ms=FRAME_MS,
            stream=True,
        )
        parts = self._parts()
        first = await anext(parts, None)
        if first is None:
            return
        self._mark_started()
        generation = self._generation(first)
        emotion = generation.emotion if generation is not None else Emotion.NORMAL
        speech = self._own_tts.voice.speak(_chain(first, parts, generation), emotion)
        output_emitter.start_segment(segment_id=utils.shortuuid())
        samples = 0
        try:
            async with aclosing(cast("AsyncGenerator[SpokenChunk, None]", speech)) as chunks:
                async for chunk in chunks:
                    _note_words(generation, chunk, rate_hz)
                    output_emitter.push_timed_transcript(
                        [_timed(word, self._pushed_text, rate_hz) for word in chunk.words]
                    )
                    output_emitter.push(chunk.pcm)
                    samples += len(chunk.pcm) // SAMPLE_BYTES
        except VoiceFailure as error:
            # A second attempt would begin anew, and the room would hear the beginning twice.
            raise APIConnectionError(str(error), retryable=not samples) from error
        if not samples:
            output_emitter.push(bytes(round(PAUSE_S * rate_hz) * SAMPLE_BYTES))
        output_emitter.end_segment()

    async def _parts(self) -> AsyncGenerator[str, None]:
        """The text, without flushes: a reply is one segment."""
        async for item in self._input_ch:
            if isinstance(item, str):
                yield item

    def _generation(self, first: str) -> Generation | None:
        """Nothing is on air for a text that LiveKit says without the model."""
        if isinstance(first, ReplyText):
            return first.generation
        generation = self._own_tts.generation_on_air()
        return None if generation is None or generation.closed else generation


async def _chain(
    first: str, rest: AsyncIterator[str], generation: Generation | None
) -> AsyncIterator[str]:
    if generation is not None:
        generation.spoken_text = first
        generation.word_ends.clear()
    yield first
    async for part in rest:
        if generation is not None:
            generation.spoken_text += part
        yield part


def _note_words(generation: Generation | None, chunk: SpokenChunk, rate_hz: int) -> None:
    if generation is not None:
        generation.word_ends.extend(
            WordEnd(word.end_char, word.end_sample / rate_hz) for word in chunk.words
        )


def _timed(word: WordTiming, text: str, rate_hz: int) -> TimedString:
    """With the space after the word, so that words join to the text."""
    return TimedString(
        text[word.start_char : word.end_char] or word.text,
        start_time=word.start_sample / rate_hz,
        end_time=word.end_sample / rate_hz,
    )
