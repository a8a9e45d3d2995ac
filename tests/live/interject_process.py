"""A command of Interject as a process of its own, with its log to look into."""

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
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
START_S = 120.0
STOP_S = 90.0


class InterjectProcess:
    """One that a test may ask for its log, and whose parts it may kill. `ready` is the message of
    the log that says that it is.
    """

    def __init__(
        self, words: list[str], log: Path, *, ready: str, environment: Mapping[str, str]
    ) -> None:
        self._command = [sys.executable, "-m", "interject.cli", *words]
        self._environment = os.environ | dict(environment)
        self._path = log
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return self._running.pid

    def start(self) -> None:
        """Returns once it is ready."""
        with self._path.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_S
        while not self.logged(self._ready):
            said = self.text()
            assert time.monotonic() < deadline, f"it did not start: {said}"
            assert self._process.poll() is None, f"it ended: {said}"
            time.sleep(0.05)

    def logged(self, message: str) -> list[dict[str, Any]]:
        """The records of a message so far."""
        found = []
        for line in self.text().splitlines():
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
        self.signal(signal.SIGTERM)
        return self.wait()

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        self.signal(signal.SIGTERM)

    def signal(self, number: signal.Signals) -> None:
        self._running.send_signal(number)

    def wait(self) -> int:
        return self._running.wait(timeout=STOP_S)

    def kill(self) -> None:
        """kill -9 to it and all that it started."""
        if self._process is None or self._process.poll() is not None:
            return
        family = [*psutil.Process(self.pid).children(recursive=True), psutil.Process(self.pid)]
        for member in family:
            with contextlib.suppress(psutil.Error):
                member.kill()
        self._process.wait()

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it was not started"
        return self._process
