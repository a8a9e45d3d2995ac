"""Writes one session's record while it goes: a line is on the disk before the next one comes."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import time
from typing import TYPE_CHECKING

from interject.agent.outputs import rounded
from interject.agent.records.heard_ears import HeardEars
from interject.agent.records.line_maker import LineMaker
from interject.agent.records.lines import RecordedCueState, RecordedSummary, RecordEnded
from interject.model_runtime.protocol import Decision, Gap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from interject.agent.floor import Verdict
    from interject.agent.outputs import OutputEvent
    from interject.agent.records.lines import RecordBegun, RecordLine
    from interject.config import PrivacySettings
    from interject.model_runtime.protocol import Event, Frame, ReplyEnded, ReplyStarted, Runtime

logger = logging.getLogger(__name__)

MOST_BYTES = 64 << 20
"""Days of a session: an hour of decisions has about 1.5 MB."""
KEPT_FREE = 2 << 20
"""For its end: a summary has its own bound."""


class SessionRecorder:
    """Told of everything that happens in a session, as `CallHistory` is. A disk that is full ends
    the record, its sound too, and not the session. While it goes on its file is locked.
    """

    def __init__(
        self,
        path: Path,
        begun: RecordBegun,
        privacy: PrivacySettings,
        *,
        wall_clock: Callable[[], float] = time.time,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """:raises OSError: when the file or its first line cannot be written."""
        self.begun = begun
        self._make = LineMaker(privacy, begun.call)
        self._sound = HeardEars(path.parent) if privacy.audio else None
        self._wall_clock = wall_clock
        self._most_bytes = most_bytes
        self._bytes = 0
        self._left_out = 0
        self._failure: OSError | None = None
        how = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = os.fdopen(os.open(path, how, 0o600), "wb", buffering=0)
        with contextlib.suppress(OSError):  # Not every file system knows locks.
            fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            self._append(_raw(begun))
        except OSError:
            self._file.close()
            raise

    def ear(self) -> Callable[[Frame], None] | None:
        """To be told of all that one session more hears; None: no sound is kept."""
        return None if self._sound is None else self._sound.ear()

    def around(self, runtime: Runtime) -> Runtime:
        """The runtime, whose sessions have such ears."""
        return runtime if self._sound is None else self._sound.around(runtime)

    def observe(self, event: Event) -> None:
        match event:
            case Decision():
                self._write(self._make.decision(event))
            case Gap():
                self._write(self._make.gap(event))

    def replied(self, started: ReplyStarted, ended: ReplyEnded, verdict: Verdict) -> None:
        self._write(self._make.reply(started, ended, verdict))

    def made_known(self, event: OutputEvent) -> None:
        self._write(self._make.output(event))

    def cue_changed(self, cue_id: str, state: str, *, by: str) -> None:
        """Somebody has acknowledged or dismissed a card."""
        now = rounded(self._wall_clock())
        self._write(
            RecordedCueState(
                id=self._make.card(cue_id), state=state, by=self._make.name(by), time=now
            )
        )

    @property
    def failure(self) -> Exception | None:
        """Why it is not whole, where a disk is the reason."""
        return self._failure or (None if self._sound is None else self._sound.failure)

    def close(self, *, seconds: float | None = None) -> None:
        """`seconds` is how long it was, where that is not the time that has passed."""
        if self._sound is not None:
            self._sound.close()
        passed = self._wall_clock() - self.begun.began if seconds is None else seconds
        self._write(RecordEnded(seconds=rounded(passed), left_out=self._left_out))
        self._let_go()

    def _write(self, line: RecordLine) -> None:
        raw = _raw(line)
        is_last = isinstance(line, RecordedSummary | RecordEnded)
        room = self._most_bytes + (KEPT_FREE if is_last else 0)
        if self._file.closed or self._bytes + len(raw) > room:
            self._left_out += 1
            return
        try:
            self._append(raw)
        except OSError as error:
            self._let_go()
            if self._sound is not None:
                self._sound.close()
            self._failure = error
            logger.warning("A record breaks off", extra={"error_type": type(error).__name__})

    def _append(self, raw: bytes) -> None:
        """:raises OSError: when it is not written whole."""
        if self._file.write(raw) != len(raw):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._bytes += len(raw)

    def _let_go(self) -> None:
        """Also of the lock, which a process that was forked in the meantime holds with us."""
        if self._file.closed:
            return
        with contextlib.suppress(OSError):
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._file.close()


def _raw(line: RecordLine) -> bytes:
    return f"{line.model_dump_json()}\n".encode()
