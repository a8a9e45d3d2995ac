"""Any server with OpenAI's speech endpoint, streamed clause by clause."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from interject.agent.voice.base import SpokenChunk, VoiceFailure
from interject.agent.voice.clauses import clauses
from interject.agent.voice.words import time_words
from interject.config.endpoint import KeyMissing, bearer, read_key
from interject.model_runtime.protocol import SAMPLE_BYTES, Emotion

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from interject.agent.voice.clauses import Clause
    from interject.config import OpenAIVoice

CHARS_PER_S = 15
"""English read aloud; the guess for a clause whose sound has not arrived whole."""
PIECE_BYTES = 4_800
MAX_CLAUSE_S = 120
INSTRUCTIONS = {
    Emotion.HAPPY: "Speak cheerfully.",
    Emotion.SAD: "Speak softly and with sympathy.",
    Emotion.ANGRY: "Speak firmly.",
    Emotion.SURPRISE: "Speak with surprise.",
    Emotion.URGENT: "Speak fast, loud and urgently: this is a warning.",
}
SPEEDS = {Emotion.SAD: 0.92, Emotion.ANGRY: 1.05, Emotion.HAPPY: 1.05, Emotion.URGENT: 1.15}


class OpenAISpeaker:
    """:raises VoiceFailure: when the environment variable for the key is named but not set."""

    def __init__(self, settings: OpenAIVoice, environment: Mapping[str, str] | None = None) -> None:
        self._settings = settings
        read_s, connect_s = settings.read_timeout_s, settings.connect_timeout_s
        self._client = httpx.AsyncClient(
            headers=_key_header(settings, environment),
            timeout=httpx.Timeout(read_s, connect=connect_s),
        )

    @property
    def sample_rate_hz(self) -> int:
        return self._settings.sample_rate_hz

    async def speak(self, text: AsyncIterator[str], emotion: Emotion) -> AsyncIterator[SpokenChunk]:
        start_sample = 0
        async for clause in clauses(text):
            if not clause.text.strip():
                continue
            length_samples = 0
            guess = round(len(clause.text) / CHARS_PER_S * self.sample_rate_hz)
            words = time_words(clause, start_sample=start_sample, length_samples=guess)
            async for pcm in self._request(clause, emotion):
                yield SpokenChunk(pcm, words)
                words = ()
                length_samples += len(pcm) // SAMPLE_BYTES
            words = time_words(clause, start_sample=start_sample, length_samples=length_samples)
            yield SpokenChunk(b"", words)
            start_sample += length_samples

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _request(self, clause: Clause, emotion: Emotion) -> AsyncIterator[bytes]:
        url = f"{self._settings.base_url.rstrip('/')}/audio/speech"
        try:
            async with self._client.stream("POST", url, json=self._body(clause, emotion)) as reply:
                await _check(reply, url)
                async for pcm in self._whole_samples(reply, url):
                    yield pcm
        except httpx.TimeoutException as exc:
            raise VoiceFailure(
                f"the voice server {url} did not answer in time "
                "(connect_timeout_s and read_timeout_s of the profile's voice)"
            ) from exc
        except httpx.HTTPError as exc:
            raise VoiceFailure(
                f"the voice server {url} cannot be reached or broke off: {type(exc).__name__}"
            ) from exc

    async def _whole_samples(self, reply: httpx.Response, url: str) -> AsyncIterator[bytes]:
        """Network pieces may end inside a sample; an endless answer is cut off."""
        limit_bytes = MAX_CLAUSE_S * self.sample_rate_hz * SAMPLE_BYTES
        rest, received = b"", 0
        async for piece in reply.aiter_bytes(PIECE_BYTES):
            received += len(piece)
            if received > limit_bytes:
                raise VoiceFailure(
                    f"the voice server {url} sent over {MAX_CLAUSE_S} s for a clause"
                )
            data = rest + piece
            whole = len(data) // SAMPLE_BYTES * SAMPLE_BYTES
            rest = data[whole:]
            if whole:
                yield data[:whole]

    def _body(self, clause: Clause, emotion: Emotion) -> dict[str, str | float]:
        settings = self._settings
        speed = min(4.0, max(0.25, settings.speed * SPEEDS.get(emotion, 1.0)))
        body: dict[str, str | float] = {
            "model": settings.model,
            "voice": settings.name,
            "input": clause.text.strip(),
            "response_format": "pcm",
            "speed": round(speed, 3),
        }
        if settings.emotion_instructions and emotion in INSTRUCTIONS:
            body["instructions"] = INSTRUCTIONS[emotion]
        return body


def _key_header(settings: OpenAIVoice, environment: Mapping[str, str] | None) -> dict[str, str]:
    try:
        return bearer(read_key(settings.api_key_env, settings.base_url, environment))
    except KeyMissing as error:
        raise VoiceFailure(f"the profile's voice: {error}") from None


async def _check(reply: httpx.Response, url: str) -> None:
    """Anything but PCM is refused: JSON or HTML played as samples is a burst of noise."""
    kind = reply.headers.get("content-type", "").split(";")[0].strip().lower()
    if reply.status_code == httpx.codes.UNAUTHORIZED:
        raise VoiceFailure(f"the voice server {url} refused the key (401): check api_key_env")
    if reply.status_code != httpx.codes.OK:
        raise VoiceFailure(f"the voice server {url} answered {reply.status_code}")
    if kind.startswith("text/") or kind in ("application/json", "audio/mpeg", "audio/wav"):
        raise VoiceFailure(f"the voice server {url} sent {kind} where raw PCM was asked for")
