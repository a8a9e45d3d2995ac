"""Voices: espeak-ng, any OpenAI-compatible server, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.agent.voice.base import SpokenChunk, Voice, VoiceFailure, WordTiming
from interject.agent.voice.none import SilentVoice
from interject.config import EspeakVoice, NoVoice

if TYPE_CHECKING:
    from interject.config import VoiceSettings

__all__ = ["SilentVoice", "SpokenChunk", "Voice", "VoiceFailure", "WordTiming", "open_voice"]


def open_voice(settings: VoiceSettings) -> Voice:
    """The voice that a profile names.

    :raises VoiceFailure: when the engine, the voice, or the key that it needs is missing.
    """
    if isinstance(settings, NoVoice):
        return SilentVoice()
    if isinstance(settings, EspeakVoice):
        from interject.agent.voice.espeak import EspeakSpeaker

        return EspeakSpeaker(settings)
    from interject.agent.voice.openai import OpenAISpeaker

    return OpenAISpeaker(settings)
