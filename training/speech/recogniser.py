"""What hears training speech, to see whether its words can be understood."""

from __future__ import annotations

import hashlib
import io
import json
import wave
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.endpoints.answer_cache import question_key
from interject.training.endpoints.failures import UnusableAnswer
from interject.training.speech.utterance import SynthesisError

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.endpoints.answer_cache import AnswerCache
    from interject.training.endpoints.http_endpoint import HttpEndpoint
    from interject.training.sounds.waves import Wave

BEAM = 5


class Recogniser(Protocol):
    """Its name is written down with what it has checked."""

    @property
    def name(self) -> str: ...

    def transcribe(self, speech: Wave) -> str:
        """The words of 16 kHz mono speech."""


class EndpointRecogniser:
    """Any server with OpenAI's transcription endpoint."""

    def __init__(
        self, endpoint: HttpEndpoint, *, language: str = "en", cache: AnswerCache | None = None
    ) -> None:
        self._endpoint, self._language, self._cache = endpoint, language, cache

    @property
    def name(self) -> str:
        return self._endpoint.settings.model

    def transcribe(self, speech: Wave) -> str:
        """:raises EndpointFailure: when the server cannot be used.
        :raises UnusableAnswer: when what it sent is no transcript.
        """
        fields = {
            "model": self.name, "language": self._language, "response_format": "json",
            "temperature": "0",
        }  # fmt: skip
        file = wav_file(speech)
        key = question_key({**fields, "sha256": hashlib.sha256(file).hexdigest()})
        if self._cache is not None and (known := self._cache.read(key)) is not None:
            return known
        reply = self._endpoint.post(
            "audio/transcriptions", data=fields, files={"file": ("speech.wav", file, "audio/wav")}
        )
        text = _transcript(reply.body)
        if text is None:
            raise UnusableAnswer(
                f"the recogniser {self._endpoint.settings.base_url} sent no transcript"
            )
        if self._cache is not None:
            self._cache.write(key, text)
        return text


class WhisperRecogniser:
    """A Whisper of CTranslate2's format in a folder, by faster-whisper, on the CPU.

    :raises SynthesisError: when the package, the folder or a file in it is missing.
    """

    def __init__(self, folder: Path, *, language: str = "en") -> None:
        if not (folder / "model.bin").is_file():
            raise SynthesisError(
                f"{folder}: holds no model.bin; give a folder with a Whisper for CTranslate2 "
                "(model.bin, config.json, tokenizer.json, vocabulary.txt)"
            )
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise SynthesisError(
                "faster-whisper is not installed: pip install 'interject[whisper]'"
            ) from error
        self._language = language
        self.name = f"whisper {folder.name}"
        try:
            self._model: Any = WhisperModel(
                str(folder), device="cpu", compute_type="int8", local_files_only=True
            )
        except (RuntimeError, ValueError, OSError) as error:
            reason = " ".join(str(error).split())
            raise SynthesisError(f"{folder}: is no Whisper for CTranslate2: {reason}") from error

    def transcribe(self, speech: Wave) -> str:
        segments, _ = self._model.transcribe(
            speech, language=self._language, beam_size=BEAM, condition_on_previous_text=False
        )
        return " ".join(segment.text.strip() for segment in segments)


def wav_file(speech: Wave) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(SAMPLE_RATE_HZ)
        writer.writeframes(np.round(np.clip(speech, -1, 1) * 32_767).astype("<i2").tobytes())
    return file.getvalue()


def _transcript(body: bytes) -> str | None:
    try:
        text = json.loads(body)["text"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return text if isinstance(text, str) else None
