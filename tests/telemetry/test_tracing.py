"""One chunk is one trace, whichever process saw it; checked with the real SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from interject.model_runtime.protocol import RuntimeFailure, SessionOptions
from interject.model_runtime.telemetry.chunk import ChunkName
from interject.model_runtime.telemetry.client_watch import WatchedRuntime
from interject.model_runtime.telemetry.health import Health
from interject.model_runtime.telemetry.metrics import MediaMetrics, WorkerMetrics
from interject.model_runtime.telemetry.tracing import NoTracer, OtelTracer, SpanName, open_tracer
from interject.model_runtime.telemetry.worker_watch import WorkerWatch
from tests.fakes.runtime import FakeRuntime, Scripted
from tests.telemetry.worlds import SECRET, decision, frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan


class Recorded:
    """A tracer and what it has recorded."""

    def __init__(self, ratio: float = 1.0) -> None:
        self._memory = InMemorySpanExporter()
        self.tracer = OtelTracer("test", SimpleSpanProcessor(self._memory), ratio=ratio)

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._memory.get_finished_spans())


@pytest.fixture
def media() -> Iterator[Recorded]:
    recorded = Recorded()
    yield recorded
    recorded.tracer.close()


@pytest.fixture
def worker() -> Iterator[Recorded]:
    recorded = Recorded()
    yield recorded
    recorded.tracer.close()


class SteppingClock:
    """Nanoseconds; every look at it is a millisecond later."""

    def __init__(self) -> None:
        self._now_ns = 1_700_000_000_000_000_000

    def __call__(self) -> int:
        self._now_ns += 1_000_000
        return self._now_ns


async def test_media_and_worker_spans_of_a_chunk_share_a_trace(
    media: Recorded, worker: Recorded
) -> None:
    registry = CollectorRegistry()
    fake = FakeRuntime(script={1: Scripted(SECRET)})
    runtime = WatchedRuntime(
        fake, MediaMetrics(registry), tracer=media.tracer, clock_ns=SteppingClock()
    )
    session = await runtime.open(SessionOptions("call"))
    for seq in range(2):
        await session.push(frame(seq))
    await session.close()
    events = [event async for event in session.events()]
    watch = WorkerWatch(WorkerMetrics(CollectorRegistry()), Health(), slots=1, tracer=worker.tracer)
    for event in events:
        watch.output(event)

    chunks = [span for span in media.spans if span.name == SpanName.CHUNK]
    decides = [span for span in worker.spans if span.name == SpanName.DECIDE]
    (reply,) = [span for span in media.spans if span.name == SpanName.REPLY]
    assert len(chunks) == len(decides) == 2
    for chunk, decide in zip(chunks, decides, strict=True):
        assert chunk.parent is None
        assert decide.parent is not None
        assert chunk.context is not None
        assert decide.parent.span_id == chunk.context.span_id
        assert decide.parent.trace_id == chunk.context.trace_id
        assert decide.attributes is not None
        assert chunk.start_time is not None
        assert chunk.end_time is not None
        assert chunk.end_time > chunk.start_time
    assert reply.parent is not None
    assert chunks[1].context is not None
    assert reply.parent.trace_id == chunks[1].context.trace_id
    assert chunks[0].context is not None
    assert chunks[0].context.trace_id != chunks[1].context.trace_id
    assert SECRET not in "".join(span.to_json() for span in [*media.spans, *worker.spans])
    assert registry.get_sample_value("interject_round_trip_seconds_count") == 2
    assert registry.get_sample_value("interject_client_sessions") == 0


def test_both_sides_keep_the_same_share_of_chunks() -> None:
    sides = Recorded(ratio=0.5), Recorded(ratio=0.5)
    for seq in range(200):
        chunk = ChunkName.of("call", decision(seq).captured_at)
        for side, name in zip(sides, (SpanName.CHUNK, SpanName.DECIDE), strict=True):
            side.tracer.record(name, chunk, start_ns=1, end_ns=2, attributes={})
    kept = [
        {span.context.trace_id for span in side.spans if span.context is not None} for side in sides
    ]
    assert kept[0] == kept[1]
    assert 60 < len(kept[0]) < 140
    for side in sides:
        side.tracer.close()


def test_a_chunk_is_named_by_session_and_capture_time() -> None:
    name = ChunkName.of("call", 12.4)
    assert name == ChunkName.of("call", 12.4)
    assert name not in {ChunkName.of("call", 12.8), ChunkName.of("other", 12.4)}
    assert len(str(name)) == 32


def test_nothing_is_sent_unless_an_endpoint_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", raising=False)
    assert isinstance(open_tracer("test"), NoTracer)


def test_an_endpoint_makes_a_real_tracer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    tracer = open_tracer("test")
    assert isinstance(tracer, OtelTracer)
    tracer.close()


@pytest.mark.parametrize("ratio", ["much", "-0.1", "1.5", "nan"])
def test_a_bad_ratio_is_a_clear_error(ratio: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("INTERJECT_TRACE_RATIO", ratio)
    with pytest.raises(RuntimeFailure, match="a number from 0 to 1"):
        open_tracer("test")
