"""A real Redis and real workers on loopback, as processes that a benchmark starts and ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    import psutil

START_S = 180.0
STOP_S = 30.0
_POLL_S = 0.01


class Server:
    """A process whose output goes to a file; started when the file holds `ready`."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        name: str,
        *,
        ready: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command = list(command)
        self._environment = {"PYTHONUNBUFFERED": "1", **(environment or {})}
        self._log = folder / f"{name}.log"
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Does not wait; `wait_until_ready` does."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, env=os.environ | self._environment
            )

    @property
    def is_ready(self) -> bool:
        """:raises RuntimeError: when the process has ended instead."""
        text = self._log.read_text(encoding="utf-8", errors="replace")
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"{' '.join(self._command)} ended: {text[-500:]}")
        return self._ready in text

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_S
        while not self.is_ready:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(self._command)} did not start")
            time.sleep(_POLL_S)

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """SIGTERM; kill -9 if that does not help."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def cpu_s(self) -> float:
        """CPU time so far, of all its threads."""
        used = self._watched().cpu_times()
        return float(used.user + used.system)

    def memory_bytes(self) -> tuple[int, int]:
        """Resident memory, and the part of it that is read from files: programs and libraries.

        Linux drops pages of the latter that are seldom used, and reads them again.
        """
        memory = self._watched().memory_info()
        return int(memory.rss), int(memory.shared)

    def _watched(self) -> psutil.Process:
        import psutil

        assert self._process is not None, "it does not run"
        return psutil.Process(self._process.pid)


class Fleet:
    """A Redis without persistence and any number of workers; all of them end with it."""

    def __init__(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise SystemExit("redis-server is missing: apt-get install redis-server")
        self._folder = tempfile.TemporaryDirectory()
        port = _free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        self.workers: list[Server] = []
        settings = {"bind": "127.0.0.1", "port": str(port), "save": "", "appendonly": "no"}
        words = [word for name, value in settings.items() for word in (f"--{name}", value)]
        self.redis = self._server([program, *words], "redis", ready="Ready to accept connections")

    def __enter__(self) -> Fleet:
        self.redis.start()
        self.redis.wait_until_ready()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        self._folder.cleanup()

    def kill(self) -> None:
        """kill -9, all of it."""
        for server in (*self.workers, self.redis):
            server.kill()

    def hire(self, *, slots: int, model: str = "nano") -> Server:
        """Start `interject worker`; it is ready when this returns."""
        name = f"w{len(self.workers)}"
        return self.add(
            "-m", "interject.cli", "worker", "--redis", self.url, "--model", model,
            "--slots", str(slots), "--name", name, "--telemetry", "off",
            ready="interject.worker ready",
        )  # fmt: skip

    def add(self, *words: str, ready: str) -> Server:
        """Start a worker that is another Python program and prints `ready`."""
        worker = self.begin(*words, ready=ready)
        worker.wait_until_ready()
        return worker

    def begin(self, *words: str, ready: str) -> Server:
        """The same, without waiting for it."""
        worker = self._server([sys.executable, *words], f"w{len(self.workers)}", ready=ready)
        self.workers.append(worker)
        worker.start()
        return worker

    def _server(self, command: Sequence[str], name: str, *, ready: str) -> Server:
        return Server(command, Path(self._folder.name), name, ready=ready)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
