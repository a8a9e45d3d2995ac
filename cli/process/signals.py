"""SIGINT, SIGTERM and SIGHUP: the first one asks a command to stop, the second one ends it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING, Any

from interject.cli.process.failures import complain
from interject.model_runtime.local.process import kill_servers

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator
    from typing import Self

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXIT_SIGNALLED = 128
"""Plus the signal's number, as a shell counts."""
SAME_WISH_S = 0.2
"""`timeout`, a shell or a supervisor may signal a process and its group: two for one."""


class StopSignals:
    """Used with `with` around a command and the writing of its files, whenever one comes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.received: signal.Signals | None = None
        self._clock = clock
        self._received_at = 0.0
        self._before: dict[signal.Signals, Any] = {}
        self._tell: Callable[[], object] | None = None

    def __enter__(self) -> Self:
        for number in STOPPING:
            before = signal.getsignal(number)
            if number is signal.SIGHUP and before is signal.SIG_IGN:
                continue  # nohup
            self._before[number] = before
            signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    @contextlib.contextmanager
    def told(self, loop: asyncio.AbstractEventLoop, stop: Callable[[], object]) -> Iterator[None]:
        """Call `stop` in this loop when the first signal comes, or at once if it has come."""
        self._tell = lambda: loop.call_soon_threadsafe(stop)
        if self.received is not None:
            stop()
        try:
            yield
        finally:
            self._tell = None

    def exit_code(self) -> int:
        """0 without a signal; else it is told."""
        if self.received is None:
            return 0
        interrupted = self.received is signal.SIGINT
        complain("interrupted" if interrupted else f"stopped by {self.received.name}")
        return EXIT_SIGNALLED + self.received

    def _receive(self, number: int, _frame: object) -> None:
        if self.received is not None:
            if self._clock() - self._received_at > SAME_WISH_S:
                kill_servers()
                os._exit(EXIT_SIGNALLED + number)
            return
        self.received, self._received_at = signal.Signals(number), self._clock()
        if self._tell is not None:
            self._tell()
