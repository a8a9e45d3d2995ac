"""A domain's examination: streams of what was held out, heard through the product's engine."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import FRAME_S
from interject.training.domain.domain_scene import busy_scene, lone_scene, ordinary_scene
from interject.training.nano.evaluation import heard_before
from interject.training.streaming_benchmark.matching import match
from interject.training.streaming_benchmark.threshold_sweep import (
    ThresholdPoint,
    recommended,
    sweep,
)
from interject.training.streaming_benchmark.words import same_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.training.domain.domain_stock import DomainMaterial
    from interject.training.domain.examiner import Examiner
    from interject.training.domain.work_watch import WorkWatch
    from interject.training.nano.scene import Scene
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
    """`dense`: an event, or what is nearly one, every few seconds, or alone between long pauses.
    `ordinary`: talk and sounds of which none asks for anything, as hours of a day are. By `calm`,
    which is of that kind, too, the threshold is chosen: nothing that is reported.
    """

    dense: tuple[Scene, ...]
    ordinary: tuple[Scene, ...]
    calm: tuple[Scene, ...]


@dataclass(frozen=True, slots=True)
class ExaminedModel:
    """`reactions` are the domain's own, `others` what the base knew before, all in one.

    False replies are counted by what had begun last: `false_after` in the dense streams, with
    `unwanted` how often each of those was heard, `ordinary_after` in the ordinary ones. In `points`
    recall is of the dense streams, false replies an hour of the ordinary ones.
    """

    threshold: float
    reactions: dict[str, ReactionScore]
    others: ReactionScore
    false_after: Counter[str]
    unwanted: Counter[str]
    ordinary_hours: float
    ordinary_after: Counter[str]
    points: tuple[ThresholdPoint, ...]

    @property
    def false_an_hour(self) -> float:
        return self.ordinary_after.total() / self.ordinary_hours


def examination_streams(
    material: DomainMaterial, watch: WorkWatch | None = None
) -> ExaminationStreams:
    """The same ones every time, for the same material. None of its recordings was learnt from.

    :raises WorkStopped: when it was to stop.
    """
    stock = material.stock(held_out=True, watch=watch)
    count = max(2, round(material.domain.size.test_hours * 3_600 / (CHUNKS * FRAME_S) / 3))
    others = material.keeps_nano
    dense = [
        (lone_scene if number % 2 else busy_scene)(stock, _rng(number), CHUNKS, others=others)
        for number in range(count)
    ]
    ordinary = [ordinary_scene(stock, _rng(number), CHUNKS) for number in range(2 * count)]
    return ExaminationStreams(tuple(dense), tuple(ordinary[:count]), tuple(ordinary[count:]))


def examine(
    examiner: Examiner, streams: ExaminationStreams, names: Sequence[str], threshold: float
) -> ExaminedModel:
    """`names` are the domain's reactions.

    :raises WorkStopped: when it was to stop; what was heard is kept.
    """
    dense = examiner.play(streams.dense, threshold)
    ordinary = examiner.play(streams.ordinary, threshold)
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
    ordinary_after = Counter(
        heard_before(scene.happenings, heard.chunk)
        for scene, stream in zip(streams.ordinary, ordinary, strict=True)
        for heard in stream.heard
    )
    return ExaminedModel(
        threshold=threshold,
        reactions=own,
        others=others,
        false_after=false_after,
        unwanted=unwanted,
        ordinary_hours=sum(stream.hours for stream in ordinary),
        ordinary_after=ordinary_after,
        points=tuple(
            ThresholdPoint(hard.threshold, hard.recall, calm.false_per_hour)
            for hard, calm in zip(sweep(dense), sweep(ordinary), strict=True)
        ),
    )


def chosen_threshold(
    examiner: Examiner, streams: ExaminationStreams, false_an_hour: float, threshold: float
) -> float:
    """The lowest with at most so many false reactions; where none has, the one with fewest. The
    model hears the streams at `threshold`.

    :raises WorkStopped: when it was to stop; what was heard is kept.
    """
    points = sweep(examiner.play(streams.calm, threshold))
    found = recommended(points, target_false_per_hour=false_an_hour)
    best = found or min(points, key=lambda p: (p.false_per_hour, p.threshold))
    return best.threshold


def _rng(number: int) -> Rng:
    return np.random.default_rng((_SEED, number))
