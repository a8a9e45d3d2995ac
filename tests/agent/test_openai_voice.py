"""Against a real HTTP server on the loopback, started and stopped by each test."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from interject.agent.voice import VoiceFailure, open_voice
from interject.agent.voice.openai import OpenAISpeaker
from interject.config import OpenAIVoice
from interject.model_runtime.protocol import Emotion

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from interject.agent.voice.base import SpokenChunk

RATE_HZ = 24_000


@dataclass
class Behaviour:
    """`seconds_per_char` of sound; `pieces` are the sizes in which it goes out."""

    status: int = 200
    content_type: str = "audio/pcm"
    seconds_per_char: float = 0.05
    break_off: bool = False
    hang: threading.Event | None = None
    seen: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@contextmanager
def server(behaviour: Behaviour) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            behaviour.seen.append(body)
            behaviour.keys.append(self.headers.get("Authorization"))
            behaviour.paths.append(self.path)
            if behaviour.hang is not None:
                behaviour.hang.wait(10)
            samples = round(len(body["input"]) * behaviour.seconds_per_char * RATE_HZ)
            self.send_response(behaviour.status)
            self.send_header("Content-Type", behaviour.content_type)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self._send(bytes(range(256)) * (samples * 2 // 256))

        def _send(self, pcm: bytes) -> None:
            for start in range(0, len(pcm), 1_001):
                piece = pcm[start : start + 1_001]
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                if behaviour.break_off:
                    self.close_connection = True
                    return
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *args: object) -> None:
            """Tests are quiet."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}/v1"
    finally:
        if behaviour.hang is not None:
            behaviour.hang.set()
        httpd.shutdown()
        thread.join()
        httpd.server_close()


async def parts(*texts: str) -> AsyncIterator[str]:
    for text in texts:
        yield text


async def spoken(
    settings: OpenAIVoice, *texts: str, emotion: Emotion = Emotion.NORMAL, **environment: str
) -> list[SpokenChunk]:
    voice = OpenAISpeaker(settings, environment)
    try:
        return [chunk async for chunk in voice.speak(parts(*texts), emotion)]
    finally:
        await voice.aclose()


async def test_clauses_are_sent_and_sound_streams_back() -> None:
    behaviour = Behaviour()
    with server(behaviour) as url:
        settings = OpenAIVoice(engine="openai", base_url=f"{url}/", model="m", name="n")
        chunks = await spoken(settings, "Hello there. How", " are you?")
    assert [body["input"] for body in behaviour.seen] == ["Hello there.", "How are you?"]
    assert behaviour.paths == ["/v1/audio/speech"] * 2
    first = behaviour.seen[0]
    assert first["response_format"] == "pcm"
    assert (first["model"], first["voice"], first["speed"]) == ("m", "n", 1.0)
    assert "instructions" not in first
    assert behaviour.keys == [None, None]
    pcm = b"".join(chunk.pcm for chunk in chunks)
    assert all(len(chunk.pcm) % 2 == 0 for chunk in chunks)
    assert len(pcm) == 2 * (len("Hello there.") * 1_200 * 2 // 256 * 256)
    assert pcm[:512] == bytes(range(256)) * 2
    timing = {word.start_char: word for chunk in chunks for word in chunk.words}
    texts = [word.text for _, word in sorted(timing.items())]
    assert texts == ["Hello", "there.", "How", "are", "you?"]
    assert max(word.end_sample for word in timing.values()) == len(pcm) // 2


async def test_key_emotion_and_speed_are_sent() -> None:
    behaviour = Behaviour()
    with server(behaviour) as url:
        settings = OpenAIVoice(
            engine="openai",
            base_url=url,
            api_key_env="SPEECH_KEY",
            emotion_instructions=True,
            speed=1.2,
        )
        await spoken(settings, "Fire!", emotion=Emotion.URGENT, SPEECH_KEY="not-a-real-key")
    assert behaviour.keys == ["Bearer not-a-real-key"]
    assert "urgently" in behaviour.seen[0]["instructions"]
    assert behaviour.seen[0]["speed"] == pytest.approx(1.38)


def test_a_missing_key_names_its_variable() -> None:
    settings = OpenAIVoice(engine="openai", base_url="http://127.0.0.1:1", api_key_env="NO_KEY")
    with pytest.raises(VoiceFailure, match="environment variable NO_KEY, which is not set"):
        OpenAISpeaker(settings, {})


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (Behaviour(status=401), r"refused the key \(401\)"),
        (Behaviour(status=500), "answered 500"),
        (Behaviour(content_type="application/json"), "sent application/json"),
        (Behaviour(content_type="text/html; charset=utf-8"), "sent text/html"),
        (Behaviour(break_off=True), "broke off"),
        (Behaviour(seconds_per_char=30.0), "sent over 120 s"),
    ],
)
async def test_a_server_that_fails_is_described(behaviour: Behaviour, message: str) -> None:
    with server(behaviour) as url:
        settings = OpenAIVoice(engine="openai", base_url=url)
        with pytest.raises(VoiceFailure, match=message):
            await spoken(settings, "Hello.")


async def test_a_server_that_hangs_runs_into_the_deadline() -> None:
    with server(Behaviour(hang=threading.Event())) as url:
        settings = OpenAIVoice(engine="openai", base_url=url, read_timeout_s=0.05)
        with pytest.raises(VoiceFailure, match="did not answer in time"):
            await spoken(settings, "Hello.")


async def test_no_server_at_all() -> None:
    with server(Behaviour()) as url:
        pass
    with pytest.raises(VoiceFailure, match="cannot be reached"):
        await spoken(OpenAIVoice(engine="openai", base_url=url), "Hello.")


async def test_the_profile_opens_it() -> None:
    voice = open_voice(OpenAIVoice(engine="openai", base_url="http://127.0.0.1:1"))
    assert isinstance(voice, OpenAISpeaker)
    assert voice.sample_rate_hz == RATE_HZ
    await voice.aclose()
