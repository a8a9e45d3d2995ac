"""A worker with the small test model as a process of its own.

`python -m tests.live.redis.worker_process URL NAME SLOTS CONTEXT LEASE_S GRACE_S`
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from interject.model_runtime.redis.timings import Timings
from interject.model_runtime.redis.worker.worker import Worker
from tests.model_runtime.worlds import small_model

START_S = 120.0
STOP_S = 120.0
ROOT = Path(__file__).parents[3]


class WorkerProcess:
    """One that a test may kill, stop and start again."""

    def __init__(
        self,
        url: str,
        name: str,
        *,
        slots: int = 4,
        context: int = 256,
        lease_s: float = Timings().worker_lease_s,
        grace_s: float = 300.0,
    ) -> None:
        self._arguments = [url, name, str(slots), str(context), str(lease_s), str(grace_s)]
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Returns once it has its lease. One that gives up is started again, as in production."""
        deadline = time.monotonic() + START_S
        while not self._started():
            assert time.monotonic() < deadline, "the worker did not start"
            self.wait()

    def _started(self) -> bool:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.live.redis.worker_process", *self._arguments],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        return self._process.stdout.readline() == "ready\n"

    def signal(self, number: signal.Signals) -> None:
        """SIGKILL, SIGTERM, SIGSTOP, SIGCONT."""
        assert self._process is not None, "it was not started"
        self._process.send_signal(number)

    def wait(self) -> int:
        """Its exit code."""
        assert self._process is not None, "it was not started"
        code = self._process.wait(timeout=STOP_S)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        return code

    def kill(self) -> None:
        """kill -9, if it runs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self.wait()


async def serve(url: str, name: str, slots: str, context: str, lease_s: str, grace_s: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    timings = Timings(grace_s=float(grace_s), worker_lease_s=float(lease_s))
    worker = Worker(url, small_model(int(context)), name=name, slots=int(slots), timings=timings)
    await worker.run(stop, say_ready)


def say_ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
