"""SIGTERM while somebody talks from a browser: no more calls, and the one there may end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import aioice.ice
import httpx
import psutil
import pytest

from tests.integrations.webrtc.browser import Browser
from tests.live.interject_process import InterjectProcess
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]

READY = "Interject serves"
VARIABLES = {"TWILIO_ACCOUNT_SID": "", "INTERJECT_API_TOKEN": "", "INTERJECT_PUBLIC_URL": ""}


class LoopbackServer(InterjectProcess):
    def __init__(self, log: Path, *options: str) -> None:
        words = ["serve", "--bind", "127.0.0.1:0", "--log-format", "json", *options]
        super().__init__(words, log, ready=READY, environment=VARIABLES)
        self._command = [sys.executable, "-m", "tests.live.serve.on_loopback", *words]


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda *_, **__: ["127.0.0.1"])


@contextlib.asynccontextmanager
async def talking(server: LoopbackServer) -> AsyncIterator[tuple[httpx.AsyncClient, Browser]]:
    await asyncio.to_thread(server.start)
    url = server.logged(READY)[0]["address"]
    async with httpx.AsyncClient(base_url=url, timeout=30) as client, Browser(client) as browser:
        answer = await browser.connect()
        assert answer.is_success, answer.text
        await browser.open()
        await until(lambda: server.logged("A call begins"), "the call")
        assert len(server.logged("A call begins")[0]["call"]) == 32
        yield client, browser


def left(browser: Browser) -> bool:
    return browser.connection.connectionState in ("closed", "failed") or any(
        message.get("type") == "signalling" for message in browser.messages
    )


async def test_a_call_may_go_on_for_a_while_and_then_it_is_ended(tmp_path: Path) -> None:
    server = LoopbackServer(tmp_path / "log", "--drain-timeout", "3")
    try:
        async with talking(server) as (client, browser):
            server.terminate()
            await until(lambda: server.logged("draining"), "draining")
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.text) == (503, "draining\n")
            async with Browser(client) as late:
                refused = await late.connect()
            assert refused.status_code == 503
            assert "is being stopped" in refused.json()["detail"]
            assert not left(browser)
            assert await asyncio.to_thread(server.wait) == 0
            await until(lambda: left(browser), "the end of the call")
    finally:
        server.kill()


async def test_a_call_that_ends_by_itself_lets_the_server_end(tmp_path: Path) -> None:
    server = LoopbackServer(tmp_path / "log", "--drain-timeout", "600")
    try:
        async with talking(server) as (client, browser):
            server.terminate()
            await until(lambda: server.logged("draining"), "draining")
            await client.request("DELETE", "/api/offer", json={"pc_id": browser.pc_id})
            assert await asyncio.to_thread(server.wait) == 0
    finally:
        server.kill()


async def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    server = LoopbackServer(tmp_path / "log", "--drain-timeout", "600")
    try:
        async with talking(server):
            server.terminate()
            await until(lambda: server.logged("draining"), "draining")
            began = time.monotonic()
            family = psutil.Process(server.pid).children(recursive=True)
            assert len(family) == 2, "the model's process and its nursery"
            os.kill(server.runtime_pid(), signal.SIGSTOP)
            await asyncio.sleep(0.3)
            server.signal(signal.SIGINT)
            assert await asyncio.to_thread(server.wait) == 128 + signal.SIGINT
            _, left = await asyncio.to_thread(psutil.wait_procs, family, timeout=5)
            assert left == [], "not even one that is frozen"
            assert time.monotonic() - began < 60
    finally:
        server.kill()
