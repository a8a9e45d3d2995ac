"""Ctrl-C, SIGTERM and SIGHUP end a training run where it can go on: never inside a step.

The commands' own signals are no use here: a bare machine that trains has none of the commands.
"""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_EXIT_SIGNALLED = 128


class StoppedBySignal(KeyboardInterrupt):
    """Somebody wants the run to end."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(f"stopped by {number.name}")
        self.exit_code = _EXIT_SIGNALLED + number


class TrainingSignals:
    """Used with `with`. A signal raises `StoppedBySignal`: at once, or behind what is `whole`."""

    def __init__(self) -> None:
        self._before: dict[signal.Signals, Any] = {}
        self._is_whole = False
        self._received: signal.Signals | None = None

    def __enter__(self) -> Self:
        for number in _STOPPING:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` has it
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    @contextlib.contextmanager
    def whole(self) -> Iterator[None]:
        """What is inside is done to its end."""
        self._is_whole = True
        try:
            yield
        finally:
            self._is_whole = False
        self.check()

    def check(self) -> None:
        """A library that calls back, such as espeak-ng, swallows what a signal raises inside of it.

        :raises StoppedBySignal: when a signal came.
        """
        if self._received is not None:
            raise StoppedBySignal(self._received)

    def _receive(self, number: int, _frame: object) -> None:
        self._received = signal.Signals(number)
        if not self._is_whole:
            self.check()
