"""The one place that turns an exception into a line on stderr and an exit code."""

from __future__ import annotations

import errno
import functools
import os
import sys
from typing import TYPE_CHECKING, NoReturn, ParamSpec

from interject.cli.process.installing import for_this_installation

if TYPE_CHECKING:
    from collections.abc import Callable

EXIT_DIFFERS = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
DEBUG_VARIABLE = "INTERJECT_DEBUG"
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What writing to standard output may raise, without a name; files are written with theirs."""
EXPECTED = frozenset(
    {
        "RuntimeFailure", "ProfileError", "VoiceFailure", "RoomFailure", "BenchmarkError",
        "EndpointFailure", "DatasetError", "YamlFileError", "SoundCatalogueError",
        "SceneFileError", "SynthesisError", "UnusableRecordings", "FolderTaken", "SoundboardFault",
    }
)  # fmt: skip
"""By name, so that `interject --help` need not import where they are defined."""

_Parameters = ParamSpec("_Parameters")


class InputFailure(Exception):
    """Something that the user gave cannot be used; the message says what, and what to do."""


class OutputClosed(Exception):
    """Whoever read our standard output has gone. Files are complete when this is raised."""


def command(function: Callable[_Parameters, int | None]) -> Callable[_Parameters, None]:
    """Run a command, then leave the process with its exit code or with a one-line error."""

    @functools.wraps(function)
    def guarded(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> None:
        try:
            code = function(*args, **kwargs)
            sys.stdout.flush()
        except SystemExit:
            raise
        except BaseException as exc:
            if os.environ.get(DEBUG_VARIABLE):
                raise
            leave(first_cause(exc))
        if code:
            sys.exit(code)

    return guarded


def leave(exc: BaseException) -> NoReturn:
    """Say what went wrong, and end the process."""
    if isinstance(exc, BrokenPipeError | OutputClosed):
        silence(1)
        complain("the output pipe was closed; stopped there")
        sys.exit(EXIT_BAD_INPUT)
    if isinstance(exc, KeyboardInterrupt):
        complain("interrupted")
        sys.exit(EXIT_INTERRUPTED)
    if not isinstance(exc, Exception):
        raise exc
    if isinstance(exc, OSError) and exc.filename is None and exc.errno in UNWRITABLE:
        silence(1)
        exc.filename = "standard output"
    complain(one_line(exc))
    sys.exit(EXIT_BAD_INPUT if is_expected(exc) else EXIT_DIFFERS)


def is_expected(exc: Exception) -> bool:
    """Tell a failure whose own message is for users from a defect of ours."""
    if isinstance(exc, InputFailure | OSError | ImportError):
        return True
    names = {kind.__name__ for kind in type(exc).__mro__}
    return not names.isdisjoint(EXPECTED)


def one_line(exc: Exception) -> str:
    if isinstance(exc, ModuleNotFoundError):
        return f"the package {exc.name} is missing; 'interject doctor' says what to do"
    if isinstance(exc, OSError) and exc.filename and exc.strerror:
        return f"{printable(str(exc.filename))}: {reason(exc)}"
    text = " ".join(str(exc).split())
    if is_expected(exc):
        return text
    kind = type(exc).__name__
    return f"internal error ({kind}: {text}); set {DEBUG_VARIABLE}=1 to see where"


def reason(exc: Exception) -> str:
    """Why, without what: the system's words, or the kind of a fault that is not the system's."""
    if isinstance(exc, OSError) and exc.strerror:
        return exc.strerror.lower()
    return f"{type(exc).__name__}: {exc}"


def printable(text: str) -> str:
    """A file's name may hold line ends, control characters, and bytes that are no text."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def attempt(what: str, write: Callable[[], object]) -> bool:
    """Write one of several files; when that fails it is told and costs none of the others."""
    try:
        write()
    except Exception as exc:
        complain(f"{what}: could not be written ({reason(exc)})")
        return False
    return True


def first_cause(exc: BaseException) -> BaseException:
    """Unwrap task groups down to the exception that began it all."""
    while isinstance(exc, BaseExceptionGroup):
        exc = exc.exceptions[0]
    return exc


def complain(text: str) -> None:
    """Write one line to stderr; a stderr that cannot be written is nobody to complain to."""
    line = for_this_installation(" ".join(text.split()))
    try:
        sys.stderr.write(f"interject: {line}\n")
        sys.stderr.flush()
    except OSError:
        silence(2)


def silence(descriptor: int) -> None:
    """Keep the interpreter's last flush from failing where writing has failed."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, descriptor)
    os.close(sink)
