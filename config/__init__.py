"""Profiles: what a deployment of Interject is told, hears and says."""

from __future__ import annotations

from interject.config.cues import ChecklistSettings, CueCategory, CueSettings
from interject.config.loader import ProfileError, load_profile, shipped_profiles
from interject.config.privacy import PrivacySettings
from interject.config.profile import (
    Profile,
    ReplyLimits,
    RoomSettings,
    SamplingSettings,
)
from interject.config.soundboard import SoundboardSettings
from interject.config.voice import (
    AutoVoice,
    EspeakVoice,
    KokoroVoice,
    NeuralVoice,
    NoVoice,
    OpenAIVoice,
    PiperVoice,
    VoiceSettings,
)

__all__ = [
    "AutoVoice",
    "ChecklistSettings",
    "CueCategory",
    "CueSettings",
    "EspeakVoice",
    "KokoroVoice",
    "NeuralVoice",
    "NoVoice",
    "OpenAIVoice",
    "PiperVoice",
    "PrivacySettings",
    "Profile",
    "ProfileError",
    "ReplyLimits",
    "RoomSettings",
    "SamplingSettings",
    "SoundboardSettings",
    "VoiceSettings",
    "load_profile",
    "shipped_profiles",
]
