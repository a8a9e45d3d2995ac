"""How the voices of Pipecat are told of an emotion. Others are told nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from interject.model_runtime.protocol import Emotion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipecat.services.settings import TTSSettings
    from pipecat.services.tts_service import TTSService

CARTESIA = {
    Emotion.NORMAL: "neutral",
    Emotion.HAPPY: "happy",
    Emotion.SAD: "sad",
    Emotion.ANGRY: "angry",
    Emotion.SURPRISE: "surprised",
    Emotion.URGENT: "alarmed",
}
MINIMAX = {
    Emotion.NORMAL: "calm",
    Emotion.HAPPY: "happy",
    Emotion.SAD: "sad",
    Emotion.ANGRY: "angry",
    Emotion.SURPRISE: "surprised",
    Emotion.URGENT: "fearful",
}


def emotion_settings(voice: TTSService, emotion: Emotion) -> TTSSettings | None:
    """A change of the voice's settings; none where it knows no emotions."""
    for kind in type(voice).__mro__:
        if (fields := FIELDS.get(kind.__name__)) is not None:
            return cast("TTSSettings", type(voice.settings)(**fields(voice, emotion)))
    return None


def _cartesia(voice: TTSService, emotion: Emotion) -> Mapping[str, Any]:
    """What its owner has set of speed and volume stays."""
    from pipecat.services.cartesia.tts import GenerationConfig

    held = getattr(voice.settings, "generation_config", None)
    config = held if isinstance(held, GenerationConfig) else GenerationConfig()
    return {"generation_config": config.model_copy(update={"emotion": CARTESIA[emotion]})}


def _minimax(voice: TTSService, emotion: Emotion) -> Mapping[str, Any]:
    return {"emotion": MINIMAX[emotion]}


def _interject(voice: TTSService, emotion: Emotion) -> Mapping[str, Any]:
    return {"emotion": emotion.value}


FIELDS: dict[str, Callable[[TTSService, Emotion], Mapping[str, Any]]] = {
    "CartesiaTTSService": _cartesia,
    "CartesiaHttpTTSService": _cartesia,
    "MiniMaxHttpTTSService": _minimax,
    "InterjectTTSService": _interject,
}
"""By the names of the classes: importing them takes what their makers' own packages bring."""
