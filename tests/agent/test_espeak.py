from __future__ import annotations

import asyncio
import ctypes
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.agent import AgentSession, CollectingOutput, Spoken, TimelineSink, VoiceFailure
from interject.agent.voice import SilentVoice, open_voice
from interject.agent.voice.espeak import EspeakSpeaker, tone_for
from interject.agent.voice.espeak_library import HOW_TO_INSTALL, load_library
from interject.config import EspeakVoice, NoVoice, Profile
from interject.model_runtime.protocol import FRAME_SAMPLES, Emotion
from tests.fakes.runtime import FakeRuntime, Scripted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.agent.voice.base import SpokenChunk

TEXT = "Smoke alarm! Please leave the house at once, and call 112."


def espeak_is_there() -> bool:
    try:
        ctypes.CDLL("libespeak-ng.so.1")
    except OSError:
        return False
    return True


needs_espeak = pytest.mark.skipif(
    not espeak_is_there(), reason="libespeak-ng is missing (apt-get install espeak-ng)"
)


async def words_of(text: str) -> AsyncIterator[str]:
    for word in text.split(" "):
        yield word + " "


async def spoken(
    text: str = TEXT, emotion: Emotion = Emotion.NORMAL, settings: EspeakVoice | None = None
) -> list[SpokenChunk]:
    voice = EspeakSpeaker(settings or EspeakVoice())
    return [chunk async for chunk in voice.speak(words_of(text), emotion)]


def loudness(chunks: list[SpokenChunk]) -> float:
    pcm = np.frombuffer(b"".join(chunk.pcm for chunk in chunks), "<i2").astype(float)
    return float(np.sqrt((pcm**2).mean()))


@needs_espeak
async def test_every_word_has_its_place_in_text_and_sound() -> None:
    chunks = await spoken()
    assert len(chunks) == 3
    words = [word for chunk in chunks for word in chunk.words]
    assert [word.text for word in words] == TEXT.split()
    text = TEXT + " "
    assert "".join(text[word.start_char : word.end_char] for word in words) == text
    samples = sum(len(chunk.pcm) // 2 for chunk in chunks)
    assert words[-1].end_sample == samples
    assert all(word.start_sample < word.end_sample for word in words)
    assert 2 * 22_050 < samples < 8 * 22_050
    assert loudness(chunks) > 500


@needs_espeak
async def test_words_begin_where_the_sound_says_so() -> None:
    """The pause before the second word shows up as quiet just before its start."""
    (chunk,) = await spoken("Stop\N{EM DASH}now")
    assert chunk.words[0].start_sample < 2_205
    short, long = await spoken("I, extraordinarily")
    assert len(short.pcm) < len(long.pcm)


@needs_espeak
async def test_emotions_sound_different() -> None:
    normal, urgent, sad = [
        await spoken(emotion=emotion) for emotion in (Emotion.NORMAL, Emotion.URGENT, Emotion.SAD)
    ]
    length = [sum(len(chunk.pcm) for chunk in chunks) for chunks in (urgent, normal, sad)]
    assert length == sorted(length)
    assert loudness(urgent) > loudness(normal) > loudness(sad)


@needs_espeak
@pytest.mark.parametrize("volume", [100, 200])
async def test_no_emotion_clips(volume: int) -> None:
    for emotion in Emotion:
        chunks = await spoken(emotion=emotion, settings=EspeakVoice(volume=volume))
        pcm = np.frombuffer(b"".join(chunk.pcm for chunk in chunks), "<i2").astype(int)
        assert np.abs(pcm).max() <= 0.9 * 32_768, emotion


def test_tones_stay_inside_what_the_library_takes() -> None:
    extreme = EspeakVoice(rate_wpm=450, pitch=100, volume=200)
    for emotion in Emotion:
        tone = tone_for(extreme, emotion)
        assert tone.rate_wpm <= 450
        assert tone.pitch <= 100
        assert tone.volume <= 200
        assert 0 <= tone.pitch_range <= 100


@needs_espeak
@pytest.mark.parametrize("text", ["", "   ", "...", "\0", "\ud800", "<b>&", "\N{FIRE} \N{FIRE}"])
async def test_odd_text_does_no_harm(text: str) -> None:
    await spoken(text)
    assert await spoken("fine")


@needs_espeak
async def test_languages_are_chosen_by_name() -> None:
    german = await spoken("Guten Tag", settings=EspeakVoice(name="de"))
    english = await spoken("Guten Tag", settings=EspeakVoice(name="en-us"))
    assert german[0].pcm != english[0].pcm


@needs_espeak
def test_an_unknown_voice_says_how_to_list_them() -> None:
    with pytest.raises(VoiceFailure, match=r"no voice 'xx-nowhere'.*espeak-ng --voices"):
        open_voice(EspeakVoice(name="xx-nowhere"))


def test_a_missing_library_says_how_to_install_it() -> None:
    with pytest.raises(VoiceFailure) as caught:
        load_library(("libnothing-of-this-name.so",))
    assert str(caught.value) == HOW_TO_INSTALL
    assert "apt-get install espeak-ng" in HOW_TO_INSTALL


@needs_espeak
async def test_many_sessions_speak_at_once_without_mixing() -> None:
    alone = await spoken("One two three.")
    together = await asyncio.gather(*(spoken("One two three.") for _ in range(8)))
    for chunks in together:
        assert len(chunks[0].pcm) == pytest.approx(len(alone[0].pcm), rel=0.01)


async def test_no_voice_makes_no_sound() -> None:
    voice = open_voice(NoVoice(engine="none"))
    assert isinstance(voice, SilentVoice)
    assert [chunk async for chunk in voice.speak(words_of(TEXT), Emotion.NORMAL)] == []


@needs_espeak
async def test_a_whole_session_with_a_real_voice() -> None:
    runtime = FakeRuntime({2: Scripted(TEXT, Emotion.URGENT)})
    pieces: list[tuple[float, bytes]] = []
    sink = TimelineSink(lambda at, pcm, rate: pieces.append((at, pcm)))
    output = CollectingOutput()
    async with AgentSession(
        runtime,
        Profile(name="t", system_prompt=""),
        voice=open_voice(EspeakVoice()),
        sink=sink,
        outputs=[output],
    ) as session:
        await session.push_audio(np.zeros(12 * FRAME_SAMPLES, np.int16), 0.0)
        await session.finish()
    (event,) = output.events
    assert isinstance(event, Spoken)
    assert event.heard_chars == len(TEXT)
    assert pieces[0][0] == pytest.approx(1.2)
    assert len(b"".join(pcm for _, pcm in pieces)) > 2 * 2 * 22_050
    assert [word.text for word in session.heard_words()] == TEXT.split()
