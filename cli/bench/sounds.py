"""Recordings from files, or from speech that is made on the spot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.agent.resample import Resampler
from interject.agent.voice import VoiceFailure, open_voice
from interject.cli.bench.looped_sound import LoopedSound, RoomSound
from interject.cli.input.whole_sound import read_whole
from interject.cli.process.failures import InputFailure
from interject.config import EspeakVoice
from interject.model_runtime.protocol import SAMPLE_RATE_HZ, Emotion

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

SENTENCES = (
    "Did anybody move the blue folder from the table?",
    "The train at seven was late again, so I walked the last part.",
    "Let us look at the second page first, then at the numbers.",
    "I think we need four chairs more, and somebody has to carry them.",
    "Yes. No, wait, not that one.",
    "The water has been boiling for a while now.",
    "She said that she would call back before noon.",
    "It rained all night, and the roof held.",
    "Can you hear me at the back?",
    "Thank you, that is all for today.",
)
LEAST_PAUSE_S, LONGEST_PAUSE_S = 0.4, 2.5
HISS = 60.0
"""Standard deviation of the room's noise, of 32,768."""


def read_recording(name: str) -> LoopedSound:
    """Any sound file, mixed to one channel.

    :raises InputFailure: when there is no sound to be had from it.
    """
    return LoopedSound(read_whole(name).astype("<i2").tobytes())


async def speak_recording() -> LoopedSound:
    """About a minute of espeak-ng with pauses.

    :raises InputFailure: when espeak-ng is missing.
    """
    try:
        voice = open_voice(EspeakVoice())
    except VoiceFailure as error:
        raise InputFailure(f"no speech can be made ({error}); give --wav FILE") from None
    draw = np.random.default_rng(0)
    resampler = Resampler(voice.sample_rate_hz)
    parts: list[np.ndarray[tuple[int], np.dtype[np.int16]]] = []
    try:
        for sentence in SENTENCES:
            spoken = [chunk.pcm async for chunk in voice.speak(_said(sentence), Emotion.NORMAL)]
            parts += [resampler.push(np.frombuffer(pcm, np.int16)) for pcm in spoken]
            pause_s = draw.uniform(LEAST_PAUSE_S, LONGEST_PAUSE_S)
            parts.append(np.zeros(round(pause_s * SAMPLE_RATE_HZ), np.int16))
    finally:
        await voice.aclose()
    speech = np.concatenate(parts)
    noisy = speech + np.rint(draw.normal(0.0, HISS, len(speech)))
    return LoopedSound(np.clip(noisy, -32_768, 32_767).astype("<i2").tobytes())


def rooms_in(recordings: Sequence[LoopedSound], count: int) -> list[RoomSound]:
    """So many rooms, each with a place of its own to begin at."""
    draw = np.random.default_rng(1)
    chosen = [recordings[number % len(recordings)] for number in range(count)]
    return [RoomSound(one, int(draw.integers(one.samples))) for one in chosen]


async def _said(text: str) -> AsyncIterator[str]:
    yield text
