"""Metrics count what happened, and hold nothing that was said."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from interject.model_runtime.protocol import Closed, CloseReason, Gap, GapReason
from interject.model_runtime.telemetry.health import Health, Stage
from interject.model_runtime.telemetry.metrics import MediaMetrics, WorkerMetrics
from interject.model_runtime.telemetry.worker_watch import WorkerWatch
from tests.fakes.clock import FakeClock
from tests.telemetry.worlds import SECRET, decision, delta, ended, started


class Watched:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.clock = FakeClock()
        self.health = Health(clock=self.clock)
        self.watch = WorkerWatch(
            WorkerMetrics(self.registry), self.health, slots=4, clock=self.clock
        )

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


@pytest.mark.parametrize("kind", [WorkerMetrics, MediaMetrics])
def test_every_metric_has_a_help_text(kind: type[WorkerMetrics] | type[MediaMetrics]) -> None:
    registry = CollectorRegistry()
    kind(registry)
    families = list(registry.collect())
    assert len(families) > 4
    assert [f.name for f in families if not f.documentation.endswith(".")] == []
    assert [f.name for f in families if not f.name.startswith("interject_")] == []


def test_decisions_are_counted_and_timed() -> None:
    world = Watched()
    for seq in range(5):
        world.watch.output(decision(seq, respond=seq == 4, queued_s=0.09))
    assert world.value("interject_decisions_total", decision="silent") == 4
    assert world.value("interject_decisions_total", decision="respond") == 1
    assert world.value("interject_decision_seconds_bucket", le="0.075") == 0
    assert world.value("interject_decision_seconds_bucket", le="0.1") == 5


def test_a_reply_is_timed_to_its_first_text_and_to_its_end() -> None:
    world = Watched()
    world.watch.output(started(0, 3))
    world.watch.output(delta(0, ""))
    world.clock.advance(0.25)
    world.watch.output(delta(0, "Hello"))
    world.clock.advance(0.5)
    world.watch.output(delta(0, " there"))
    world.watch.output(ended(0))
    assert world.value("interject_replies_total", cause="model") == 1
    assert world.value("interject_reply_first_text_seconds_count") == 1
    assert world.value("interject_reply_first_text_seconds_sum") == pytest.approx(0.25)
    assert world.value("interject_reply_seconds_sum") == pytest.approx(0.75)
    assert world.value("interject_replies_ended_total", reason="complete") == 1
    assert world.value("interject_reply_tokens_total") == 4


def test_gaps_count_frames_and_ends_count_sessions() -> None:
    world = Watched()
    world.watch.output(Gap("call", 3, 7, GapReason.OVERLOAD))
    world.watch.output(started(0, 3))
    world.watch.output(Closed("call", CloseReason.CLIENT))
    world.watch.output(delta(0, "too late"))
    assert world.value("interject_gap_frames_total", reason="overload") == 7
    for jump in (9_000, 9_001, 2**32 - 2):
        world.watch.output(Gap("call", 20, jump, GapReason.MISSING))
    assert world.value("interject_gap_frames_total", reason="missing") == 9_002
    assert world.value("interject_sessions_closed_total", reason="client") == 1
    assert world.value("interject_reply_first_text_seconds_count") == 0


def test_free_slots_follow_the_lease_and_are_none_while_draining() -> None:
    world = Watched()
    assert world.value("interject_slots_free") == 0
    world.watch.started()
    assert world.health.stage is Stage.READY
    world.watch.leased(sessions=3, refused_entries=2)
    world.watch.leased(sessions=3, refused_entries=5)
    assert world.value("interject_slots_free") == 1
    assert world.value("interject_refused_entries_total") == 5
    world.watch.draining()
    world.watch.leased(sessions=1, refused_entries=5)
    assert world.value("interject_slots_free") == 0
    assert world.value("interject_draining") == 1
    assert world.value("interject_sessions") == 1


def test_a_fenced_session_leaves_nothing_behind() -> None:
    world = Watched()
    world.watch.output(started(0, 3))
    world.watch.fenced("call")
    world.watch.output(ended(0))
    assert world.value("interject_sessions_fenced_total") == 1
    assert world.value("interject_reply_seconds_count") == 0


def test_no_text_and_no_session_gets_into_the_metrics() -> None:
    world = Watched()
    for item in (decision(0, respond=True), started(0, 0), delta(0, SECRET), ended(0)):
        world.watch.output(item)
    page = generate_latest(world.registry).decode()
    assert SECRET not in page
    assert '"call"' not in page
