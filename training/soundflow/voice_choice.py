"""Which voices a recipe has, and who listens whether they can be understood."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from interject.config.strict import StrictModel
from interject.training.endpoints.answer_cache import AnswerCache
from interject.training.endpoints.chat_endpoint import ChatEndpoint
from interject.training.endpoints.http_endpoint import HttpEndpoint
from interject.training.endpoints.settings import EndpointSettings
from interject.training.speech.endpoint_voice import EndpointSpeech
from interject.training.speech.kokoro_voice import KokoroModel, KokoroSpeech
from interject.training.speech.local_voices import random_local_voice
from interject.training.speech.recogniser import EndpointRecogniser, WhisperRecogniser
from interject.training.speech.speech_check import CheckedVoice
from interject.training.speech.text_rewriting import ModelRewriter, RuleRewriter
from interject.training.speech.utterance import SynthesisError

if TYPE_CHECKING:
    import random

    from interject.training.speech.recogniser import Recogniser
    from interject.training.speech.speech_voice import SpeechVoice
    from interject.training.speech.text_rewriting import TextRewriter

Text = Annotated[str, Field(min_length=1, max_length=1_000)]


class LocalVoices(StrictModel):
    """espeak-ng and flite, in voices without number."""

    engine: Literal["local"] = "local"


class KokoroVoices(StrictModel):
    """All English voices of a folder that holds Kokoro-82M."""

    engine: Literal["kokoro"]
    folder: Text


class EndpointVoices(StrictModel):
    """A server with OpenAI's speech endpoint; `names` are its voices.

    `cache` is a folder: with it the same stream is the same again, whatever the server does.
    """

    engine: Literal["endpoint"]
    endpoint: EndpointSettings
    names: Annotated[tuple[Text, ...], Field(min_length=1, max_length=1_000, strict=False)]
    licence: Text
    cache: Text


class WhisperListener(StrictModel):
    """A Whisper of CTranslate2's format in a folder."""

    engine: Literal["whisper"]
    folder: Text
    language: Text = "en"


class EndpointListener(StrictModel):
    """A server with OpenAI's transcription endpoint."""

    engine: Literal["endpoint"]
    endpoint: EndpointSettings
    cache: Text
    language: Text = "en"


class EndpointRewriter(StrictModel):
    """A language model that makes text sayable, where the rules know English only."""

    endpoint: EndpointSettings
    cache: Text


VoiceChoice = Annotated[LocalVoices | KokoroVoices | EndpointVoices, Field(discriminator="engine")]
ListenerChoice = Annotated[WhisperListener | EndpointListener, Field(discriminator="engine")]


@dataclass(frozen=True, slots=True)
class ChosenVoices:
    """A `VoicePicker`. Models and connections are opened once a process, when they are needed.

    Texts are rewritten to be said, by rules unless there is a `rewriter`; without a listener nobody
    checks whether they are understood.
    """

    voices: LocalVoices | KokoroVoices | EndpointVoices = LocalVoices()  # noqa: RUF009 (frozen)
    listener: WhisperListener | EndpointListener | None = None
    rewriter: EndpointRewriter | None = None

    def __call__(self, rng: random.Random) -> SpeechVoice:
        """:raises SynthesisError: when a voice or a recogniser cannot be opened."""
        recogniser = _recogniser(self.listener) if self.listener else None
        rewriter = _rewriter(self.rewriter) if self.rewriter else RuleRewriter()
        return CheckedVoice(_voice(self.voices, rng), rewriter, recogniser)


def _voice(choice: LocalVoices | KokoroVoices | EndpointVoices, rng: random.Random) -> SpeechVoice:
    match choice:
        case LocalVoices():
            return random_local_voice(rng)
        case KokoroVoices():
            model = _kokoro(choice.folder)
            return KokoroSpeech(model, rng.choice(model.voices))
        case EndpointVoices():
            server = _endpoint(choice.endpoint)
            cache = AnswerCache(Path(choice.cache))
            return EndpointSpeech(server, rng.choice(choice.names), choice.licence, cache=cache)


@functools.cache
def _kokoro(folder: str) -> KokoroModel:
    model = KokoroModel(Path(folder))
    if not model.voices:
        raise SynthesisError(f"{folder}/voices: holds no English voice of Kokoro-82M")
    return model


@functools.cache
def _endpoint(settings: EndpointSettings) -> HttpEndpoint:
    return HttpEndpoint(settings)


@functools.cache
def _rewriter(choice: EndpointRewriter) -> TextRewriter:
    chat = ChatEndpoint(_endpoint(choice.endpoint), AnswerCache(Path(choice.cache)))
    return ModelRewriter(chat, RuleRewriter())


@functools.cache
def _recogniser(choice: WhisperListener | EndpointListener) -> Recogniser:
    if isinstance(choice, WhisperListener):
        return WhisperRecogniser(Path(choice.folder), language=choice.language)
    cache = AnswerCache(Path(choice.cache))
    return EndpointRecogniser(_endpoint(choice.endpoint), language=choice.language, cache=cache)
