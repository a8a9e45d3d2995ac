"""`interject livekit start` as a process of its own, with its log to look into."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.livekit.server import LiveKitServer

ROOT = Path(__file__).parents[3]
START_S = 120.0
STOP_S = 90.0


class LiveKitWorker:
    """One that a test may ask for its log, and whose parts it may kill."""

    def __init__(self, server: LiveKitServer, folder: Path, *options: str) -> None:
        self._command = [
            sys.executable, "-m", "interject.cli", "livekit", "start",
            "--health", "127.0.0.1:0", *options,
        ]  # fmt: skip
        self._environment = os.environ | server.environment
        self._path = folder / "worker.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "it was not started"
        return self._process.pid

    def start(self) -> None:
        """Returns once the server knows it."""
        with self._path.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_S
        while not self.logged("registered worker"):
            said = self._path.read_text(encoding="utf-8", errors="replace")
            assert time.monotonic() < deadline, f"the worker did not register: {said}"
            assert self._process.poll() is None, f"the worker ended: {said}"
            time.sleep(0.05)

    def logged(self, message: str) -> list[dict[str, Any]]:
        """The records of a message so far."""
        found = []
        for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                record = json.loads(line)
                if isinstance(record, dict) and record.get("message") == message:
                    found.append(record)
        return found

    def text(self) -> str:
        return self._path.read_text(encoding="utf-8", errors="replace")

    def runtime_pid(self) -> int:
        """The process with the model; it comes after its nursery, which has the same command."""
        found = []
        for child in psutil.Process(self.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if "interject.model_runtime.local.server" in child.cmdline():
                    found.append(child.pid)
        assert found, "there is no process with the model"
        return found[-1]

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self._process is not None, "it was not started"
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=STOP_S)

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        assert self._process is not None, "it was not started"
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        assert self._process is not None, "it was not started"
        return self._process.wait(timeout=STOP_S)

    def kill(self) -> None:
        """kill -9 to it and all that it started."""
        if self._process is None or self._process.poll() is not None:
            return
        family = [*psutil.Process(self.pid).children(recursive=True), psutil.Process(self.pid)]
        for member in family:
            with contextlib.suppress(psutil.Error):
                member.kill()
        self._process.wait()


@contextlib.contextmanager
def working(server: LiveKitServer, folder: Path, *options: str) -> Iterator[LiveKitWorker]:
    """A registered worker, gone at the end."""
    worker = LiveKitWorker(server, folder, *options)
    try:
        worker.start()
        yield worker
    finally:
        worker.kill()
