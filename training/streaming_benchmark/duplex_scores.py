"""How an agent behaves where both may speak: whether it answers, waits, stops, and how soon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.config.strict import StrictModel
from interject.training.sound_benchmark.bootstrap import (
    Estimate,
    estimate_of_quantile,
    estimate_of_rows,
)
from interject.training.streaming_benchmark.duplex_scene import SceneKind

if TYPE_CHECKING:
    from collections.abc import Sequence


class PlayedScene(StrictModel):
    """What an agent did in one scene.

    `spoke_ms`: from the end of what is asked to its first sound, negative before that end; None
    where it was not heard. `stopped_ms`: from the begin of what was said over it to its silence;
    None where it spoke on to the end of its reply. `talked_over` says whether there was any.
    """

    kind: SceneKind
    id: str
    spoke_ms: float | None
    talked_over: bool = False
    stopped_ms: float | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class DuplexScore:
    """`share` is of `scenes`, `times` are of those of the share; `good` says which way is up."""

    kind: SceneKind
    what: str
    good: str
    scenes: int
    share: Estimate
    p50_ms: Estimate
    p95_ms: Estimate


def score_scenes(scenes: Sequence[PlayedScene], *, seed: int) -> list[DuplexScore]:
    """A kind without a scene is left out; a scene that failed counts as not done."""
    found = []
    for kind in SceneKind:
        part = [scene for scene in scenes if scene.kind is kind]
        if kind in (SceneKind.BARGE_IN, SceneKind.BACKCHANNEL):
            part = [scene for scene in part if scene.talked_over]
        if part:
            found.append(_scored(kind, part, seed))
    return found


def _scored(kind: SceneKind, scenes: Sequence[PlayedScene], seed: int) -> DuplexScore:
    what, good = WHAT[kind]
    done = [was_done(scene) for scene in scenes]
    rows = np.array([(each is not None, 1) for each in done], np.float64)
    times = [each for each in done if each is not None] if kind in TIMED else []
    return DuplexScore(
        kind=kind,
        what=what,
        good=good,
        scenes=len(scenes),
        share=estimate_of_rows(rows, lambda sums: sums[:, 0] / sums[:, 1], seed=seed),
        p50_ms=estimate_of_quantile(times, 0.5, seed=seed),
        p95_ms=estimate_of_quantile(times, 0.95, seed=seed),
    )


WHAT = {
    SceneKind.TAKE_OVER: ("answered after the end of the turn", "high"),
    SceneKind.BARGE_IN: ("stopped when talked over", "high"),
    SceneKind.BACKCHANNEL: ("stopped for 0.3 s of somebody's voice", "low"),
    SceneKind.PAUSE: ("spoke in the pause of a sentence", "low"),
    SceneKind.BACKGROUND: ("answered speech that asks nothing of it", "low"),
}
TIMED = (SceneKind.TAKE_OVER, SceneKind.BARGE_IN)


def was_done(scene: PlayedScene) -> float | None:
    """The time of what its kind asks about; None where it was not done."""
    match scene.kind:
        case SceneKind.TAKE_OVER:
            return scene.spoke_ms if scene.spoke_ms is not None and scene.spoke_ms >= 0 else None
        case SceneKind.PAUSE:
            return scene.spoke_ms if scene.spoke_ms is not None and scene.spoke_ms < 0 else None
        case SceneKind.BACKGROUND:
            return scene.spoke_ms
        case _:
            return scene.stopped_ms
