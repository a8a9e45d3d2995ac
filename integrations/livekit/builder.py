"""A LiveKit session with every setting that an always-on agent needs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from livekit.agents import AgentSession, TurnHandlingOptions
from livekit.agents.types import NOT_GIVEN
from livekit.agents.utils import is_given
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.room_io import AudioInputOptions, RoomOptions, TextInputOptions
from livekit.agents.voice.turn import InterruptionOptions

from interject.config import NoVoice, Profile, load_profile
from interject.integrations.conversation.role import DEFAULT_RUNTIME
from interject.integrations.livekit.model import DEFAULT_PROFILE, RealtimeModel
from interject.integrations.livekit.realtime import RealtimeSession
from interject.integrations.livekit.tts import TTS
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from pathlib import Path

    from livekit.agents import stt, tts
    from livekit.agents.types import NotGivenOr
    from livekit.agents.voice.room_io import TextInputEvent

    from interject.integrations.audio.talk_over import TalkOver
    from interject.model_runtime.protocol import FloorMode, Runtime

NEVER = sys.maxsize
"""LiveKit ends a session at the fourth reply whose voice fails; here it can still be read."""


def session(
    runtime: str | Runtime = DEFAULT_RUNTIME,
    profile: str | Path | Profile = DEFAULT_PROFILE,
    *,
    model: RealtimeModel | None = None,
    tts: NotGivenOr[tts.TTS[Any] | None] = NOT_GIVEN,
    threshold: float | None = None,
    mode: FloorMode | str | None = None,
    barge_in: bool | TalkOver = False,
    stt: stt.STT[Any] | None = None,
    speech_dbfs: float | None = None,
    consent_folder: str | Path | None = None,
    **options: Any,
) -> AgentSession[Any]:
    """An `AgentSession` around a `RealtimeModel` of these arguments, or around `model`.

    The voice is the profile's own unless `tts` is given; None makes no sound. Other `options` go
    to `AgentSession`. What they may not change is what would break the ear or the voice: no
    voice-activity detector takes turns for the model, nothing is held back while the agent speaks
    (LiveKit's echo warm-up feeds the model 3 s of silence), and nobody is declared away. Our own
    voices get the text unfiltered: filters hold it back, and cost the emotion that it carries.

    :raises ProfileError: when there is no such profile.
    :raises VoiceFailure: when the profile's voice or its engine is missing.
    :raises ValueError: when an argument is out of its range, or is fixed here.
    """
    realtime = model or RealtimeModel(
        runtime,
        profile,
        threshold=threshold,
        mode=mode,
        barge_in=barge_in,
        stt=stt,
        speech_dbfs=speech_dbfs,
        consent_folder=consent_folder,
    )
    voice = tts if is_given(tts) else realtime.tts()
    settings: dict[str, Any] = {
        "vad": None,
        "llm": realtime,
        "tts": voice if voice is not None else NOT_GIVEN,
        "turn_handling": TurnHandlingOptions(
            turn_detection="realtime_llm",
            interruption=InterruptionOptions(
                discard_audio_if_uninterruptible=False, resume_false_interruption=False
            ),
        ),
        "aec_warmup_duration": None,
        "user_away_timeout": None,
        "use_tts_aligned_transcript": True,
    }
    if wrong := sorted(settings.keys() & options.keys()):
        raise ValueError(
            f"{', '.join(wrong)}: fixed here, since another value breaks an agent that always "
            "listens; build an AgentSession yourself to change it"
        )
    options.setdefault("conn_options", SessionConnectOptions(max_unrecoverable_errors=NEVER))
    if isinstance(voice, TTS):
        options.setdefault("tts_text_transforms", None)
    built: AgentSession[Any] = AgentSession(**settings, **options)
    realtime.attach(built)
    return built


def room_options(profile: str | Path | Profile = DEFAULT_PROFILE, **options: Any) -> RoomOptions:
    """16 kHz without automatic gain, text for the model, and no track for a profile without voice.

    A session that only shows cues or posts stays when the person it heard first leaves.

    :raises ProfileError: when there is no such profile.
    """
    loaded = profile if isinstance(profile, Profile) else load_profile(profile)
    settings: dict[str, Any] = {
        "audio_input": AudioInputOptions(sample_rate=SAMPLE_RATE_HZ, auto_gain_control=False),
        "text_input": TextInputOptions(text_input_cb=on_text),
        "close_on_disconnect": loaded.mode == "speak",
    }
    if isinstance(loaded.voice, NoVoice):
        settings["audio_output"] = False
    return RoomOptions(**(settings | options))


async def on_text(session: AgentSession[Any], event: TextInputEvent) -> None:
    """Text from the room goes into the model's memory, and the model answers it.

    LiveKit's own way would interrupt the agent first.
    """
    realtime = session.current_agent.realtime_llm_session
    if isinstance(realtime, RealtimeSession):
        realtime.text_turn(event.text)
