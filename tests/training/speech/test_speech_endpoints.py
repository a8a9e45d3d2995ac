"""Voices and recognisers behind HTTP, against a real server on the loopback."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from interject.training.endpoints.answer_cache import AnswerCache
from interject.training.endpoints.failures import EndpointFailure, UnusableAnswer
from interject.training.endpoints.http_endpoint import HttpEndpoint
from interject.training.endpoints.retry_schedule import RetrySchedule
from interject.training.endpoints.settings import EndpointSettings
from interject.training.speech.endpoint_voice import EndpointSpeech
from interject.training.speech.recogniser import EndpointRecogniser
from interject.training.speech.speech_check import CheckedVoice, DialogueDropped
from interject.training.speech.speech_voice import WordTimes
from interject.training.speech.text_rewriting import RuleRewriter
from tests.fakes.model_server import ModelServer, Scripted, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RATE_HZ = 24_000
TEXT = "Good morning, everybody."


def spoken(seconds: float = 1.5, amplitude: float = 9_000) -> Scripted:
    """Two bursts with a pause between."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    wave = amplitude * np.sin(2 * np.pi * 200 * t) * ((t < 0.7) | (t > 0.9))
    return Scripted(wave.astype("<i2").tobytes(), kind="audio/pcm")


def heard(text: Any) -> Scripted:
    return Scripted(json.dumps({"text": text}).encode())


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with serving(ModelServer([spoken()])) as running:
        yield running


@pytest.fixture
def endpoint(server: ModelServer) -> Iterator[HttpEndpoint]:
    settings = EndpointSettings(base_url=server.url, model="tts-9", answer_timeout_s=2.0)
    with HttpEndpoint(settings, schedule=RetrySchedule(())) as opened:
        yield opened


def test_a_server_s_voice_has_words_and_a_licence(
    server: ModelServer, endpoint: HttpEndpoint
) -> None:
    said = EndpointSpeech(endpoint, "ann", "CC0").say(TEXT, 1)
    assert server.received[0].path == "/v1/audio/speech"
    assert server.received[0].json == {
        "model": "tts-9", "voice": "ann", "input": TEXT, "response_format": "pcm", "speed": 0.9,
    }  # fmt: skip
    assert (said.voice, said.licence, said.word_times) == ("tts-9 ann", "CC0", WordTimes.ENERGY)
    assert [word.text for word in said.words] == ["Good", "morning,", "everybody."]
    assert said.words[1].end_s == pytest.approx(0.7, abs=0.03)
    assert said.duration_s == pytest.approx(1.5, abs=0.01)


def test_what_was_said_is_not_paid_twice(
    server: ModelServer, endpoint: HttpEndpoint, tmp_path: Path
) -> None:
    cache = AnswerCache(tmp_path)
    first = EndpointSpeech(endpoint, "ann", "CC0", cache=cache).say(TEXT)
    again = EndpointSpeech(endpoint, "ann", "CC0", cache=cache).say(TEXT)
    assert np.array_equal(first.pcm, again.pcm)
    assert len(server.received) == 1
    EndpointSpeech(endpoint, "bob", "CC0", cache=cache).say(TEXT)
    EndpointSpeech(endpoint, "ann", "CC0", cache=cache).say(TEXT, 1)
    assert len(server.received) == 3


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Scripted(b"{}"), "sent application/json where raw PCM was asked for"),
        (Scripted(b"<p>hello</p>", kind="text/html"), "sent text/html"),
        (Scripted(b"ID3....", kind="audio/mpeg"), "sent audio/mpeg"),
        (Scripted(b"", kind="audio/pcm"), r"sent 0.00 s for 24 characters"),
        (Scripted(b"x", kind="audio/pcm"), r"sent 0.00 s"),
        (spoken(60.0), r"sent 60.00 s for 24 characters"),
        (spoken(amplitude=0), "sent silence"),
        (Scripted(status=500), "answered 500"),
        (Scripted(status=401), "refused the key"),
        (Scripted(b"x" * 999, cut_at=10), "cannot be reached or broke off"),
    ],
)
def test_what_is_no_speech_is_described_and_not_cached(
    server: ModelServer, endpoint: HttpEndpoint, tmp_path: Path, answer: Scripted, fault: str
) -> None:
    server.answers = [answer]
    voice = EndpointSpeech(endpoint, "ann", "CC0", cache=AnswerCache(tmp_path))
    with pytest.raises(EndpointFailure, match=fault) as failure:
        voice.say(TEXT)
    assert "\n" not in str(failure.value)
    assert list(tmp_path.rglob("*.json")) == []


def test_a_recogniser_is_sent_a_wav_file(
    server: ModelServer, endpoint: HttpEndpoint, tmp_path: Path
) -> None:
    server.answers = [heard("Good morning.")]
    for _ in range(2):
        recogniser = EndpointRecogniser(endpoint, cache=AnswerCache(tmp_path))
        assert recogniser.transcribe(np.zeros(1_600, np.float32)) == "Good morning."
    (request,) = server.received
    assert request.path == "/v1/audio/transcriptions"
    assert b'name="model"\r\n\r\ntts-9' in request.body
    assert b'filename="speech.wav"' in request.body
    assert b"RIFF" in request.body


@pytest.mark.parametrize(
    "answer", [Scripted(b"hello"), Scripted(b"[]"), heard(None), heard(3), Scripted(b"{}")]
)
def test_what_is_no_transcript_is_described(
    server: ModelServer, endpoint: HttpEndpoint, answer: Scripted
) -> None:
    server.answers = [answer]
    with pytest.raises(UnusableAnswer, match="sent no transcript"):
        EndpointRecogniser(endpoint).transcribe(np.zeros(1_600, np.float32))


def test_a_voice_that_sends_nonsense_now_and_then_is_asked_again(
    server: ModelServer, endpoint: HttpEndpoint
) -> None:
    right = heard("good morning everybody")
    server.answers = [Scripted(b"{}"), spoken(), heard("what"), spoken(), right]
    voice = CheckedVoice(
        EndpointSpeech(endpoint, "ann", "CC0"), RuleRewriter(), EndpointRecogniser(endpoint)
    )
    assert voice.say(TEXT).skipped == ()
    server.received.clear()
    server.answers = [Scripted(b"{}")]
    with pytest.raises(DialogueDropped, match="a text that cannot be said") as dropped:
        voice.say(TEXT)
    assert "could not say a text in 3 attempts: the voice server" in dropped.value.why
    assert len(server.received) == 3
