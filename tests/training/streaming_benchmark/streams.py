"""Streams and played streams for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import FRAME_S, SAMPLE_RATE_HZ
from interject.training.streaming_benchmark.played_stream import (
    DueReply,
    HeardReply,
    PlayedStream,
)
from interject.training.streams.ability import Ability
from interject.training.streams.stream import TrainingStream
from interject.training.streams.turn import StreamTurn, response_chunk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def due(chunk: int, text: str = "Yes.", kind: str = "", before_end_s: float = 0.1) -> DueReply:
    return DueReply(chunk, (chunk + 1) * FRAME_S - before_end_s, text, kind)


def heard(chunk: int, text: str = "Yes.", first_word_s: float | None = 0.05) -> HeardReply:
    return HeardReply(chunk, text, first_word_s)


def played(
    dues: Sequence[DueReply],
    replies: Sequence[HeardReply],
    *,
    chunks: int = 9,
    p_respond: Sequence[float | None] | None = None,
    ability: Ability = Ability.VOICE_CHAT,
    name: str = "a",
    problem: str = "",
) -> PlayedStream:
    """Without `p_respond` it was 1 where something was said, and 0 elsewhere."""
    said = {reply.chunk for reply in replies}
    known = [float(chunk in said) for chunk in range(chunks)] if p_respond is None else p_respond
    return PlayedStream(
        id=name,
        ability=ability,
        chunks=len(known),
        due=tuple(dues),
        heard=tuple(replies),
        p_respond=tuple(known),
        problem=problem,
    )


def tone(seconds: float, level: float = 0.5) -> NDArray[np.float32]:
    at = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    wave: NDArray[np.float32] = (level * np.sin(2 * np.pi * 440 * at)).astype(np.float32)
    return wave


def stream(
    name: str = "a", *, loud_s: float = 1.2, asked: bool = True, prompt: str | None = None
) -> TrainingStream:
    """0.8 s of near silence, one loud turn, 2 s of near silence."""
    quiet = np.random.default_rng(1).normal(0, 0.003, round(2.8 * SAMPLE_RATE_HZ))
    sound = np.concatenate((quiet[:12_800], tone(loud_s, 0.7), quiet[12_800:])).astype(np.float32)
    end_s = 0.8 + loud_s
    turn = StreamTurn(0.8, end_s, "what is it")
    if asked:
        turn = StreamTurn(
            0.8,
            end_s,
            "what is it",
            "I heard something loud.",
            response_chunk=response_chunk(end_s),
        )
    return TrainingStream(
        name, Ability.VOICE_CHAT, sound, (turn,), (), seed=1, system_prompt=prompt
    )
