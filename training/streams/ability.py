"""What a stream teaches."""

from __future__ import annotations

from enum import StrEnum


class Ability(StrEnum):
    """The seven of StreamAudio-2M."""

    VOICE_CHAT = "voice_chat"
    STREAMING_INSTRUCTION = "streaming_instruction"
    AUDIO_UNDERSTANDING = "audio_understanding"
    TRANSLATION = "translation"
    REAL_TIME_ASR = "real_time_asr"
    PROACTIVE = "proactive"
    ENVIRONMENT_AGENT = "environment_agent"
