"""Streams that are too long, cut at a chunk: sound, turns and spans together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import FRAME_SAMPLES, SAMPLE_RATE_HZ
from interject.training.streams.turn import response_chunk

if TYPE_CHECKING:
    from interject.training.streams.stream import TrainingStream
    from interject.training.streams.turn import StreamTurn


def turn_chunk(turn: StreamTurn) -> int:
    """The chunk after which a turn is over, answered or not."""
    return response_chunk(turn.end_s) if turn.response_chunk is None else turn.response_chunk


def cut_stream(stream: TrainingStream, chunks: int) -> TrainingStream:
    """The first chunks of a stream. A turn that is not over by then is not in it."""
    if stream.chunks <= chunks:
        return stream
    samples = chunks * FRAME_SAMPLES
    end_s = samples / SAMPLE_RATE_HZ
    return replace(
        stream,
        sound=stream.sound[:samples],
        turns=tuple(turn for turn in stream.turns if turn_chunk(turn) < chunks),
        spans=tuple(span for span in stream.spans if span.end_s <= end_s),
    )
