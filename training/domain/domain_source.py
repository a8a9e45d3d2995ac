"""A domain's streams, for a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import FRAME_SAMPLES, SAMPLE_RATE_HZ
from interject.training.domain.domain_scene import (
    DomainStock,
    busy_scene,
    known_scene,
    lone_scene,
    ordinary_scene,
)
from interject.training.streams.ability import Ability
from interject.training.streams.span import Layer, StreamSpan
from interject.training.streams.stream import TrainingStream
from interject.training.streams.turn import StreamTurn

if TYPE_CHECKING:
    from interject.training.domain.domain_stock import DomainMaterial
    from interject.training.nano.scene import Happening, Scene
    from interject.training.sounds.waves import Rng

_LONE, _BUSY, _KNOWN = 0.3, 0.28, 0.22
"""Of the streams; the rest is ordinary. Another base than nano is taught the domain only."""


class DomainSource:
    """A `StreamSource`. Each process reads the stock for itself, so that little is sent to it."""

    def __init__(self, material: DomainMaterial) -> None:
        self._material = material
        self._stock: DomainStock | None = None

    def __getstate__(self) -> dict[str, object]:
        return {"_material": self._material, "_stock": None}

    def make(self, number: int, seed: int) -> TrainingStream:
        if self._stock is None:
            self._stock = self._material.stock(held_out=False)
        rng, chunks = np.random.default_rng((seed, number)), self._material.domain.size.chunks
        scene = _scene(self._stock, rng, chunks, others=self._material.keeps_nano)
        return as_stream(scene, f"{self._material.domain.name}-{number:07d}", seed)


def _scene(stock: DomainStock, rng: Rng, chunks: int, *, others: bool) -> Scene:
    choice = rng.random()
    if choice < _LONE:
        return lone_scene(stock, rng, chunks, others=others)
    if choice < _LONE + _BUSY:
        return busy_scene(stock, rng, chunks, others=others)
    if choice < _LONE + _BUSY + _KNOWN and others:
        return known_scene(stock, rng, chunks)
    return ordinary_scene(stock, rng, chunks)


def as_stream(scene: Scene, stream_id: str, seed: int) -> TrainingStream:
    """A scene's events that are answered are turns; all of them are spans."""
    length_s = scene.chunks * FRAME_SAMPLES / SAMPLE_RATE_HZ
    turns: list[StreamTurn] = []
    before_s = 0.0
    for happening in sorted(scene.happenings, key=lambda happening: happening.end):
        if happening.reply is None:
            continue
        turn = _turn(happening, before_s)
        turns.append(turn)
        before_s = turn.end_s
    return TrainingStream(
        stream_id=stream_id,
        ability=Ability.PROACTIVE,
        sound=np.clip(scene.sound[: scene.chunks * FRAME_SAMPLES], -1, 1),
        turns=tuple(turns),
        spans=tuple(_span(happening, length_s) for happening in scene.happenings),
        seed=seed,
    )


def _turn(happening: Happening, before_s: float) -> StreamTurn:
    reply = happening.reply
    assert reply is not None
    start_s, end_s = happening.turn_s(before_s)
    return StreamTurn(
        start_s=start_s,
        end_s=end_s,
        user=happening.key,
        assistant=reply.text,
        emotion=reply.emotion,
        scene_type=Ability.PROACTIVE,
        response_chunk=happening.decision_chunk,
    )


def _span(happening: Happening, length_s: float) -> StreamSpan:
    end_s = min(happening.end / SAMPLE_RATE_HZ, length_s)
    return StreamSpan(Layer.FOREGROUND, happening.key, happening.start / SAMPLE_RATE_HZ, end_s)
