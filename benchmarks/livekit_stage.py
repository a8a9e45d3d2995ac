"""A real LiveKit server on loopback, and programs that work there; all of them end with it."""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.servers import START_S, Server
from interject.integrations.livekit.jobs.access import Access

if TYPE_CHECKING:
    from types import TracebackType

PROGRAM = Path(__file__).parent.parent / ".cache" / "livekit" / "livekit-server"
KEY = "interject"
STARTED = "starting LiveKit server"
WORKER_START_S = 120.0
"""It imports much, starts a model and keeps a process in reserve."""
_POLL_S = 0.02


class Family(Server):
    """A process with the processes that it started."""

    def members(self) -> list[psutil.Process]:
        """Itself first."""
        root = self._watched()
        return [root, *root.children(recursive=True)]

    def kill(self) -> None:
        members = self.members()[1:] if self._process is not None else []
        super().kill()
        for member in members:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()


class Stage:
    """Used with `with`.

    :raises SystemExit: when no LiveKit server was built.
    """

    def __init__(self) -> None:
        if not PROGRAM.exists():
            raise SystemExit("no LiveKit server was built: run scripts/livekit_server.sh")
        self._holder = tempfile.TemporaryDirectory()
        self.folder = Path(self._holder.name)
        port = _free_port(socket.SOCK_STREAM)
        self._port = port
        secret = secrets.token_hex(24)
        self.access = Access(f"ws://127.0.0.1:{port}", KEY, secret)
        config = self.folder / "livekit.yaml"
        config.write_text(json.dumps(_settings(port, secret)), encoding="utf-8")
        self.server = Family(
            [str(PROGRAM), "--config", str(config)], self.folder, "livekit", ready=STARTED
        )
        self._workers: list[Family] = []

    def __enter__(self) -> Stage:
        self.server.start()
        self.server.wait_until_ready()
        deadline = time.monotonic() + START_S
        while not self._answers():
            if time.monotonic() > deadline:
                raise RuntimeError("livekit-server started and does not answer")
            time.sleep(_POLL_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for one in (*self._workers, self.server):
            one.kill()
        self._holder.cleanup()

    def hire(self, *words: str, ready: str) -> Family:
        """Start a Python program that serves rooms; it gets the server's address and keys."""
        access = [
            f"--url={self.access.url}", f"--api-key={self.access.api_key}",
            f"--api-secret={self.access.api_secret}",
        ]  # fmt: skip
        name = f"worker{len(self._workers)}"
        worker = Family([sys.executable, *words, *access], self.folder, name, ready=ready)
        self._workers.append(worker)
        worker.start()
        deadline = time.monotonic() + WORKER_START_S
        while not worker.is_ready:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(words)} did not start: {self.log(worker)[-500:]}")
            time.sleep(_POLL_S)
        return worker

    def log(self, worker: Family) -> str:
        """What a program has written so far."""
        path = self.folder / f"worker{self._workers.index(worker)}.log"
        return path.read_text(encoding="utf-8", errors="replace")

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1):
            return True
        return False


def _settings(port: int, secret: str) -> dict[str, object]:
    """Everything on the loopback device."""
    return {
        "port": port,
        "bind_addresses": ["127.0.0.1"],
        "rtc": {
            "tcp_port": _free_port(socket.SOCK_STREAM),
            "udp_port": _free_port(socket.SOCK_DGRAM),
            "node_ip": "127.0.0.1",
            "use_external_ip": False,
            "interfaces": {"includes": ["lo"]},
            "enable_loopback_candidate": True,
        },
        "keys": {KEY: secret},
        "logging": {"level": "info"},
    }


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
