"""Our voices behind LiveKit's TTS interface."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from typing import TYPE_CHECKING

import pytest
from livekit.agents import APIConnectOptions, APIError
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT

from benchmarks.voice_packages import voices_with_piper
from interject.agent.voice import VoiceFailure
from interject.config import EspeakVoice, NoVoice
from interject.integrations.livekit import TTS
from interject.model_runtime.protocol import SAMPLE_BYTES, Emotion
from tests.fakes.voice import FakeVoice
from tests.natural_voices import needs_piper

if TYPE_CHECKING:
    from pathlib import Path

    from livekit.agents import tts
    from livekit.agents.voice.io import TimedString

ONCE = APIConnectOptions(max_retry=0, timeout=10.0)
needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here")


async def collect(stream: tts.SynthesizeStream) -> tuple[int, list[TimedString]]:
    samples, words = 0, []
    async with asyncio.timeout(30):
        async for event in stream:
            samples += event.frame.samples_per_channel
            words += event.frame.userdata.get(USERDATA_TIMED_TRANSCRIPT, [])
    return samples, words


async def test_words_come_with_their_times_and_join_to_the_text() -> None:
    text = "One two, three. Four?"
    async with TTS(FakeVoice(samples_per_char=160)).stream(conn_options=ONCE) as stream:
        stream.push_text(text)
        stream.end_input()
        samples, words = await collect(stream)
    assert samples == len(text) * 160
    assert "".join(words) == text
    assert [word.start_time for word in words] == pytest.approx([0.0, 0.04, 0.09, 0.16])
    assert words[-1].end_time == pytest.approx(0.21)


async def test_the_first_clause_is_heard_before_the_text_ends() -> None:
    voice = FakeVoice(samples_per_char=160)
    async with TTS(voice).stream(conn_options=ONCE) as stream:
        stream.push_text("There is smoke. I would")
        async with asyncio.timeout(30):
            first = await anext(stream)
        assert first.frame.samples_per_channel > 0
        assert voice.texts == ["There is smoke. "]
        stream.push_text(" look.")
        stream.end_input()
        await collect(stream)
    assert voice.texts[-1] == "I would look."


async def test_a_whole_text_at_once_works_too() -> None:
    frame = await TTS(FakeVoice(samples_per_char=160)).synthesize("Hello there.").collect()
    assert frame.samples_per_channel >= len("Hello there.") * 160


async def test_text_without_a_sound_is_a_short_pause_and_no_error() -> None:
    """LiveKit would quote the text in its complaint that nothing was spoken."""
    async with TTS(FakeVoice(samples_per_char=0)).stream(conn_options=ONCE) as stream:
        stream.push_text("!")
        stream.end_input()
        samples, _ = await collect(stream)
    assert samples == 1_600


async def test_no_text_is_no_sound() -> None:
    async with TTS(FakeVoice()).stream(conn_options=ONCE) as stream:
        stream.end_input()
        assert await collect(stream) == (0, [])


async def test_a_voice_that_breaks_is_an_api_error() -> None:
    async with TTS(FakeVoice(fails_after=0)).stream(conn_options=ONCE) as stream:
        stream.push_text("Hello.")
        stream.end_input()
        with pytest.raises(APIError, match="the fake voice broke down"):
            await collect(stream)


async def test_text_without_a_reply_is_said_in_a_normal_tone() -> None:
    voice = FakeVoice()
    await TTS(voice).synthesize("Hello.").collect()
    assert voice.emotions == [Emotion.NORMAL]


@needs_espeak
async def test_espeak_speaks() -> None:
    own = TTS(EspeakVoice(name="en-gb"))
    frame = await own.synthesize("The kettle is boiling.").collect()
    assert frame.sample_rate == own.sample_rate
    assert frame.duration > 0.5
    assert any(bytes(frame.data)[: frame.samples_per_channel * SAMPLE_BYTES])


def test_a_profile_without_a_voice_has_no_tts() -> None:
    with pytest.raises(VoiceFailure, match="leave the TTS out"):
        TTS(NoVoice(engine="none"))


@needs_piper
async def test_a_natural_voice_speaks_with_the_times_of_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERJECT_VOICES", str(voices_with_piper(tmp_path / "voices")))
    own = TTS(ready=("One moment.",))
    assert own.model == "piper"
    async with own.stream(conn_options=ONCE) as stream:
        stream.push_text("The kettle is boiling.")
        stream.end_input()
        samples, words = await collect(stream)
    assert own.sample_rate == 22_050
    assert 0.8 < samples / 22_050 < 3
    assert "".join(words) == "The kettle is boiling."
    starts = [word.start_time for word in words if isinstance(word.start_time, float)]
    assert len(starts) == 4
    assert all(earlier < later for earlier, later in itertools.pairwise(starts))


async def test_without_one_it_is_espeak() -> None:
    assert TTS().model == "espeak"
