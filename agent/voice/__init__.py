"""Voices: natural ones, espeak-ng, any OpenAI-compatible server, or none."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING

from interject.agent.voice.base import SpokenChunk, Voice, VoiceFailure, WordTiming
from interject.agent.voice.choosing import ChosenVoice, choose_voice
from interject.agent.voice.none import SilentVoice
from interject.config import EspeakVoice, NoVoice, OpenAIVoice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interject.config import VoiceSettings

logger = logging.getLogger(__name__)

__all__ = [
    "ChosenVoice",
    "SilentVoice",
    "SpokenChunk",
    "Voice",
    "VoiceFailure",
    "WordTiming",
    "choose_voice",
    "open_voice",
]


def open_voice(settings: VoiceSettings, ready: Iterable[str] = ()) -> Voice:
    """The voice that a profile names. A natural one is loaded here, which may take seconds.

    `ready`: what will be said word for word; a natural voice synthesises it beforehand.

    :raises VoiceFailure: when the engine, the voice, or the key that it needs is missing.
    """
    chosen = choose_voice(settings)
    _tell(chosen.label, chosen.fault)
    return _open(chosen, ready)


@functools.cache
def _tell(label: str, fault: str) -> None:
    """Once a process, as each call opens a voice."""
    if fault:
        logger.warning("Another voice speaks", extra={"voice": label, "reason": fault})
    else:
        logger.info("The voice is chosen", extra={"voice": label})


def _open(chosen: ChosenVoice, ready: Iterable[str]) -> Voice:
    settings = chosen.settings
    if isinstance(settings, NoVoice):
        return SilentVoice()
    if isinstance(settings, EspeakVoice):
        from interject.agent.voice.espeak import EspeakSpeaker

        return EspeakSpeaker(settings)
    if isinstance(settings, OpenAIVoice):
        from interject.agent.voice.openai import OpenAISpeaker

        return OpenAISpeaker(settings)
    from interject.agent.voice.neural.speaker import NeuralSpeaker
    from interject.agent.voice.neural.speech_model import shared_model

    if chosen.installed is None:
        raise VoiceFailure(f"the voice {settings.model} is not installed")
    speaker = NeuralSpeaker(settings, shared_model(chosen.installed))
    speaker.prepare((*ready, *settings.phrases))
    return speaker
