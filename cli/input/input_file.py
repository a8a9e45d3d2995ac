"""A file or a pipe that is opened once and read once, whatever wants to know something of it."""

from __future__ import annotations

import os
import re
import select
import stat

from interject.cli.process.failures import InputFailure, printable, reason

HEAD_BYTES = 262_144
KEPT_BYTES = 8
TAIL_BYTES = 65_536
"""Longer than the longest Ogg page."""
SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}$")


class InputFile:
    """What PyAV reads from. A pipe's first and last bytes are kept as they pass.

    `name` is all that FFmpeg learns of the file's name: with the whole of it, it would look for
    protocols (`call: ann.wav`), patterns (`take%d.wav`) and other files.
    """

    def __init__(self, descriptor: int, path: str = "") -> None:
        suffix = SUFFIX.search(path)
        self.name = "sound" + (suffix.group() if suffix else "")
        self._descriptor = descriptor
        self._first = _position(descriptor)
        self._position = 0
        self._head = b""
        self._tail = b""
        self._passed = 0
        self._kept_at, self._kept = 0, b""
        self._interrupted = False
        self.mended = (0, b"")
        """A place, and what is read there in place of so many of its bytes."""

    @property
    def size(self) -> int:
        """Bytes in all; of a pipe, those that have come so far."""
        if self._first is None:
            return max(self._position, len(self._head))
        return os.fstat(self._descriptor).st_size - self._first

    def seekable(self) -> bool:
        return self._first is not None

    def read(self, count: int) -> bytes:
        """Nothing after Ctrl-C: FFmpeg, which calls this, would lose the exception."""
        try:
            return b"" if self._interrupted else self._read(count)
        except KeyboardInterrupt:
            self._interrupted = True
            return b""

    def check(self) -> None:
        """:raises KeyboardInterrupt: when reading has ended for that."""
        if self._interrupted:
            raise KeyboardInterrupt

    def _read(self, count: int) -> bytes:
        if self._first is not None:
            data = os.pread(self._descriptor, count, self._first + self._position)
        elif self._position < len(self._head):
            data = self._head[self._position : self._position + count]
        else:
            data = self._next(count)
        data = self._mend(data)
        self._position += len(data)
        return data

    def _mend(self, data: bytes) -> bytes:
        at, new = self.mended
        at -= self._position
        begin, end = max(at, 0), min(at + len(new), len(data))
        return data[:begin] + new[begin - at : end - at] + data[end:] if begin < end else data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def peek(self, count: int) -> bytes:
        """The first bytes, before anything else is read; fewer when there are no more."""
        if self._first is not None:
            return self.at(0, count)
        while len(self._head) < count and self._next(count - len(self._head)):
            pass
        return self._head[:count]

    def at(self, offset: int, count: int) -> bytes:
        """Bytes from any place; of a pipe only from its first `HEAD_BYTES`, and those kept."""
        if self._first is None:
            at_kept = offset == self._kept_at and offset >= HEAD_BYTES
            return self._kept[:count] if at_kept else self._head[offset : offset + count]
        return os.pread(self._descriptor, count, self._first + offset)

    def keep(self, offset: int) -> None:
        """Of a pipe, keep some bytes from this place on, should they pass."""
        self._kept_at, self._kept = offset, b""

    def tail(self) -> bytes:
        """The last bytes, once everything was read."""
        if self._first is None:
            return self._tail
        return self.at(max(0, self.size - TAIL_BYTES), TAIL_BYTES)

    def close(self) -> None:
        if self._descriptor > 2:
            os.close(self._descriptor)

    def _next(self, count: int) -> bytes:
        while True:
            try:
                data = os.read(self._descriptor, count)
                break
            except BlockingIOError:  # Whoever shares the descriptor made it so.
                select.select([self._descriptor], [], [])
        if len(self._head) < HEAD_BYTES:
            self._head += data
        wanted = self._kept_at + len(self._kept) - self._passed
        if wanted >= 0:
            self._kept += data[wanted:][: KEPT_BYTES - len(self._kept)]
        self._passed += len(data)
        self._tail = (self._tail + data)[-TAIL_BYTES:]
        return data


def open_input(name: str) -> InputFile:
    """:raises InputFailure: when nothing can be read from it."""
    shown = printable(name) or "''"
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as exc:
        raise InputFailure(
            f"{shown}: no such file; give a path, or '-' for standard input"
        ) from exc
    except PermissionError as exc:
        raise InputFailure(f"{shown}: may not be read; check its permissions") from exc
    except OSError as exc:
        raise InputFailure(f"{shown}: cannot be read ({reason(exc)})") from exc
    found = os.fstat(descriptor)
    if stat.S_ISDIR(found.st_mode):
        os.close(descriptor)
        raise InputFailure(f"{shown}: is a folder; give one sound file")
    if stat.S_ISREG(found.st_mode) and not found.st_size:
        os.close(descriptor)
        raise InputFailure(f"{shown}: is empty (0 bytes); nothing to hear")
    return InputFile(descriptor, name)


def is_pipe(name: str) -> bool:
    try:
        return stat.S_ISFIFO(os.stat(name).st_mode)
    except OSError:
        return False


def _position(descriptor: int) -> int | None:
    """Where a file is to be read from; none for what cannot go back."""
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return os.lseek(descriptor, 0, os.SEEK_CUR)
    except OSError as exc:
        raise InputFailure(f"standard input: cannot be read ({reason(exc)})") from exc
    return None
