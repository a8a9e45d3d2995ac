"""The commands of the compose file, run as processes against the guarded Redis."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from interject.model_runtime.telemetry.tracing import SpanName
from tests.deploy.files import ROOT, compose
from tests.deploy.guarded_redis import GuardedRedis
from tests.live.redis.server import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.live, pytest.mark.slow]
START_S = 120.0


class Collector:
    """Takes spans as an OpenTelemetry collector would; each is kept as its trace and root span."""

    def __init__(self) -> None:
        self.chunks: set[tuple[bytes, bytes]] = set()
        self.decides: set[tuple[bytes, bytes]] = set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.take(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever)
        self._thread.start()

    @property
    def environment(self) -> dict[str, str]:
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self._http.server_port}",
            "INTERJECT_TRACE_RATIO": "1",
        }

    def take(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    if span.name == SpanName.CHUNK:
                        self.chunks.add((span.trace_id, span.span_id))
                    elif span.name == SpanName.DECIDE:
                        self.decides.add((span.trace_id, span.parent_span_id))

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    running = Collector()
    yield running
    running.stop()


class WorkerProgram:
    """The compose file's worker with another address for its metrics."""

    def __init__(self, redis: GuardedRedis, log: Path, collector: Collector) -> None:
        self._site = f"127.0.0.1:{free_port()}"
        self._log = log
        command = list(compose()["services"]["worker-cpu"]["command"])
        command[command.index("--telemetry") + 1] = self._site
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "interject.cli", "worker", *command],
                cwd=ROOT,
                env={**os.environ, "INTERJECT_REDIS_URL": redis.url("worker")}
                | collector.environment,
                stderr=out,
            )

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://{self._site}{path}", timeout=60, trust_env=False)

    def wait_ready(self) -> None:
        deadline = time.monotonic() + START_S
        while not self._is_ready():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, "the worker did not become ready"
            time.sleep(0.1)

    def metrics(self) -> dict[str, float]:
        families = text_string_to_metric_families(self.get("/metrics").text)
        return {
            sample.name + "".join(f"|{value}" for value in sample.labels.values()): sample.value
            for family in families
            for sample in family.samples
        }

    def terminate(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=120)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def log_lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def _is_ready(self) -> bool:
        try:
            return self.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[GuardedRedis]:
    server = GuardedRedis(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def worker(redis: GuardedRedis, tmp_path: Path, collector: Collector) -> Iterator[WorkerProgram]:
    program = WorkerProgram(redis, tmp_path / "worker.log", collector)
    yield program
    program.kill()


def demo(redis: GuardedRedis, collector: Collector) -> list[dict[str, object]]:
    """The compose file's demo, at full speed and as JSON."""
    command = list(compose()["services"]["demo"]["command"])
    command[command.index("--runtime") + 1] = redis.url("media")
    command[command.index("--speed") + 1] = "max"
    command[1] = str(ROOT / command[1].lstrip("/"))
    done = subprocess.run(
        [sys.executable, "-m", "interject.cli", *command, "--json", "--telemetry", "127.0.0.1:0"],
        cwd=ROOT,
        env=os.environ | collector.environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.timeout(900)
def test_a_worker_serves_the_demo_and_tells_about_it(
    redis: GuardedRedis, worker: WorkerProgram, collector: Collector
) -> None:
    worker.wait_ready()
    assert worker.get("/healthz").status_code == 200
    events = demo(redis, collector)
    decisions = [event for event in events if event["event"] == "decision"]
    assert len(decisions) > 20
    found = worker.metrics()
    decided = sum(n for key, n in found.items() if key.startswith("interject_decisions_total"))
    assert decided == len(decisions)
    assert found["interject_decision_seconds_count"] == len(decisions)
    assert found["interject_slots"] == 8
    assert found["interject_sessions_closed_total|client"] == 1
    assert found["interject_redis_write_seconds_count"] > 0
    assert redis.denials() == []
    assert worker.terminate() == 0
    assert len(collector.chunks) == len(decisions)
    assert collector.chunks == collector.decides
    lines = worker.log_lines()
    assert [line["message"] for line in lines] == [
        "metrics and probes are served",
        "ready",
        "stopped",
    ]
    assert lines[1]["slots"] == 8
