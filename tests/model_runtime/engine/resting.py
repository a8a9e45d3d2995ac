"""Whether asking only the sessions that are awake comes to the same as asking all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.model_runtime.engine.scheduler import StepPlan, plan_step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interject.model_runtime.engine.engine import Engine
    from interject.model_runtime.engine.stream import Stream


def assert_only_idle_rest(engine: Engine) -> None:
    """Between two steps, as whoever has all sessions at hand would plan the next one."""
    table, batcher = engine._streams, engine._batcher
    everybody, now = tuple(table._streams.values()), engine._clock()

    def plan(streams: Iterable[Stream]) -> StepPlan:
        idle = [stream for stream in streams if stream not in batcher._busy]
        return replace(plan_step(idle, now=now, limits=batcher._limits), resting=())

    assert plan(table.awake) == plan(everybody)
    resting = set(everybody) - set(table.awake)
    assert not any(stream.drained or stream.audio.chunks for stream in resting)
    assert batcher._busy <= set(table.awake) | (batcher._busy - set(everybody))
