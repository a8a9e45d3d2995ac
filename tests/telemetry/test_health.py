"""Probes over real HTTP."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.telemetry.health import Health, Stage
from interject.model_runtime.telemetry.metrics import WorkerMetrics
from interject.model_runtime.telemetry.server import MAX_CONNECTIONS, TelemetryServer
from interject.model_runtime.telemetry.serving import worker_telemetry
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def health(clock: FakeClock) -> Health:
    return Health(silence_s=15.0, lease_s=2.0, clock=clock)


@pytest.fixture
def site(health: Health) -> Iterator[httpx.Client]:
    registry = CollectorRegistry()
    WorkerMetrics(registry).slots.set(4)
    server = TelemetryServer("127.0.0.1:0", registry, health)
    server.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
        yield client
    server.stop()


def test_metrics_are_served_as_prometheus_reads_them(site: httpx.Client) -> None:
    page = site.get("/metrics", headers={"Accept": "text/plain"})
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(page.text)}
    assert families["interject_slots"].samples[0].value == 4
    assert site.head("/metrics").content == b""
    newer = site.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert newer.text.endswith("# EOF\n")


def test_readiness_follows_the_stage(site: httpx.Client, health: Health) -> None:
    answers = []
    for stage in Stage:
        health.stage = stage
        answer = site.get("/readyz")
        answers.append((answer.status_code, answer.text.strip()))
    assert answers == [(503, "starting"), (200, "ready"), (503, "draining")]


def test_a_lapsed_lease_is_unready_but_alive(
    site: httpx.Client, health: Health, clock: FakeClock
) -> None:
    health.stage = Stage.READY
    health.leased()
    clock.advance(2.5)
    assert site.get("/readyz").status_code == 503
    assert site.get("/healthz").status_code == 200
    health.leased()
    assert site.get("/readyz").status_code == 200


def test_a_hanging_event_loop_is_not_alive(
    site: httpx.Client, health: Health, clock: FakeClock
) -> None:
    clock.advance(16.0)
    dead = site.get("/healthz")
    assert (dead.status_code, dead.text.strip()) == (503, "the event loop has not turned for 16 s")
    health.beat()
    assert site.get("/healthz").status_code == 200


def test_connections_that_stay_make_room_for_probes(site: httpx.Client) -> None:
    address = ("127.0.0.1", site.base_url.port or 0)
    with contextlib.ExitStack() as stack:
        for _ in range(3 * MAX_CONNECTIONS):
            waiting = stack.enter_context(socket.create_connection(address, timeout=5))
            waiting.sendall(b"GET /metr")
        assert site.get("/healthz").status_code == 200
        threads = [thread for thread in threading.enumerate() if "request" in thread.name]
        assert len(threads) <= 2 * MAX_CONNECTIONS


def test_other_paths_say_what_there_is(site: httpx.Client) -> None:
    answer = site.get("/secrets")
    assert (answer.status_code, answer.text) == (404, "try /metrics, /healthz or /readyz\n")
    assert site.post("/metrics").status_code == 501


@pytest.mark.parametrize("address", ["9464", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", ""])
def test_a_bad_address_is_refused(address: str, health: Health) -> None:
    with pytest.raises(RuntimeFailure, match=r"write host:port, as in 127\.0\.0\.1:9464"):
        TelemetryServer(address, CollectorRegistry(), health)


@pytest.mark.parametrize("address", ["[::1]:0", "::1:0", "[::]:0", "localhost:0", "[0:0::1]:0"])
def test_every_address_of_this_machine_is_served(address: str, health: Health) -> None:
    if ":" in address.rpartition(":")[0] and not has_ipv6():
        pytest.skip("no IPv6 here")
    server = TelemetryServer(address, CollectorRegistry(), health)
    server.start()
    host = "127.0.0.1" if address.startswith("localhost") else "[::1]"
    try:
        url = f"http://{host}:{server.port}/healthz"
        assert httpx.get(url, trust_env=False).text == "alive\n"
    finally:
        server.stop()


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "x" * 300])
def test_a_name_that_leads_nowhere_is_a_clear_error(host: str, health: Health) -> None:
    with pytest.raises(RuntimeFailure, match=r"cannot serve metrics at .*; name another address"):
        TelemetryServer(f"{host}:0", CollectorRegistry(), health)


async def test_a_taken_port_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(RuntimeFailure, match="already in use; name another address"):
            async with worker_telemetry(address, slots=1):
                pytest.fail("the port was taken")


async def test_without_an_address_a_taken_default_port_does_not_matter() -> None:
    async with worker_telemetry(None, slots=1) as first, worker_telemetry(None, slots=1) as second:
        first.started()
        second.started()


async def test_telemetry_can_be_off() -> None:
    async with worker_telemetry("off", slots=1) as watch:
        watch.started()
