"""Imports what a model needs once, and forks a child that holds the model whenever there is none.

Importing torch takes seconds, on a busy machine twenty; a fork takes milliseconds. It is safe here,
because this process starts no thread and does no arithmetic: there is no pool of threads and no
context of a GPU that the child could inherit broken.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import select
import selectors
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING, NoReturn

from interject.model_runtime.local.process import ENDED, READY, STOP_S, Pauses

if TYPE_CHECKING:
    from collections.abc import Callable

BEAT_S = 0.5
LOOK_S = 1.0
STILL_LOOKS = 6
"""A child that has said nothing in so many looks hangs. Where this process had no time to look
either, as on a machine that slept, that counts as one."""
PRELOADED = (
    "interject.model_runtime.checkpoint",
    "interject.model_runtime.embedded",
    "pydantic.dataclasses",
    "tokenizers",
    "torch.utils._device",
)
_MOST_BYTES = 4_096

logger = logging.getLogger(__name__)


class NurseryLink:
    """The child's end of the connection with the nursery."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def say(self, text: str) -> None:
        """Report `ready`, or `failed` and the reason; nothing at all is a sign of life."""
        with contextlib.suppress(OSError):
            self._connection.send(f"{text}\n".encode(), socket.MSG_DONTWAIT)

    def end_with_nursery(self) -> None:
        """The next nursery's child will want the socket."""
        threading.Thread(target=self._end, name="nursery", daemon=True).start()

    def _end(self) -> None:
        with contextlib.suppress(OSError):
            while self._connection.recv(_MOST_BYTES):
                pass
        os._exit(1)


class Child:
    """A process that serves, as the nursery sees it."""

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid = pid
        self.connection = connection
        self.ready = False
        self._unread = b""

    def hear(self) -> list[str] | None:
        """What it has said, without mere signs of life. None: it has ended."""
        try:
            said = self.connection.recv(_MOST_BYTES)
        except ConnectionError:
            return None
        if not said:
            return None
        *lines, self._unread = (self._unread + said).split(b"\n")
        words = [line.decode("utf-8", "replace") for line in lines if line]
        self.ready = self.ready or READY in words
        return words

    def kill(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def bury(self) -> int:
        """Its exit code, once it has ended."""
        self.connection.close()
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)


class Nursery:
    """Has one child at a time that does `serve`, until told to stop.

    SIGTERM and the end of the standard input tell it so; at the latter the child has nobody left to
    close sessions for, and no time for it. `say` reports to whoever started it:
    `ready` and the child's process id, `failed` and the reason, `ended` and the exit code.
    """

    def __init__(
        self, serve: Callable[[NurseryLink], int], say: Callable[[str], None], *, start_s: float
    ) -> None:
        self.orphaned = False
        self._serve = serve
        self._say = say
        self._start_s = start_s
        self._child: Child | None = None
        self._stopped_at: float | None = None

    def run(self) -> int:
        """An exit code. A child that cannot be ready is the last one."""
        preload()
        signal.signal(signal.SIGTERM, lambda *_: self._stop())
        pauses, served = Pauses(), False
        while not self._is_stopping():
            began = time.monotonic()
            child = self._fork()
            self._look_after(child)
            self._child = None
            code = child.bury()
            if self._is_stopping():
                break
            killed = code < 0
            served = served or child.ready
            if not child.ready and not (served and killed):
                return 1 if killed else code or 1
            self._say(f"{ENDED}{code}")
            self._pause(pauses.after(time.monotonic() - began))
        return 0

    def _fork(self) -> Child:
        ours, theirs = socket.socketpair()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        pid = os.fork()
        if pid == 0:
            ours.close()
            self._be_child(NurseryLink(theirs))
        theirs.close()
        child = self._child = Child(pid, ours)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        if self._is_stopping():
            child.kill(signal.SIGKILL if self.orphaned else signal.SIGTERM)
        return child

    def _be_child(self, link: NurseryLink) -> NoReturn:
        code = 1
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            link.end_with_nursery()
            code = self._serve(link)
        except Exception:
            logger.exception("the model's process failed")
        finally:
            os._exit(code)

    def _look_after(self, child: Child) -> None:
        """Until it has ended."""
        still = 0
        with selectors.DefaultSelector() as selector:
            selector.register(child.connection, selectors.EVENT_READ)
            if not self.orphaned:
                selector.register(0, selectors.EVENT_READ)
            while True:
                events = {key.fd for key, _ in selector.select(LOOK_S)}
                if 0 in events and self._has_no_owner():
                    selector.unregister(0)
                if child.connection.fileno() in events:
                    said = child.hear()
                    if said is None:
                        return
                    self._report(child, said)
                still = 0 if events else still + 1
                if still >= (STILL_LOOKS if child.ready else self._start_s) or self._overdue():
                    child.kill(signal.SIGKILL)

    def _report(self, child: Child, said: list[str]) -> None:
        for text in said:
            self._say(f"{text} {child.pid}" if text == READY else text)

    def _has_no_owner(self) -> bool:
        if os.read(0, _MOST_BYTES):
            return False
        self.orphaned = True
        self._stop()
        if self._child is not None:
            self._child.kill(signal.SIGKILL)
        return True

    def _stop(self) -> None:
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
        if self._child is not None:
            self._child.kill(signal.SIGTERM)

    def _is_stopping(self) -> bool:
        return self._stopped_at is not None

    def _overdue(self) -> bool:
        return self._stopped_at is not None and time.monotonic() - self._stopped_at > STOP_S

    def _pause(self, pause_s: float) -> None:
        if pause_s and select.select([0], [], [], pause_s)[0]:
            self._has_no_owner()


def preload() -> None:
    """What is missing is missed by the child, which says so."""
    for name in PRELOADED:
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(name)
