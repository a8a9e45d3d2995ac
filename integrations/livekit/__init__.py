"""Interject in LiveKit rooms. Names load when they are used: LiveKit itself takes a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interject.integrations.audio.talk_over import TalkOver
    from interject.integrations.livekit.builder import room_options, session
    from interject.integrations.livekit.model import RealtimeModel
    from interject.integrations.livekit.realtime import RealtimeSession
    from interject.integrations.livekit.starting import start
    from interject.integrations.livekit.tts import TTS

__all__ = [
    "PRELOAD",
    "TTS",
    "RealtimeModel",
    "RealtimeSession",
    "TalkOver",
    "room_options",
    "session",
    "start",
]

PRELOAD = [
    "interject.integrations.livekit.jobs.worker",
    "interject.agent.voice.espeak",
    "interject.agent.voice.openai",
    "interject.model_runtime.local.runtime",
    "interject.model_runtime.redis.client.runtime",
]
"""For `AgentServer(preload_modules=...)`: imported there, nothing stops a call to import it."""
HOMES = {
    "RealtimeModel": "interject.integrations.livekit.model",
    "RealtimeSession": "interject.integrations.livekit.realtime",
    "TTS": "interject.integrations.livekit.tts",
    "TalkOver": "interject.integrations.audio.talk_over",
    "room_options": "interject.integrations.livekit.builder",
    "session": "interject.integrations.livekit.builder",
    "start": "interject.integrations.livekit.starting",
}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(HOMES[name]), name)
