"""A domain's examination: streams of what was held out, heard through the product's engine."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.protocol import FRAME_S, SAMPLE_RATE_HZ
from interject.training.domain.domain_scene import DomainSceneBuilder
from interject.training.nano.evaluation import heard_before, listen
from interject.training.nano.scene import Style
from interject.training.nano.scene_builder import SceneBuilder
from interject.training.streaming_benchmark.matching import match
from interject.training.streaming_benchmark.played_stream import (
    DueReply,
    HeardReply,
    PlayedStream,
)
from interject.training.streaming_benchmark.threshold_sweep import (
    ThresholdPoint,
    recommended,
    sweep,
)
from interject.training.streaming_benchmark.words import same_words
from interject.training.streams.ability import Ability
from interject.training.streams.turn import response_chunk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.model_runtime.checkpoint import Model
    from interject.training.domain.domain_stock import DomainMaterial
    from interject.training.nano.scene import Happening, Scene
    from interject.training.sounds.waves import Rng

CHUNKS = 60
_SEED = 60_001


@dataclass(slots=True)
class ReactionScore:
    """Of one kind of event. `right_words` are of those found."""

    wanted: int = 0
    found: int = 0
    right_words: int = 0
    late_chunks: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ExaminationStreams:
    """`dense`: an event, or what is nearly one, every few seconds. `ordinary`: talk and sounds of
    which none asks for anything, as hours of a day are.
    """

    dense: tuple[Scene, ...]
    ordinary: tuple[Scene, ...]

    def __len__(self) -> int:
        return len(self.dense) + len(self.ordinary)


@dataclass(frozen=True, slots=True)
class ExaminedModel:
    """`reactions` are the domain's own, `others` what the base knew before, all in one.

    `false_after` counts, in the dense streams, by what had begun last, and `unwanted` how often
    each of those was heard. In `points` recall is of the dense streams, false replies an hour
    of the ordinary ones.
    """

    threshold: float
    reactions: dict[str, ReactionScore]
    others: ReactionScore
    false_after: Counter[str]
    unwanted: Counter[str]
    ordinary_hours: float
    ordinary_false: int
    points: tuple[ThresholdPoint, ...]

    @property
    def false_an_hour(self) -> float:
        return self.ordinary_false / self.ordinary_hours


def examination_streams(
    material: DomainMaterial, told: Callable[[str], object] = lambda _: None
) -> ExaminationStreams:
    """The same ones every time, for the same material. None of its recordings was learnt from."""
    stock = material.stock(held_out=True, told=told)
    count = max(2, round(material.domain.size.test_hours * 3_600 / (CHUNKS * FRAME_S)))
    dense = [
        DomainSceneBuilder(stock, _rng(number), CHUNKS, others=material.keeps_nano).build()
        for number in range(count // 2)
    ]
    ordinary = [
        SceneBuilder(stock.general, _rng(number), CHUNKS, Style.UNRELATED).build()
        for number in range(count - count // 2)
    ]
    return ExaminationStreams(tuple(dense), tuple(ordinary))


def examine(
    model: Model,
    streams: ExaminationStreams,
    names: Sequence[str],
    threshold: float,
    advanced: Callable[[int], object] = lambda _: None,
) -> ExaminedModel:
    """`names` are the domain's reactions."""
    engine = Engine(model, slots=1)

    def played(scene: Scene) -> PlayedStream:
        advanced(1)
        return _played(engine, scene, threshold)

    dense = [played(scene) for scene in streams.dense]
    ordinary = [played(scene) for scene in streams.ordinary]
    own = {name: ReactionScore() for name in names}
    others, false_after, unwanted = ReactionScore(), Counter[str](), Counter[str]()
    for scene, stream in zip(streams.dense, dense, strict=True):
        matched = match(stream.due, stream.heard)
        for due in stream.due:
            own.get(due.kind, others).wanted += 1
        for due, heard in matched.pairs:
            score = own.get(due.kind, others)
            score.found += 1
            score.right_words += same_words(heard.text, due.text)
            score.late_chunks.append(heard.chunk - due.chunk)
        unwanted.update(h.key for h in scene.happenings if h.reply is None)
        false_after.update(heard_before(scene.happenings, heard.chunk) for heard in matched.false)
    return ExaminedModel(
        threshold=threshold,
        reactions=own,
        others=others,
        false_after=false_after,
        unwanted=unwanted,
        ordinary_hours=sum(stream.hours for stream in ordinary),
        ordinary_false=sum(len(stream.heard) for stream in ordinary),
        points=tuple(
            ThresholdPoint(hard.threshold, hard.recall, calm.false_per_hour)
            for hard, calm in zip(sweep(dense), sweep(ordinary), strict=True)
        ),
    )


def chosen_threshold(examined: ExaminedModel, false_an_hour: float) -> float:
    """The lowest with at most so many false reactions; where none has, the one with fewest."""
    found = recommended(examined.points, target_false_per_hour=false_an_hour)
    best = found or min(examined.points, key=lambda p: (p.false_per_hour, p.threshold))
    return best.threshold


def _rng(number: int) -> Rng:
    return np.random.default_rng((_SEED, number))


def _played(engine: Engine, scene: Scene, threshold: float) -> PlayedStream:
    replies, p_respond = listen(engine, scene, threshold)
    return PlayedStream(
        id="examination",
        ability=Ability.PROACTIVE,
        chunks=scene.chunks,
        due=tuple(_due(h) for h in scene.happenings if h.reply is not None),
        heard=tuple(HeardReply(reply.chunk, reply.text) for reply in replies),
        p_respond=tuple(p_respond),
    )


def _due(happening: Happening) -> DueReply:
    """Due from the chunk that its end lies in: whoever needs no decision lag is not early."""
    assert happening.reply is not None
    end_s = happening.end / SAMPLE_RATE_HZ
    return DueReply(response_chunk(end_s), end_s, happening.reply.text, happening.reply.key)
