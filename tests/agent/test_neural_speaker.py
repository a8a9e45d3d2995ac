"""A natural voice's clauses, emotions and phrases, on a network that is a fake."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from interject.agent.voice import VoiceFailure
from interject.agent.voice.espeak_library import shared_library
from interject.agent.voice.neural.speaker import NeuralSpeaker, manner_for
from interject.agent.voice.neural.speech_model import SpeechModel
from interject.config import KokoroVoice, PiperVoice
from interject.model_runtime.protocol import Emotion
from tests.fakes.speech_network import FakeSpeechNetwork
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from interject.agent.voice import SpokenChunk

PIPER = PiperVoice(engine="piper", model="fake", phrases=())
TEXT = "Smoke alarm! Please leave the house at once, and call 112.\n"


async def words_of(text: str) -> AsyncIterator[str]:
    for word in text.split(" "):
        yield word + " "


def speaker(network: FakeSpeechNetwork, settings: PiperVoice | None = None) -> NeuralSpeaker:
    return NeuralSpeaker(settings or PIPER, SpeechModel(network, shared_library()))


async def said(voice: NeuralSpeaker, text: str = TEXT) -> list[SpokenChunk]:
    return [chunk async for chunk in voice.speak(words_of(text), Emotion.NORMAL)]


async def test_words_have_their_places_in_text_and_sound() -> None:
    chunks = await said(speaker(FakeSpeechNetwork()))
    words = [word for chunk in chunks for word in chunk.words]
    assert len(chunks) == 3
    assert [word.text for word in words] == TEXT.split()
    spoken = TEXT.rstrip() + "\n"
    assert "".join(spoken[word.start_char : word.end_char] for word in words) == spoken
    samples = [word.start_sample for word in words] + [sum(len(c.pcm) // 2 for c in chunks)]
    assert samples == sorted(samples)
    assert all(word.start_sample < word.end_sample for word in words)


async def test_the_first_clause_is_heard_while_the_text_is_still_written() -> None:
    network, writing = FakeSpeechNetwork(), asyncio.Event()

    async def text() -> AsyncIterator[str]:
        yield "One moment. I "
        await writing.wait()
        yield "look."

    voice = speaker(network)
    async with aclosing(_speech(voice, text())) as chunks:
        assert (await anext(chunks)).words[-1].text == "moment."
        writing.set()
        assert [chunk.words[-1].text async for chunk in chunks] == ["look."]


async def test_the_next_clauses_are_synthesised_before_they_are_wanted() -> None:
    network = FakeSpeechNetwork()
    async with aclosing(_speech(speaker(network), words_of("One. Two. Three. Four. Five. "))) as it:
        await anext(it)
        await until(lambda: len(network.said) >= 3)
        assert len(network.said) < 5


async def test_a_reply_that_is_cut_stops_the_network_at_once() -> None:
    network = FakeSpeechNetwork(held=True)
    speech = _speech(speaker(network), words_of(TEXT))
    first = asyncio.create_task(anext(speech))
    assert await asyncio.to_thread(network.begun.acquire, timeout=10)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await speech.aclose()
    assert await asyncio.to_thread(network.stopped.wait, 10)
    assert len(network.said) == 1


async def test_what_a_network_cannot_say_is_a_failure_of_the_voice() -> None:
    with pytest.raises(VoiceFailure, match="breaks"):
        await said(speaker(FakeSpeechNetwork(fails=True)))


async def test_a_text_that_fails_fails_the_speech() -> None:
    async def text() -> AsyncIterator[str]:
        yield "One. "
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        async for _ in speaker(FakeSpeechNetwork()).speak(text(), Emotion.NORMAL):
            pass


async def test_marks_alone_take_no_time_and_leave_no_hole_in_the_text() -> None:
    (chunk,) = await said(speaker(FakeSpeechNetwork()), "...")
    assert chunk.pcm == b""
    assert (chunk.words[0].text, chunk.words[0].end_char) == ("...", 4)
    assert await said(speaker(FakeSpeechNetwork()), "  ") == []


async def test_phrases_are_ready_in_the_normal_manner_only() -> None:
    network = FakeSpeechNetwork()
    voice = speaker(network)
    voice.prepare(["One moment. I look.", "Yes."])
    await until(lambda: len(network.said) == 3)
    await until(lambda: voice_ready(voice, "Yes."))
    await said(voice, "One moment. Yes. ")
    assert len(network.said) == 3
    assert [chunk async for chunk in voice.speak(words_of("Yes."), Emotion.URGENT)]
    assert len(network.said) == 4


def voice_ready(voice: NeuralSpeaker, text: str) -> bool:
    return voice._model.ready(text, manner_for(PIPER, Emotion.NORMAL)) is not None


async def test_a_phrase_that_was_put_off_is_prepared_after_all() -> None:
    network = FakeSpeechNetwork(held=True)
    voice = speaker(network)
    voice.prepare(["Yes."])
    assert await asyncio.to_thread(network.begun.acquire, timeout=10)
    assert len(await said(voice, "No.")) == 1
    assert network.stopped.is_set()
    await until(lambda: voice_ready(voice, "Yes."))


def test_emotions_change_speed_and_speaker() -> None:
    settings = KokoroVoice(engine="kokoro", emotion_names={"sad": "af_nicole"}, speed=1.1)
    normal, sad, urgent = (
        manner_for(settings, emotion) for emotion in (Emotion.NORMAL, Emotion.SAD, Emotion.URGENT)
    )
    assert sad.speed < normal.speed < urgent.speed
    assert (normal.speaker, sad.speaker) == ("af_heart", "af_nicole")
    with pytest.raises(VoiceFailure, match="no speaker 'nobody'"):
        speaker(FakeSpeechNetwork(), PIPER.model_copy(update={"emotion_names": {"sad": "nobody"}}))


async def test_an_urgent_reply_is_louder_without_clipping() -> None:
    voice = speaker(FakeSpeechNetwork())
    loud = [
        np.abs(
            np.frombuffer(b"".join([c.pcm async for c in voice.speak(words_of("Go"), e)]), "<i2")
        )
        for e in (Emotion.SAD, Emotion.NORMAL, Emotion.URGENT)
    ]
    assert loud[0].max() < loud[1].max() < loud[2].max() < 32_767 * 0.9


def _speech(voice: NeuralSpeaker, text: AsyncIterator[str]) -> AsyncGenerator[SpokenChunk, None]:
    return cast("AsyncGenerator[SpokenChunk, None]", voice.speak(text, Emotion.NORMAL))
