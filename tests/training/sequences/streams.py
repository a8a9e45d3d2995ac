"""Streams that tests of training share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import FRAME_SAMPLES, SAMPLE_RATE_HZ, Emotion
from interject.training.streams.ability import Ability
from interject.training.streams.stream import TrainingStream
from interject.training.streams.turn import StreamTurn

if TYPE_CHECKING:
    from collections.abc import Sequence

CHUNK_S = FRAME_SAMPLES / SAMPLE_RATE_HZ


def turn(
    chunk: int,
    assistant: str = "",
    *,
    user: str = "",
    emotion: Emotion = Emotion.NORMAL,
    scene_type: str = "",
    response_chunk: int | None = None,
) -> StreamTurn:
    """Something that is heard until the end of a chunk, and answered there if there is a reply."""
    if assistant and response_chunk is None:
        response_chunk = chunk
    return StreamTurn(
        start_s=(chunk + 0.5) * CHUNK_S,
        end_s=(chunk + 1) * CHUNK_S,
        user=user,
        assistant=assistant,
        emotion=emotion,
        scene_type=scene_type,
        response_chunk=response_chunk,
    )


def stream(
    chunks: float, *turns: StreamTurn, name: str = "one", seed: int = 0, prompt: str | None = ""
) -> TrainingStream:
    """Noise of changing loudness."""
    rng = np.random.default_rng(seed)
    count = round(chunks * FRAME_SAMPLES)
    level = np.repeat(rng.uniform(0.01, 0.2, count // 1_600 + 1), 1_600)[:count]
    sound = (level * rng.standard_normal(count)).clip(-1, 1).astype(np.float32)
    return TrainingStream(
        stream_id=name,
        ability=Ability.VOICE_CHAT,
        sound=sound,
        turns=turns,
        spans=(),
        seed=seed,
        system_prompt=prompt,
    )


def alone(streams: Sequence[TrainingStream]) -> dict[str, TrainingStream]:
    """By name."""
    return {s.stream_id: s for s in streams}
