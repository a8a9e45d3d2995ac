"""A peer in the place of a runtime, and the one that speaks OpenAI's audio chat."""

from __future__ import annotations

import base64
import io
import json
import wave
from typing import TYPE_CHECKING

import pytest

from interject.agent.framing import Framer
from interject.cli.eval.stream_hearing import as_pcm
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    Closed,
    CloseReason,
    Decision,
    ReplyEnded,
    RuntimeFailure,
    SessionOptions,
)
from interject.training.endpoints.failures import EndpointFailure
from interject.training.endpoints.http_endpoint import HttpEndpoint
from interject.training.endpoints.retry_schedule import RetrySchedule
from interject.training.streaming_benchmark.audio_chat_peer import AudioChatPeer, AudioChatSettings
from interject.training.streaming_benchmark.peer import PeerPace, PeerRuntime
from tests.fakes.model_server import ModelServer, Scripted, said, serving
from tests.training.streaming_benchmark.streams import tone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.model_runtime.protocol import Event


class ListeningPeer:
    """Answers with these in turn, and keeps how many chunks it was asked about."""

    def __init__(self, *answers: str | Exception) -> None:
        self.prompts: list[str] = []
        self.chunks: list[float] = []
        self.closed = False
        self._answers = list(answers)

    def answer(self, system_prompt: str, wav: bytes) -> str:
        self.prompts.append(system_prompt)
        with wave.open(io.BytesIO(wav)) as sound:
            self.chunks.append(sound.getnframes() / FRAME_SAMPLES)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed = True


async def events_of(runtime: PeerRuntime, chunks: int) -> list[Event]:
    session = await runtime.open(SessionOptions("x", system_prompt="Be brief."))
    framer = Framer()
    for frame in [*framer.push(as_pcm(tone(0.4 * chunks)), 0.0), *framer.finish()]:
        await session.push(frame)
    await session.finish()
    return [event async for event in session.events()]


async def test_it_is_asked_now_and_then_and_never_twice_about_one_sound() -> None:
    peer = ListeningPeer("", "", "Yes?", "")
    runtime = PeerRuntime(peer, PeerPace(every_chunks=2, window_chunks=3))
    events = await events_of(runtime, 9)
    decisions = [event for event in events if isinstance(event, Decision)]
    assert [event.seq for event in decisions] == list(range(9))
    assert [event.seq for event in decisions if event.respond] == [5]
    assert [event.text for event in events if isinstance(event, ReplyEnded)] == ["Yes?"]
    assert peer.chunks == [2, 3, 3, 2]
    assert set(peer.prompts) == {"Be brief."}
    assert events[-1] == Closed("x", CloseReason.CLIENT)
    await runtime.aclose()
    assert peer.closed


async def test_a_peer_that_fails_ends_the_session_and_refuses_the_next() -> None:
    runtime = PeerRuntime(ListeningPeer(EndpointFailure("no key")), PeerPace(1, 1))
    events = await events_of(runtime, 3)
    assert events == [Closed("x", CloseReason.FAILURE, "no key")]
    with pytest.raises(RuntimeFailure, match="no key"):
        await runtime.open(SessionOptions("y"))
    await runtime.aclose()


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with serving(ModelServer()) as running:
        yield running


def ask(server: ModelServer) -> str:
    settings = AudioChatSettings(base_url=server.url, model="m", answer_timeout_s=2.0)
    with HttpEndpoint(settings, schedule=RetrySchedule(pauses_s=(0.0,))) as endpoint:
        return AudioChatPeer(endpoint, settings).answer("Be brief.", b"RIFF")


def test_sound_and_instruction_travel_as_openai_takes_them(server: ModelServer) -> None:
    server.answers = [said("  A fire\nalarm. ")]
    assert ask(server) == "A fire alarm."
    (asked,) = server.received
    assert asked.path == "/v1/chat/completions"
    system, user = asked.json["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    sound, text = user["content"]
    assert base64.b64decode(sound["input_audio"]["data"]) == b"RIFF"
    assert sound["input_audio"]["format"] == "wav"
    assert "No Reply" in text["text"]


@pytest.mark.parametrize(
    "answer", [said("No Reply"), said("no reply."), said("  "), said("")], ids=str
)
def test_silence_is_silence_however_it_is_written(answer: Scripted, server: ModelServer) -> None:
    server.answers = [answer]
    assert ask(server) == ""


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Scripted(b"<html>"), "is no chat completion"),
        (Scripted(json.dumps({"choices": []}).encode()), "is no chat completion"),
        (Scripted(b"[" * 50_000), "is no chat completion"),
        (Scripted(status=401), "refused the key"),
        (Scripted(status=429), "answered 429; tried 2 times"),
        (Scripted(b"x" * 100, cut_at=5), "broke off"),
    ],
)
def test_a_hostile_answer_is_one_clear_line(
    answer: Scripted, told: str, server: ModelServer
) -> None:
    server.answers = [answer]
    with pytest.raises(EndpointFailure) as caught:
        ask(server)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
