"""A worker with the small test model as a process of its own.

`python -m tests.live.redis.worker_process URL NAME SLOTS CONTEXT LEASE_S GRACE_S DEADLY_TOKEN`
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from interject.model_runtime.redis.timings import Timings
from interject.model_runtime.redis.worker.worker import Worker
from tests.model_runtime.worlds import small_model

if TYPE_CHECKING:
    from torch import Tensor

    from interject.model_runtime.checkpoint import Model

START_S = 120.0
STOP_S = 120.0
ROOT = Path(__file__).parents[3]


class WorkerProcess:
    """One that a test may kill, stop and start again. A session's `deadly_token` kills it."""

    def __init__(
        self,
        url: str,
        name: str,
        *,
        slots: int = 4,
        context: int = 256,
        lease_s: float = Timings().worker_lease_s,
        grace_s: float = 300.0,
        deadly_token: int = -1,
    ) -> None:
        numbers = (slots, context, lease_s, grace_s, deadly_token)
        self._arguments = [url, name, *map(str, numbers)]
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

    @property
    def runs(self) -> bool:
        """Whether it has not died."""
        return self._process is not None and self._process.poll() is None

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


async def serve(
    url: str, name: str, slots: str, context: str, lease_s: str, grace_s: str, deadly_token: str
) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    timings = Timings(grace_s=float(grace_s), worker_lease_s=float(lease_s))
    model = mortal(small_model(int(context)), int(deadly_token))
    worker = Worker(url, model, name=name, slots=int(slots), timings=timings)
    await worker.run(stop, say_ready)


def mortal(model: Model, deadly_token: int) -> Model:
    """It kills its process when it is fed that token, as a crash in a library would."""

    def die(module: object, fed: tuple[Tensor]) -> None:
        if (fed[0] == deadly_token).any():
            os.kill(os.getpid(), signal.SIGKILL)

    model.decoder.embedding.register_forward_pre_hook(die)
    return model


def say_ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
