"""Settings of an `AgentSession` that harm an agent which always listens: put right, or said."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from livekit.agents import AgentSession

logger = logging.getLogger(__name__)

HOLES = "the model hears digital silence while the agent speaks, and takes its edges for blows"
PAUSES = "gain makes noise in pauses loud, by up to 14 dB at the beginning"


def settle(session: AgentSession[Any]) -> None:
    """Called when the session starts. A line for each setting: what is set, what to set, and why.

    LiveKit's defaults that put holes into the sound are switched off; what somebody chose stays.
    """
    _settle_warmup(session)
    interruption = session.options.interruption
    if interruption.get("discard_audio_if_uninterruptible"):
        interruption["discard_audio_if_uninterruptible"] = False
        _tell("interruption.discard_audio_if_uninterruptible", "True", "False", HOLES, mended=True)
    ear = getattr(getattr(session, "_room_io", None), "_audio_input", None)
    if getattr(ear, "_apm", None) is not None:
        _tell("AudioInputOptions.auto_gain_control", "True", "False", PAUSES, mended=False)


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


def _tell(setting: str, value: str, wanted: str, why: str, *, mended: bool) -> None:
    logger.warning(
        "A setting of this session was changed: it harms an agent that always listens"
        if mended
        else "A setting of this session harms an agent that always listens",
        extra={"setting": setting, "value": value, "wanted": wanted, "why": why},
    )
