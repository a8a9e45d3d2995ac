"""Profiles: what a deployment of Interject is told, hears and says."""

from __future__ import annotations

from interject.config.loader import ProfileError, load_profile, shipped_profiles
from interject.config.profile import (
    CueSettings,
    EspeakVoice,
    NoVoice,
    OpenAIVoice,
    Profile,
    ReplyLimits,
    RoomSettings,
    SamplingSettings,
    VoiceSettings,
)

__all__ = [
    "CueSettings",
    "EspeakVoice",
    "NoVoice",
    "OpenAIVoice",
    "Profile",
    "ProfileError",
    "ReplyLimits",
    "RoomSettings",
    "SamplingSettings",
    "VoiceSettings",
    "load_profile",
    "shipped_profiles",
]
