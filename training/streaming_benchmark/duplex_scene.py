"""Scenes of a conversation in which both may speak at once, made from the turns of streams.

The kinds are those of Full-Duplex-Bench (pauses, backchannels, turns taken, interruptions, speech
that is not for the agent).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.streams.span import Layer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from interject.training.streams.stream import TrainingStream
    from interject.training.streams.turn import StreamTurn

LEAD_S = 0.8
LISTENED_S = 6.0
"""Silence before a turn, and behind it."""
BARGE_IN_AFTER_S = 0.6
"""So long the agent has been heard when somebody talks over it."""
BARGE_IN_S = 2.0
BACKCHANNEL_S = 0.3
PAUSE_S = 1.0
MIDDLE = (0.35, 0.65)
"""Where in a turn a pause is put: at the quietest place of this part."""
STEP_SAMPLES = SAMPLE_RATE_HZ // 50


class SceneKind(StrEnum):
    """What happens."""

    TAKE_OVER = "take_over"
    BARGE_IN = "barge_in"
    BACKCHANNEL = "backchannel"
    PAUSE = "pause"
    BACKGROUND = "background"


@dataclass(frozen=True, slots=True)
class DuplexScene:
    """`sound` is heard whatever the agent does, and ends with silence. `due_s` is when what is
    asked in it ends; None where nothing is. `interruption` is heard once the agent has been.
    """

    kind: SceneKind
    scene_id: str
    sound: NDArray[np.float32] = field(repr=False)
    due_s: float | None
    interruption: NDArray[np.float32] | None = field(default=None, repr=False)


def make_scenes(streams: Iterable[TrainingStream], *, a_kind: int, seed: int) -> list[DuplexScene]:
    """At most `a_kind` of each, from the first turns that serve; the same every time."""
    asked: list[tuple[str, NDArray[np.float32]]] = []
    beside: list[tuple[str, NDArray[np.float32]]] = []
    for stream in streams:
        asked += [(stream.stream_id, _sound(stream, turn)) for turn in _first_asked(stream)]
        beside += _background(stream)
        if len(asked) > a_kind and len(beside) >= a_kind:
            break
    rng = random.Random(seed)
    scenes = [
        DuplexScene(SceneKind.BACKGROUND, name, _framed(sound), None)
        for name, sound in beside[:a_kind]
    ]
    for name, sound in asked[:a_kind]:
        other = _other(asked, name, rng)
        scenes += _scenes_of_turn(name, sound, other)
    return scenes


def _scenes_of_turn(
    name: str, sound: NDArray[np.float32], other: NDArray[np.float32] | None
) -> list[DuplexScene]:
    due_s = LEAD_S + len(sound) / SAMPLE_RATE_HZ
    framed = _framed(sound)
    scenes = [
        DuplexScene(SceneKind.TAKE_OVER, name, framed, due_s),
        DuplexScene(SceneKind.PAUSE, name, _framed(_paused(sound)), due_s + PAUSE_S),
    ]
    if other is not None:
        for kind, length_s in (
            (SceneKind.BARGE_IN, BARGE_IN_S),
            (SceneKind.BACKCHANNEL, BACKCHANNEL_S),
        ):
            spoken = _loudest(other, length_s)
            scenes.append(DuplexScene(kind, name, framed, due_s, spoken))
    return scenes


def _first_asked(stream: TrainingStream) -> list[StreamTurn]:
    """Of a stream the first only: later ones may lean on what came before."""
    spoken = [turn for turn in stream.turns if turn.response_chunk is not None and turn.user]
    return spoken[:1]


def _background(stream: TrainingStream) -> list[tuple[str, NDArray[np.float32]]]:
    """Speech that asks nothing of the agent: while none of the turns is one to answer."""
    due = [(turn.start_s, turn.end_s) for turn in stream.turns if turn.response_chunk is not None]
    heard = [
        (span.start_s, span.end_s)
        for span in stream.spans
        if span.layer in (Layer.BACKGROUND, Layer.SPEECH) and span.text
    ]
    heard += [
        (turn.start_s, turn.end_s)
        for turn in stream.turns
        if turn.response_chunk is None and turn.user
    ]
    alone = sorted({each for each in heard if not any(_meet(each, turn) for turn in due)})
    return [(stream.stream_id, _cut(stream, *each)) for each in alone[:1]]


def _meet(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _sound(stream: TrainingStream, turn: StreamTurn) -> NDArray[np.float32]:
    """From the begin of its speech, where a stream says when that is."""
    begins = [
        span.start_s
        for span in stream.spans
        if span.layer is Layer.SPEECH and turn.start_s <= span.start_s < turn.end_s
    ]
    return _cut(stream, min(begins, default=turn.start_s), turn.end_s)


def _cut(stream: TrainingStream, start_s: float, end_s: float) -> NDArray[np.float32]:
    return stream.sound[round(start_s * SAMPLE_RATE_HZ) : round(end_s * SAMPLE_RATE_HZ)]


def _framed(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate((silence(LEAD_S), sound, silence(LISTENED_S)))


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), np.float32)


def _paused(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    steps = len(sound) // STEP_SAMPLES
    first, last = (int(share * steps) for share in MIDDLE)
    energies = np.square(sound[: steps * STEP_SAMPLES]).reshape(steps, -1).mean(axis=1)
    quietest = first + int(np.argmin(energies[first : last + 1])) if steps else 0
    at = quietest * STEP_SAMPLES
    return np.concatenate((sound[:at], silence(PAUSE_S), sound[at:]))


def _other(
    asked: Sequence[tuple[str, NDArray[np.float32]]], name: str, rng: random.Random
) -> NDArray[np.float32] | None:
    others = [sound for other, sound in asked if other != name]
    return rng.choice(others) if others else None


def _loudest(sound: NDArray[np.float32], seconds: float) -> NDArray[np.float32]:
    """The stretch of that length with the most energy, so that it begins with speech."""
    length = round(seconds * SAMPLE_RATE_HZ)
    if len(sound) <= length:
        return sound
    sums = np.concatenate(([0.0], np.cumsum(np.square(sound, dtype=np.float64))))
    begin = int(np.argmax(sums[length:] - sums[:-length]))
    return sound[begin : begin + length]
