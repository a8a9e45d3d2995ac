"""What docs/livekit.md says of starting things, typed as it stands there."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from interject.model_runtime import open_runtime
from tests.live.livekit.server import PROGRAM, free_udp_port
from tests.live.redis.server import free_port
from tests.waiting import until

if TYPE_CHECKING:
    from interject.model_runtime.protocol import Runtime

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "livekit.md").read_text(encoding="utf-8")

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]


def command(begins: str) -> str:
    """The page's one line that begins so."""
    (found,) = re.findall(rf"^{re.escape(begins)}.*$", PAGE, re.MULTILINE)
    return str(found)


def started(line: str, **environment: str) -> subprocess.Popen[bytes]:
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.Popen(
        ["bash", "-c", f"exec {line}"],
        cwd=ROOT,
        env=os.environ | {"PATH": programs} | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def stop(process: subprocess.Popen[bytes]) -> None:
    """A LiveKit server may take its time over a SIGTERM."""
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.mark.skipif(not PROGRAM.exists(), reason="no LiveKit server was built")
async def test_the_server_of_the_page_listens_on_the_loopback_device_alone(tmp_path: Path) -> None:
    """On other ports, since somebody may be using those of the page."""
    port = free_port()
    config = (ROOT / "deploy" / "livekit" / "loopback.yaml").read_text(encoding="utf-8")
    changed = config.replace("7880", str(port)).replace("7882", str(free_udp_port()))
    (tmp_path / "loopback.yaml").write_text(changed, encoding="utf-8")
    line = command(".cache/livekit/livekit-server").replace(
        "deploy/livekit/loopback.yaml", str(tmp_path / "loopback.yaml")
    )
    process = started(line, LIVEKIT_API_KEY="devkey", LIVEKIT_API_SECRET="s" * 32)
    try:
        served = psutil.Process(process.pid)
        await until(
            lambda: any(one.laddr.port == port for one in served.net_connections()), "the server"
        )
        await until(lambda: len(served.net_connections()) >= 2, "its media port")
        assert {one.laddr.ip for one in served.net_connections()} == {"127.0.0.1"}
    finally:
        stop(process)


async def test_the_model_of_the_page_is_shared_through_its_socket(tmp_path: Path) -> None:
    """`local:unix:SOCKET`, as the page starts it."""
    socket = tmp_path / "interject.sock"
    line = command("python -m interject.model_runtime.local.server")
    process = started(line.replace("/tmp/interject.sock", str(socket)))
    try:
        await until(socket.exists, "the socket")
        runtime = open_runtime(f"local:unix:{socket}")
        await until_free(runtime, 8)
        await runtime.aclose()
    finally:
        stop(process)


async def until_free(runtime: Runtime, slots: int) -> None:
    ask = getattr(runtime, "free_slots")  # noqa: B009
    async with asyncio.timeout(60):
        assert await ask() == slots
