"""Settings of an `AgentSession` that harm an agent which always listens: put right, or said."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from livekit.agents.utils import is_given

if TYPE_CHECKING:
    from livekit.agents import AgentSession

logger = logging.getLogger(__name__)

HOLES = "the model hears digital silence while the agent speaks, and takes its edges for blows"
PAUSES = "gain makes noise in pauses loud, by up to 14 dB at the beginning"


def settle(session: AgentSession[Any]) -> None:
    """Called when the session starts. A line for each setting: what is set, what to set, and why.

    LiveKit's defaults that spoil the sound are switched off; what somebody chose stays, where
    LiveKit tells it from a default.
    """
    _settle_warmup(session)
    interruption = session.options.interruption
    if interruption.get("discard_audio_if_uninterruptible"):
        interruption["discard_audio_if_uninterruptible"] = False
        _tell("interruption.discard_audio_if_uninterruptible", "True", "False", HOLES, mended=True)
    _settle_gain(session)


def _settle_warmup(session: AgentSession[Any]) -> None:
    seconds = session.options.aec_warmup_duration
    if not seconds:
        return
    by_default = not session._aec_warmup_duration_explicit
    if by_default:
        session.options.aec_warmup_duration = None
        session._aec_warmup_remaining = 0.0
        session._aec_warmup_duration_explicit = True
    _tell("aec_warmup_duration", f"{seconds:g} s", "None", HOLES, mended=by_default)


def _settle_gain(session: AgentSession[Any]) -> None:
    """Where RoomIO is the ear. It offers no way to change its mind, so its gain is taken away."""
    room_io = session._room_io
    ear = room_io._audio_input if room_io is not None else None
    if room_io is None or ear is None or ear._apm is None:
        return
    asked = room_io._options.get_audio_input_options()
    by_default = asked is not None and not is_given(asked.auto_gain_control)
    if by_default:
        ear._apm = None
    _tell("AudioInputOptions.auto_gain_control", "True", "False", PAUSES, mended=by_default)


def _tell(setting: str, value: str, wanted: str, why: str, *, mended: bool) -> None:
    logger.warning(
        "A setting of this session harms an agent that always listens",
        extra={
            "setting": setting,
            "value": value,
            "wanted": wanted,
            "why": why,
            "state": "changed" if mended else "left as it is",
        },
    )
