"""Telemetry's packages are optional, and none of it needs PyTorch."""

from __future__ import annotations

import subprocess
import sys

REFUSE = """
import asyncio, importlib, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[1].split(","):
            raise ModuleNotFoundError(f"{name} is not here", name=name.split(".")[0])

sys.meta_path.insert(0, Refuse())
"""
USE_WITHOUT_METRICS = """
from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.telemetry.serving import worker_telemetry
from interject.model_runtime.telemetry.tracing import NoTracer, open_tracer

async def use(address):
    async with worker_telemetry(address, slots=1) as observer:
        observer.started()
        observer.leased(sessions=0, refused_entries=0)
        observer.draining()

asyncio.run(use(None))
assert isinstance(open_tracer("x"), NoTracer)
try:
    asyncio.run(use("127.0.0.1:0"))
except RuntimeFailure as failure:
    print(failure)
"""
USE_WITHOUT_TORCH = """
from interject.model_runtime.telemetry.serving import media_telemetry

class Empty:
    async def aclose(self):
        pass

async def use():
    async with media_telemetry("127.0.0.1:0", Empty()) as telemetry:
        print(telemetry.port > 0)

asyncio.run(use())
"""
USE_WITHOUT_SPANS = """
import os
from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.telemetry.tracing import open_tracer

os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
try:
    open_tracer("x")
except RuntimeFailure as failure:
    print(failure)
"""


def run_without(packages: str, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", REFUSE + code, packages],
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_without_the_prometheus_client_only_a_named_address_fails() -> None:
    said = run_without("prometheus_client,opentelemetry,torch", USE_WITHOUT_METRICS)
    assert said == "metrics need prometheus_client: pip install 'interject[telemetry]'"


def test_a_media_process_serves_metrics_without_torch() -> None:
    assert run_without("torch,safetensors,tokenizers,opentelemetry", USE_WITHOUT_TORCH) == "True"


def test_an_endpoint_without_the_package_is_a_clear_error() -> None:
    said = run_without("opentelemetry", USE_WITHOUT_SPANS)
    assert said.startswith(
        "spans need opentelemetry: pip install 'interject[otel]', or unset OTEL_"
    )
