"""Events that a webhook did not take, in a file of bounded size."""

from __future__ import annotations

import errno
import logging
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError
from pydantic_core import to_json

from interject.config.strict import StrictModel

if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from pathlib import Path

logger = logging.getLogger(__name__)

MOST_BYTES = 16 << 20


class DeadLetter(StrictModel):
    """A line of the file. `id` is the event's `webhook-id`, `time` when it was given up, in ISO
    8601, and `event` its body.
    """

    id: str = Field(min_length=1, max_length=200)
    time: str
    reason: str
    event: dict[str, Any]


class DeadLetters:
    """One process writes a file. When it would grow beyond its bound the older half of it goes.

    `kept` and `lost` count: one is lost where the file cannot be written, or has become too large.
    """

    def __init__(self, path: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self.path = path
        self._most_bytes = most_bytes
        self.kept = self.lost = 0

    def add(self, message_id: str, body: bytes, reason: str, *, now: float) -> None:
        """`now` is in seconds since 1970."""
        at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
        head = to_json({"id": message_id, "time": at, "reason": reason}).removesuffix(b"}")
        line = head + b',"event":' + body + b"}\n"
        try:
            self._make_room(len(line))
            _append(self.path, line)
        except OSError as error:
            self.lost += 1
            logger.warning(
                "A dead letter cannot be kept", extra={"error_type": type(error).__name__}
            )
        else:
            self.kept += 1

    def read(self) -> tuple[DeadLetter, ...]:
        """Oldest first. A line that is none, as of a full disk, is left out.

        :raises OSError: when there is no such file, or it cannot be read.
        """
        with self.path.open("rb") as file:
            return tuple(letter for line in file if (letter := _letter(line)) is not None)

    def keep(self, letters: Iterable[DeadLetter]) -> None:
        """These alone.

        :raises OSError: when it cannot be written.
        """
        self._replace(b"".join(f"{one.model_dump_json()}\n".encode() for one in letters))

    def forget(self, calls: Container[str]) -> int:
        """How many events of these calls there were, which are no more. Nor is what cannot be read:
        it may be of them.

        :raises OSError: when the file cannot be read or written.
        """
        self._fresh.unlink(missing_ok=True)
        if not self.path.exists():
            return 0
        with self.path.open("rb") as file:
            lines = [_letter(line) for line in file]
        letters = [letter for letter in lines if letter is not None]
        others = [letter for letter in letters if call_of(letter.event) not in calls]
        if len(others) < len(lines):
            self.keep(others)
        return len(letters) - len(others)

    def _make_room(self, more: int) -> None:
        if not self.path.exists() or self.path.stat().st_size + more <= self._most_bytes:
            return
        content = self.path.read_bytes()
        half = content[max(0, len(content) - self._most_bytes // 2) :]
        kept = half[half.index(b"\n") + 1 :] if b"\n" in half else b""
        self.lost += content.count(b"\n") - kept.count(b"\n")
        self._replace(kept)

    @property
    def _fresh(self) -> Path:
        """Of a process that died while it wrote one it is still there."""
        return self.path.with_name(f".{self.path.name}.new")

    def _replace(self, content: bytes) -> None:
        """Whole, or as it was."""
        try:
            with os.fdopen(_opened(self._fresh, os.O_TRUNC), "wb") as file:
                file.write(content)
            self._fresh.replace(self.path)
        except OSError:
            self._fresh.unlink(missing_ok=True)
            raise


def call_of(event: dict[str, Any]) -> str | None:
    """As the event names it: the call's id, or that of one ear of it."""
    data = event.get("data")
    named = data.get("call") if isinstance(data, dict) else None
    return named if isinstance(named, str) else None


def _opened(path: Path, how: int) -> int:
    """For the owner's eyes alone."""
    return os.open(path, os.O_RDWR | os.O_CREAT | how, 0o600)


def _append(path: Path, line: bytes) -> None:
    """A line of its own, whatever a full disk or a lost process has left before it; or nothing."""
    with os.fdopen(_opened(path, os.O_APPEND), "r+b", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        if end and os.pread(file.fileno(), 1, end - 1) != b"\n":
            line = b"\n" + line
        try:
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            file.truncate(end)
            raise


def _letter(line: bytes) -> DeadLetter | None:
    try:
        return DeadLetter.model_validate_json(line)
    except ValidationError:
        return None
