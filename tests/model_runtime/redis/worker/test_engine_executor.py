"""What is written after a step does not hold up the next one, which the device computes already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.engine.context_budget import least_context
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.protocol import Emotion, SessionOptions
from interject.model_runtime.redis.worker.engine_executor import EngineExecutor
from interject.model_runtime.redis.worker.recovery.restore_pool import RestorePool
from interject.model_runtime.redis.worker.token_encoding import EncodedText
from interject.model_runtime.remote import wire
from tests.fakes.late_backend import LateBackend
from tests.model_runtime.redis.worker.owned import owned
from tests.model_runtime.worlds import frames, noise, small_model

if TYPE_CHECKING:
    from interject.model_runtime.redis.worker.batch import Batch


class Scene:
    """One session, alone with a device that computes on its own, in slots of so many positions."""

    def __init__(self, context: int) -> None:
        self.engine = Engine(
            small_model(context), slots=1, eviction=Eviction.EXACT, backend=LateBackend
        )
        self.pool = RestorePool(1)
        self.batches: list[Batch] = []
        self.executor = EngineExecutor(
            self.engine, self.pool, model="m", put=lambda action: action(),
            deliver=self.batches.extend, joined=lambda session: None,
        )  # fmt: skip
        self.session = owned("a", options=SessionOptions("a", threshold=1.0))
        prefix = self.engine.prompt_encoder.prefix(self.session.options)
        self.executor.admit(self.session, prefix)

    @property
    def snapshots(self) -> int:
        return sum(bool(batch.snapshot) for batch in self.batches)


def test_a_snapshot_after_an_eviction_waits_until_the_device_is_done() -> None:
    scene = Scene(least_context(small_model().config.tower))
    engine, executor = scene.engine, scene.executor
    for frame in frames(noise(4.0)):
        executor.take_in([(scene.session, f"{1 + frame.seq}-0", frame)])
        busy = True
        while busy:
            busy = engine.step()
            computing = engine.in_step("a")
            executor.hand_out()
            assert engine.in_step("a") == computing
    scene.pool.close()
    assert engine.evictions("a") > 2
    assert scene.snapshots >= engine.evictions("a") - 1


def test_a_session_that_is_always_in_a_step_gets_a_snapshot_all_the_same() -> None:
    """Its next step is begun before what came of the last is written."""
    scene = Scene(256)
    for number in range(80):
        said = EncodedText(wire.Say("x" * 30, Emotion.NORMAL), tuple(range(60, 90)))
        scene.executor.take_in([(scene.session, f"{1 + number}-0", said)])
        if number > 1:
            scene.engine.step()
            scene.executor.hand_out()
    scene.pool.close()
    assert scene.engine.evictions("a") > 6
    assert scene.snapshots > scene.engine.evictions("a") // 4
