"""Owns the process with the model: starts it, starts it again when it dies, and ends it."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from pathlib import Path
from typing import IO

from interject.model_runtime.protocol import RuntimeFailure

START_S = 120.0
"""A model may take this long to load; importing torch alone takes two seconds or more."""
STEADY_S = 10.0
"""What lived for longer is started again at once."""
FREE_DEATHS = 3
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 8.0
STOP_S = 10.0
"""For the model's process; what started it needs a little longer."""
LONGEST_PATH = 100
"""A socket's path has 108 bytes at most on Linux, 104 on macOS."""
READY = "ready"
FAILED = "failed "
ENDED = "ended "
_MOST_BYTES = 4_096

logger = logging.getLogger(__name__)

_STARTED: weakref.WeakSet[ServerProcess] = weakref.WeakSet()


def kill_servers() -> None:
    """All of this process, which ends at once: a signal handler may call it."""
    for server in tuple(_STARTED):
        server.kill()


class ServerProcess:
    """A server in a private folder. It ends with this process, however that ends.

    It needs no event loop: a thread follows what the server's nursery says. `url` is for
    `open_runtime`, here and in other processes of the same user. `model` and `slots` are as there.
    """

    def __init__(self, model: str, *, slots: int | None = 8, start_s: float = START_S) -> None:
        self._model = model
        self._slots = slots
        self._start_s = start_s
        self._folder: Path | None = None
        self._nursery: subprocess.Popen[bytes] | None = None
        self._lines: _Lines | None = None
        self._pid: int | None = None
        self._watcher: threading.Thread | None = None
        self._spawning = threading.Lock()
        self._stopping = threading.Event()

    def __enter__(self) -> ServerProcess:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def path(self) -> Path:
        """The socket."""
        assert self._folder is not None, "it was not started"
        return self._folder / "runtime.sock"

    @property
    def url(self) -> str:
        """What `open_runtime` connects to it with."""
        return f"local:unix:{self.path}"

    @property
    def pid(self) -> int | None:
        """The process that holds the model, while there is one."""
        return self._pid

    def start(self) -> None:
        """Return once the model is loaded.

        :raises RuntimeFailure: when it cannot be; the message is the server's.
        """
        self._folder = Path(tempfile.mkdtemp(prefix="interject-"))
        try:
            if len(os.fsencode(self.path)) > LONGEST_PATH:
                raise RuntimeFailure(f"{self.path}: too long for a socket; set a shorter TMPDIR")
            self._spawn()
        except BaseException:
            self.stop()
            raise
        self._watcher = threading.Thread(target=self._watch, name="interject-server", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """End the processes; a second time does nothing."""
        self._stopping.set()
        with self._spawning:
            nursery = self._nursery
        if nursery is not None:
            nursery.terminate()
            ended(nursery)
        if self._watcher is not None:
            self._watcher.join()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self) -> None:
        """Without waiting for anything. Those that are frozen are killed, too."""
        self._stopping.set()
        if self._nursery is not None and self._nursery.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._nursery.pid, signal.SIGKILL)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _spawn(self) -> None:
        command = [
            sys.executable, "-P", "-m", "interject.model_runtime.local.server", "--child",
            "--model", self._model, "--slots", str(self._slots or "auto"),
            "--socket", str(self.path), "--start-s", str(self._start_s),
        ]  # fmt: skip
        with self._spawning:
            if self._stopping.is_set():
                raise RuntimeFailure("the runtime has stopped; open a new one")
            nursery = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
            self._nursery = nursery
            _STARTED.add(self)
        assert nursery.stdout is not None, "it has a pipe"
        self._lines = _Lines(nursery.stdout)
        verdict = self._lines.next(self._start_s)
        if not verdict.startswith(READY):
            nursery.kill()
            ended(nursery)
            nursery.stdout.close()
            if verdict.startswith(FAILED):
                raise RuntimeFailure(verdict.removeprefix(FAILED))
            raise RuntimeFailure(
                "the model's process ended before it was ready, or took too long; see its log"
            )
        self._note(verdict)

    def _watch(self) -> None:
        pauses = Pauses()
        while True:
            began = time.monotonic()
            self._follow()
            if self._stopping.is_set():
                return
            pause_s = pauses.after(time.monotonic() - began)
            while not self._spawned_after(pause_s):
                if self._stopping.is_set():
                    return
                pause_s = pauses.after(0.0)

    def _follow(self) -> None:
        """What the nursery says, until it has ended."""
        assert self._nursery is not None, "it is watched"
        assert self._nursery.stdout is not None, "it has a pipe"
        assert self._lines is not None, "it says something"
        with self._nursery.stdout:
            while line := self._lines.next(None):
                self._note(line)
        self._pid = None
        code = ended(self._nursery)
        if not self._stopping.is_set():
            logger.warning("the model's nursery ended, another starts", extra={"exit_code": code})

    def _note(self, line: str) -> None:
        if line.startswith(READY):
            self._pid = int(line.removeprefix(READY))
        elif line.startswith(ENDED):
            self._pid = None
            code = int(line.removeprefix(ENDED))
            logger.warning("the model's process ended, another starts", extra={"exit_code": code})
        elif line.startswith(FAILED):
            reason = line.removeprefix(FAILED)
            logger.error("the model's process does not start", extra={"reason": reason})

    def _spawned_after(self, pause_s: float) -> bool:
        if self._stopping.wait(pause_s):
            return False
        try:
            self._spawn()
        except (RuntimeFailure, OSError) as error:
            if not self._stopping.is_set():
                logger.error("the model's process does not start", extra={"reason": str(error)})
            return False
        return True


class Pauses:
    """Before another start: none at first, longer ones for what dies young again and again."""

    def __init__(self) -> None:
        self._deaths = 0

    def after(self, lived_s: float) -> float:
        """Seconds to wait, after one more has died."""
        self._deaths = 0 if lived_s > STEADY_S else self._deaths + 1
        if self._deaths <= FREE_DEATHS:
            return 0.0
        return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (self._deaths - FREE_DEATHS))


class _Lines:
    """What a process says, line by line."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._unread = b""

    def next(self, timeout_s: float | None) -> str:
        """Empty when it says nothing in time, or nothing more."""
        end = None if timeout_s is None else time.monotonic() + timeout_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._pipe, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                left_s = None if end is None else max(0.0, end - time.monotonic())
                spoken = selector.select(left_s)
                fresh = os.read(self._pipe.fileno(), _MOST_BYTES) if spoken else b""
                if not fresh:
                    return ""
                self._unread += fresh
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode("utf-8", "replace")


def ended(process: subprocess.Popen[bytes], timeout_s: float = STOP_S + 2.0) -> int:
    """Its exit code, and our pipe to it closed. It leads a group of processes; all are killed when
    it takes too long: they may be frozen together.
    """
    try:
        code = process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    if process.stdin is not None:
        process.stdin.close()
    return code
