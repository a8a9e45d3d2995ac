"""What a client does when the last worker, or Redis, is gone and nobody brings it back."""

from __future__ import annotations

import json
import signal
import subprocess
import wave
from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.protocol import Closed, CloseReason, SessionOptions
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.timings import Timings
from tests.contract.runtime_contract import until_closed
from tests.live.redis.test_command_line import COMMAND, KITCHEN, ROOT
from tests.live.redis.worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.redis.server import RedisServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

HEARD_FRAMES = 3


@pytest.fixture
def worker(redis_server: RedisServer) -> Iterator[WorkerProcess]:
    process = WorkerProcess(redis_server.url, "w1", context=4096, grace_s=1.0)
    process.start()
    yield process
    process.kill()


@pytest.mark.parametrize(
    ("gone", "why"),
    [("worker", "no worker has served the session"), ("redis", "Redis could not be used")],
)
async def test_a_session_that_nobody_serves_ends_after_the_grace_time(
    redis_server: RedisServer, worker: WorkerProcess, gone: str, why: str
) -> None:
    async with RedisRuntime(redis_server.url, timings=Timings(lost_s=0.5)) as runtime:
        session = await runtime.open(SessionOptions("a"))
        worker.kill() if gone == "worker" else redis_server.kill()
        end = (await until_closed(session))[-1]
    assert isinstance(end, Closed)
    assert end.reason is CloseReason.FAILURE
    assert end.detail.startswith(why)


@pytest.mark.parametrize("gone", ["worker", "redis"])
def test_one_signal_ends_listen_and_what_was_heard_is_kept(
    redis_server: RedisServer, worker: WorkerProcess, tmp_path: Path, gone: str
) -> None:
    out = tmp_path / "out.wav"
    words = ["listen", KITCHEN, "--runtime", redis_server.url, "--speed", "realtime"]
    with subprocess.Popen(
        [*COMMAND, *words, "--json", "--out", str(out)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as listening:  # fmt: skip
        try:
            assert listening.stdout is not None
            for _ in range(HEARD_FRAMES):
                assert json.loads(listening.stdout.readline())
            worker.kill() if gone == "worker" else redis_server.kill()
            listening.send_signal(signal.SIGTERM)
            _, told = listening.communicate(timeout=60)
        finally:
            listening.kill()
    assert listening.returncode == 128 + signal.SIGTERM, told
    assert "stopped by SIGTERM" in told
    with wave.open(str(out)) as heard:
        assert heard.getnframes() > heard.getframerate()
