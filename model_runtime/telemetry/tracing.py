"""Spans that follow one chunk from a media process through a worker and back.

The media process records `interject.chunk` (push to decision), `interject.reply` and, where a
responder was asked, `interject.responder`, the worker `interject.decide`; all of one chunk share a
trace. OpenTelemetry is optional: without the package, or without an endpoint to send to, nothing is
recorded.
"""

from __future__ import annotations

import os
from contextvars import ContextVar
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

    from interject.model_runtime.telemetry.chunk import ChunkName

ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
RATIO_VARIABLE = "INTERJECT_TRACE_RATIO"
DEFAULT_RATIO = 0.01
"""1,000 sessions are 2,500 chunks a second. The ratio is of the trace id, which both sides derive
alike, so they keep the same chunks without telling each other."""
Value = str | bool | int | float


class SpanName(StrEnum):
    CHUNK = "interject.chunk"
    DECIDE = "interject.decide"
    REPLY = "interject.reply"
    RESPONDER = "interject.responder"


class Tracer(Protocol):
    """Records what has already happened. Times are in nanoseconds since the epoch."""

    def record(
        self,
        name: SpanName,
        chunk: ChunkName,
        *,
        start_ns: int,
        end_ns: int,
        attributes: Mapping[str, Value],
    ) -> None: ...

    def close(self) -> None:
        """Send what is left."""


class NoTracer:
    """Records nothing."""

    def record(
        self,
        name: SpanName,
        chunk: ChunkName,
        *,
        start_ns: int,
        end_ns: int,
        attributes: Mapping[str, Value],
    ) -> None:
        return

    def close(self) -> None:
        return


def open_tracer(service: str) -> Tracer:
    """A tracer that sends where `OTEL_EXPORTER_OTLP_ENDPOINT` says; without it, one that does not.

    :raises RuntimeFailure: when an endpoint is set but the packages are missing, or the ratio is
        no number from 0 to 1.
    """
    if not any(os.environ.get(name) for name in ENDPOINT_VARIABLES):
        return NoTracer()
    ratio = _ratio(os.environ.get(RATIO_VARIABLE, str(DEFAULT_RATIO)))
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise RuntimeFailure(
            f"spans need {error.name}: pip install 'interject[otel]', or unset "
            + ENDPOINT_VARIABLES[0]
        ) from error
    return OtelTracer(service, BatchSpanProcessor(OTLPSpanExporter()), ratio=ratio)


class OtelTracer:
    """A provider of our own: the span of a chunk needs an id that the other process can derive."""

    def __init__(self, service: str, processor: SpanProcessor, *, ratio: float = 1.0) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

        self._planned: ContextVar[ChunkName | None] = ContextVar("planned", default=None)
        self._provider: TracerProvider = TracerProvider(
            sampler=TraceIdRatioBased(ratio),
            resource=Resource.create({"service.name": service}),
            id_generator=_id_generator(self._planned),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("interject")

    def record(
        self,
        name: SpanName,
        chunk: ChunkName,
        *,
        start_ns: int,
        end_ns: int,
        attributes: Mapping[str, Value],
    ) -> None:
        from opentelemetry.context import Context

        is_root = name is SpanName.CHUNK
        context = Context() if is_root else _inside(chunk)
        token = self._planned.set(chunk if is_root else None)
        try:
            span = self._tracer.start_span(
                name.value, context, start_time=start_ns, attributes=dict(attributes)
            )
        finally:
            self._planned.reset(token)
        span.end(end_ns)

    def close(self) -> None:
        self._provider.shutdown()


def _inside(chunk: ChunkName) -> Any:
    from opentelemetry import trace

    parent = trace.SpanContext(
        chunk.trace_id, chunk.span_id, is_remote=True, trace_flags=trace.TraceFlags(1)
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(parent))


def _id_generator(planned: ContextVar[ChunkName | None]) -> Any:
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class ChunkIds(RandomIdGenerator):
        def generate_trace_id(self) -> int:
            chunk = planned.get()
            return super().generate_trace_id() if chunk is None else chunk.trace_id

        def generate_span_id(self) -> int:
            chunk = planned.get()
            return super().generate_span_id() if chunk is None else chunk.span_id

    return ChunkIds()


def _ratio(text: str) -> float:
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1.0
    if not 0.0 <= ratio <= 1.0:
        raise RuntimeFailure(f"{RATIO_VARIABLE}={text}: a share of chunks is a number from 0 to 1")
    return ratio
