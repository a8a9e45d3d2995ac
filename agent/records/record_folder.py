"""One record on disk: a folder with `lines.jsonl`, and perhaps `heard-NAME.flac` beside it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from interject.agent.records.lines import LATEST, RecordBegun
from interject.agent.records.session_record import (
    RecordHead,
    RecordState,
    SessionRecord,
    ending,
    read_line,
    read_lines,
)
from interject.config import PrivacySettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from interject.agent.records.lines import RecordEnded, RecordLine

GOES_ON = "this session goes on: end it first"
LINES = "lines.jsonl"
AUDIO = "heard*.flac"
FIRST_BYTES = 1 << 20
TAIL_BYTES = 4_096
"""In which the last line is, where there is an end: a server looks at all records every minute."""
HOUR_S = 3_600.0
LIFETIME_H = PrivacySettings().lifetime_h
"""Of a record that does not say its own."""


class NoSuchRecord(Exception):
    """Raised with the id that names none."""


class RecordGoesOn(Exception):
    """Raised with the id of a record that is still being written."""


class _Ends(NamedTuple):
    """Of a line file that is empty, torn at its beginning or not there, `begun` is None."""

    begun: RecordBegun | None = None
    ended: RecordEnded | None = None
    changed: float = 0.0
    live: bool = False


class RecordFolder:
    """Its name is the record's id, whatever a file in it says. No link in it is followed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.id = path.name

    def head(self) -> RecordHead:
        """:raises NoSuchRecord: when it has just been deleted."""
        files = self._files()
        begun, ended, changed, live = self._ends()
        if begun is None:
            last = max((status.st_mtime for status in files.values()), default=self._made)
        else:
            last = changed if ended is None else begun.began + ended.seconds
        lifetime_h = LIFETIME_H if begun is None else begun.lifetime_h
        return RecordHead(
            id=self.id,
            state=self._state(begun, ended, live=live),
            call="" if begun is None else begun.call,
            profile="" if begun is None else begun.profile,
            began=self._made if begun is None else begun.began,
            seconds=None if ended is None else ended.seconds,
            expires=min(max(0.0, last) + lifetime_h * HOUR_S, LATEST),
            retention="" if begun is None else begun.retention,
            has_audio=bool(self.audio()),
            size_bytes=sum(status.st_size for status in files.values()),
        )

    def read(self) -> SessionRecord:
        """As much as can be read.

        :raises NoSuchRecord: when it has just been deleted.
        """
        head, lines = self.head(), self._lines()
        if lines and isinstance(begun := lines[0], RecordBegun):
            return SessionRecord(head, begun, lines[1:])
        return SessionRecord(head, None, lines)

    def audio(self) -> tuple[Path, ...]:
        return tuple(sorted(path for path in self._path.glob(AUDIO) if not path.is_symlink()))

    def remove(self) -> None:
        """Its lines go last: what is left where this fails halfway still says what it is of.

        :raises RecordGoesOn: when it is still being written.
        :raises NoSuchRecord: when it has just been deleted.
        :raises OSError: when something of it stays.
        """
        if self._ends().live:
            raise RecordGoesOn(self.id)
        try:
            names = sorted(os.listdir(self._path), key=lambda name: name == LINES)
        except FileNotFoundError:
            raise NoSuchRecord(self.id) from None
        for name in names:
            _remove(self._path / name)
        with contextlib.suppress(FileNotFoundError):
            self._path.rmdir()

    @property
    def _made(self) -> float:
        """As its name says."""
        try:
            made = datetime.strptime(self.id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            return 0.0
        return max(0.0, made.timestamp())

    def _state(
        self, begun: RecordBegun | None, ended: RecordEnded | None, *, live: bool
    ) -> RecordState:
        if live:
            return RecordState.LIVE
        if begun is None or begun.id != self.id:
            return RecordState.BROKEN
        return RecordState.CUT if ended is None else RecordState.ENDED

    def _files(self) -> dict[str, os.stat_result]:
        """What cannot be looked at is left out."""
        found = {}
        try:
            with os.scandir(self._path) as entries:
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):
                        found[entry.name] = entry.stat(follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            raise NoSuchRecord(self.id) from None
        except OSError:
            return {}
        return found

    def _ends(self) -> _Ends:
        try:
            with self._opened() as file:
                live = _is_written(file)
                begun = read_line(file.readline(FIRST_BYTES))
                file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
                tail = [read_line(raw) for raw in file.readlines()[-1:]]
                changed = os.fstat(file.fileno()).st_mtime
        except OSError:
            return _Ends()
        if not isinstance(begun, RecordBegun):
            return _Ends(live=live)
        return _Ends(begun, ending(line for line in tail if line), changed, live)

    def _lines(self) -> tuple[RecordLine, ...]:
        try:
            with self._opened() as file:
                return read_lines(file)
        except OSError:
            return ()

    @contextlib.contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        """:raises OSError: when there is no such file, it is none, or it cannot be read."""
        with open(self._path / LINES, "rb", opener=_open_itself) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            yield file


def _open_itself(path: str, how: int) -> int:
    """Neither what a link names nor whoever writes into a pipe."""
    return os.open(path, how | os.O_NOFOLLOW | os.O_NONBLOCK)


def _is_written(file: BinaryIO) -> bool:
    """Its writer holds a lock, in whatever process. A file system that knows none has no answer."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _remove(path: Path) -> None:
    """Somebody else may delete it as well."""
    with contextlib.suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
