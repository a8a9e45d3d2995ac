"""Any server with OpenAI's speech endpoint as a voice of a dialogue."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

import numpy as np

from interject.training.endpoints.answer_cache import question_key
from interject.training.endpoints.failures import UnusableAnswer
from interject.training.speech.local_voices import FULL_SCALE, SLOWER, aligned_speech, sayable
from interject.training.speech.utterance import trimmed

if TYPE_CHECKING:
    from interject.training.endpoints.answer_cache import AnswerCache
    from interject.training.endpoints.http_endpoint import EndpointReply, HttpEndpoint
    from interject.training.speech.speech_voice import SpokenText
    from interject.training.speech.utterance import Pcm

PCM_RATE_HZ = 24_000
"""What OpenAI's `pcm` has; it travels without a header."""
MOST_S_A_CHAR = 1.0
LEAST_S = 0.05
_NO_PCM = ("application/json", "audio/mpeg", "audio/wav", "audio/x-wav", "audio/ogg", "audio/flac")


class EndpointSpeech:
    """`licence` is what the server's operator allows; nothing is known of it here.

    The times of words are aligned by energy. Answers are cached by text, voice, model and attempt.
    """

    def __init__(
        self, endpoint: HttpEndpoint, voice: str, licence: str, *,
        cache: AnswerCache | None = None, rate_hz: int = PCM_RATE_HZ,
    ) -> None:  # fmt: skip
        self._endpoint, self._voice, self._cache = endpoint, voice, cache
        self._rate_hz = rate_hz
        self.licence = licence

    @property
    def name(self) -> str:
        return f"{self._endpoint.settings.model} {self._voice}"

    def say(self, text: str, attempt: int = 0) -> SpokenText:
        """:raises EndpointFailure: when the server cannot be used.
        :raises UnusableAnswer: when what it sent is no speech.
        """
        body = {
            "model": self._endpoint.settings.model, "voice": self._voice,
            "input": sayable(text, self.name), "response_format": "pcm",
            "speed": round(SLOWER**attempt, 3),
        }  # fmt: skip
        said = trimmed(text, self.name, self._pcm(body, text), self._rate_hz, [], [])
        return aligned_speech(text, said.pcm.astype(np.float32) / FULL_SCALE, self)

    def _pcm(self, body: dict[str, object], text: str) -> Pcm:
        key = question_key({**body, "rate_hz": self._rate_hz})
        stored = self._cache.read(key) if self._cache is not None else None
        if stored is not None and (pcm := _decoded(stored)) is not None:
            return pcm
        reply = self._endpoint.post("audio/speech", json=body)
        pcm = self._checked(reply, text)
        if self._cache is not None:
            self._cache.write(key, base64.b64encode(pcm.tobytes()).decode())
        return pcm

    def _checked(self, reply: EndpointReply, text: str) -> Pcm:
        """JSON, HTML or MP3 taken for samples would be a burst of noise."""
        where = f"the voice server {self._endpoint.settings.base_url}"
        if reply.kind.startswith("text/") or reply.kind in _NO_PCM:
            raise UnusableAnswer(f"{where} sent {reply.kind} where raw PCM was asked for")
        pcm = np.frombuffer(reply.body[: len(reply.body) // 2 * 2], "<i2").astype(np.int16)
        length_s = len(pcm) / self._rate_hz
        if not LEAST_S <= length_s <= 1.0 + MOST_S_A_CHAR * len(text):
            raise UnusableAnswer(f"{where} sent {length_s:.2f} s for {len(text)} characters")
        if not np.any(np.abs(pcm.astype(np.int32)) > 100):
            raise UnusableAnswer(f"{where} sent silence")
        return pcm


def _decoded(stored: str) -> Pcm | None:
    try:
        data = base64.b64decode(stored, validate=True)
    except (binascii.Error, ValueError):
        return None
    return np.frombuffer(data, np.int16) if data and len(data) % 2 == 0 else None
