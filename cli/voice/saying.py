"""Runs `interject voice say`."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interject.agent.voice import VoiceFailure, choose_voice, open_voice
from interject.agent.voice.installed import installed_voices
from interject.cli.output.output_paths import check_target
from interject.cli.process.failures import InputFailure, complain
from interject.config import EspeakVoice, KokoroVoice, NoVoice, PiperVoice, load_profile
from interject.model_runtime.protocol import SAMPLE_BYTES, Emotion

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from interject.agent.voice import Voice
    from interject.config import VoiceSettings


@dataclass(frozen=True, slots=True)
class SayRequest:
    text: str
    out: str | None
    voice: str | None
    speaker: str | None
    profile: str
    emotion: str


def say_text(request: SayRequest) -> None:
    """:raises InputFailure, VoiceFailure: when it cannot be said."""
    emotions = [emotion.value for emotion in Emotion]
    if request.emotion not in emotions:
        raise InputFailure(f"--emotion {request.emotion!r}: it must be {', '.join(emotions)}")
    if not request.text.strip():
        raise InputFailure("TEXT is blank: there is nothing to say")
    if request.out is not None:
        check_target(Path(request.out), (), option="--out")
    settings = _settings(request)
    label = choose_voice(settings).label
    voice = open_voice(settings)
    with _sink(request.out, voice.sample_rate_hz) as write:
        first_s, samples = asyncio.run(_say(voice, request, write))
    if not samples:
        raise VoiceFailure(f"{label} made no sound of it")
    sys.stdout.write(
        f"{label}: {samples / voice.sample_rate_hz:.2f} s of sound, "
        f"the first after {first_s * 1_000:.0f} ms\n"
    )


def _settings(request: SayRequest) -> VoiceSettings:
    settings = _of_profile(request.profile) if request.voice is None else _named(request.voice)
    if request.speaker is None:
        return settings
    return settings.model_copy(update={"name": request.speaker})


def _of_profile(profile: str) -> VoiceSettings:
    settings = load_profile(profile).voice
    if isinstance(settings, NoVoice):
        raise InputFailure(f"the profile {profile} has no voice; name one with --voice")
    chosen = choose_voice(settings)
    if chosen.fault:
        complain(f"note: {chosen.fault}")
    if isinstance(chosen.settings, PiperVoice | KokoroVoice):
        return chosen.settings.model_copy(update={"phrases": ()})
    return chosen.settings


def _named(voice: str) -> VoiceSettings:
    if voice == "espeak":
        return EspeakVoice()
    found = {voice.name: voice for voice in installed_voices()}.get(voice)
    if found is None:
        raise InputFailure(
            f"--voice {voice[:80]!r}: is not installed; `interject voice list` shows what is"
        )
    if found.engine == "piper":
        return PiperVoice(engine="piper", model=found.name, espeak=None, phrases=())
    return KokoroVoice(engine="kokoro", model=found.name, espeak=None, phrases=())


async def _say(
    voice: Voice, request: SayRequest, write: Callable[[bytes], object]
) -> tuple[float, int]:
    """When the first sound came, and how many samples there were."""
    begun_s, first_s, samples = time.monotonic(), 0.0, 0
    try:
        async for chunk in voice.speak(_once(request.text), Emotion(request.emotion)):
            if chunk.pcm and not samples:
                first_s = time.monotonic() - begun_s
            samples += len(chunk.pcm) // SAMPLE_BYTES
            await asyncio.to_thread(write, chunk.pcm)
    finally:
        await voice.aclose()
    return first_s, samples


async def _once(text: str) -> AsyncIterator[str]:
    yield text


@contextlib.contextmanager
def _sink(out: str | None, rate_hz: int) -> Iterator[Callable[[bytes], object]]:
    if out is not None:
        with wave.open(out, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(SAMPLE_BYTES)
            file.setframerate(rate_hz)
            yield file.writeframes
        return
    from interject.cli.input.microphone import load_sounddevice

    try:
        device = load_sounddevice()
    except InputFailure as failure:
        raise InputFailure(f"{failure}; or write a file with --out") from None
    stream: Any = device.RawOutputStream(samplerate=rate_hz, channels=1, dtype="int16")
    with stream:
        yield stream.write
