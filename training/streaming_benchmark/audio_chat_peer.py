"""The example of a peer: any server with OpenAI's chat completions that takes sound."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from pydantic import Field

from interject.training.endpoints.failures import EndpointFailure
from interject.training.endpoints.settings import EndpointSettings
from interject.training.streaming_benchmark.peer import PeerPace, chunks_of

if TYPE_CHECKING:
    from interject.training.endpoints.http_endpoint import HttpEndpoint

SILENT = "No Reply"
INSTRUCTION = (
    "You hear the last seconds of a stream. If something in it asks for a reply from you now, "
    f"write that reply and nothing else. If nothing does, write exactly: {SILENT}"
)
MOST_REPLY_CHARS = 4_000


class AudioChatSettings(EndpointSettings):
    """Asked every `every_s` about the last `window_s` seconds. A reply counts for 1.2 s, so that by
    default it is asked once about each that is due. `silent` is how it says nothing.
    """

    answer_timeout_s: float = Field(default=40.0, gt=0, le=3_600)
    every_s: float = Field(default=1.2, ge=0.4, le=60)
    window_s: float = Field(default=8.0, ge=0.4, le=120)
    instruction: str = Field(default=INSTRUCTION, min_length=1, max_length=8_000)
    silent: str = Field(default=SILENT, min_length=1, max_length=100)
    temperature: float = Field(default=0.0, ge=0, le=2)
    most_tokens: int = Field(default=128, ge=1, le=8_192)

    @property
    def pace(self) -> PeerPace:
        return PeerPace(chunks_of(self.every_s), chunks_of(self.window_s))


class AudioChatPeer:
    """An `AnsweringPeer`."""

    def __init__(self, endpoint: HttpEndpoint, settings: AudioChatSettings) -> None:
        self._endpoint = endpoint
        self._settings = settings

    def answer(self, system_prompt: str, wav: bytes) -> str:
        """:raises EndpointFailure: when the server cannot be used, or answers nonsense."""
        body = self._body(system_prompt, wav)
        said = _content(self._endpoint.post("chat/completions", json=body).body)
        if said is None:
            raise EndpointFailure(
                f"the answer of {self._settings.base_url}/chat/completions is no chat completion"
            )
        said = " ".join(said.split())[:MOST_REPLY_CHARS]
        return "" if said.rstrip(".").casefold() == self._settings.silent.casefold() else said

    def close(self) -> None:
        self._endpoint.close()

    def _body(self, system_prompt: str, wav: bytes) -> dict[str, Any]:
        settings = self._settings
        sound = {"data": base64.b64encode(wav).decode(), "format": "wav"}
        return {
            "model": settings.model,
            "temperature": settings.temperature,
            "max_tokens": settings.most_tokens,
            "messages": [
                {"role": "system", "content": system_prompt},
                {
                    "role": "user",
                    "content": [
                        {"type": "input_audio", "input_audio": sound},
                        {"type": "text", "text": settings.instruction},
                    ],
                },
            ],
        }


def _content(body: bytes) -> str | None:
    """None where it is no chat completion. Some servers say nothing with null."""
    try:
        content = json.loads(body)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return None
    if content is None:
        return ""
    return content.encode(errors="replace").decode() if isinstance(content, str) else None
