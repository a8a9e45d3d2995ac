"""The one place that turns an exception into a line on stderr and an exit code."""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING, NoReturn, ParamSpec

if TYPE_CHECKING:
    from collections.abc import Callable

EXIT_DIFFERS = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
DEBUG_VARIABLE = "INTERJECT_DEBUG"
EXPECTED = frozenset({"RuntimeFailure", "ProfileError", "VoiceFailure", "RoomFailure"})
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
            _leave(first_cause(exc))
        if code:
            sys.exit(code)

    return guarded


def _leave(exc: BaseException) -> NoReturn:
    if isinstance(exc, BrokenPipeError | OutputClosed):
        _silence_stdout()
        complain("the output pipe was closed; stopped there")
        sys.exit(EXIT_BAD_INPUT)
    if isinstance(exc, KeyboardInterrupt):
        complain("interrupted")
        sys.exit(EXIT_INTERRUPTED)
    if not isinstance(exc, Exception):
        raise exc
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
        return f"{exc.filename}: {exc.strerror.lower()}"
    text = " ".join(str(exc).split())
    if is_expected(exc):
        return text
    kind = type(exc).__name__
    return f"internal error ({kind}: {text}); set {DEBUG_VARIABLE}=1 to see where"


def first_cause(exc: BaseException) -> BaseException:
    """Unwrap task groups down to the exception that began it all."""
    while isinstance(exc, BaseExceptionGroup):
        exc = exc.exceptions[0]
    return exc


def complain(text: str) -> None:
    """Write one line to stderr; a closed stderr is nobody to complain to."""
    try:
        sys.stderr.write(f"interject: {text}\n")
        sys.stderr.flush()
    except OSError:
        return


def _silence_stdout() -> None:
    """Keep the interpreter's last flush from failing on the same closed pipe."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 1)
    os.close(sink)
