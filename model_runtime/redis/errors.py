"""What an error means, whoever raised it: Redis, its client, the network or TLS.

Nothing else looks at an error's class or words to find out what to do about it.
"""

from __future__ import annotations

import ast
import contextlib
import ssl
from enum import Enum
from typing import TYPE_CHECKING, Any

from redis import exceptions

from interject.model_runtime.protocol import RuntimeAway, RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import Iterable


class Handling(Enum):
    """What is to be done.

    `RETRY` and `REDIRECT` pass by themselves: wait, ever longer. `SESSION`: what Redis keeps of one
    session is not what it should be. `PROCESS`: configuration, rights or versions, which do not
    change by themselves. `UNKNOWN` is tried again a few times; then it is the session's where only
    one was concerned, and otherwise the process'.
    """

    RETRY = "retry"
    REDIRECT = "redirect"
    SESSION = "session"
    PROCESS = "process"
    UNKNOWN = "unknown"


class RedisAway(RuntimeAway):
    """No Redis answers there."""


class WrongNode(exceptions.ConnectionError):
    """The shard was not to be had there; nothing was done."""


FAILURES = (exceptions.RedisError, RuntimeFailure, OSError, EOFError)
"""What using a Redis may raise; `handling` tells what is to be done."""
_CODES = {
    "BUSY": Handling.RETRY,
    "INPROG": Handling.RETRY,
    "IOERR": Handling.RETRY,
    "LOADING": Handling.RETRY,
    "MISCONF": Handling.RETRY,
    "NOGOODSLAVE": Handling.RETRY,
    "NOMASTERLINK": Handling.RETRY,
    "NOREPLICAS": Handling.RETRY,
    "NOSCRIPT": Handling.RETRY,
    "NOTBUSY": Handling.RETRY,
    "OOM": Handling.RETRY,
    "UNBLOCKED": Handling.RETRY,
    "UNKILLABLE": Handling.RETRY,
    "ASK": Handling.REDIRECT,
    "CLUSTERDOWN": Handling.REDIRECT,
    "MASTERDOWN": Handling.REDIRECT,
    "MOVED": Handling.REDIRECT,
    "READONLY": Handling.REDIRECT,
    "TRYAGAIN": Handling.REDIRECT,
    "BUSYGROUP": Handling.SESSION,
    "BUSYKEY": Handling.SESSION,
    "NOGROUP": Handling.SESSION,
    "WRONGTYPE": Handling.SESSION,
    "CROSSSLOT": Handling.PROCESS,
    "DENIED": Handling.PROCESS,
    "NOAUTH": Handling.PROCESS,
    "NOPERM": Handling.PROCESS,
    "NOPROTO": Handling.PROCESS,
    "WRONGPASS": Handling.PROCESS,
}
"""The first word of an error reply."""
_ANOTHER_TENANT = "write the tenant that the user is of, ?tenant=NAME, or another user"
_ANOTHER_USER = "workers use interject-worker, what carries sound interject-media"
_FULL = "max number of clients"
_PHRASES = {
    _FULL: Handling.RETRY,
    "exhausted the last possible id": Handling.RETRY,
    "function not found": Handling.RETRY,
    "non local key": Handling.REDIRECT,
    "cluster is down": Handling.REDIRECT,
    "equal or smaller": Handling.SESSION,
    "must be greater than 0-0": Handling.SESSION,
    "invalid stream id": Handling.SESSION,
    "no such key": Handling.SESSION,
    "is not an integer": Handling.SESSION,
    "acl failure": Handling.PROCESS,
    "no permissions": Handling.PROCESS,
    "the user executing the script": Handling.PROCESS,
    "unknown command": Handling.PROCESS,
    "unknown subcommand": Handling.PROCESS,
    "unknown redis command": Handling.PROCESS,
    "not allowed from script": Handling.PROCESS,
    "error compiling script": Handling.PROCESS,
    "wrong number of arg": Handling.PROCESS,
    "syntax error": Handling.PROCESS,
    "db index": Handling.PROCESS,
    "select is not allowed": Handling.PROCESS,
    "invalid password": Handling.PROCESS,
    "without any password": Handling.PROCESS,
    "no password is set": Handling.PROCESS,
}
"""In replies whose first word is ERR, in lower case."""
_IN_A_PIPELINE = "of pipeline caused error: "
"""Before it stands the whole command, what somebody said in it."""
_UNCONNECTED = "connecting to"
_ABORTED = "discarded because of: "
"""What follows is the error that made Redis give a transaction up."""
_CLASSES: tuple[tuple[type[BaseException], str], ...] = (
    (exceptions.AuthenticationError, "WRONGPASS"),
    (exceptions.AuthorizationError, "NOPERM"),
    (exceptions.NoPermissionError, "NOPERM"),
    (exceptions.AuthenticationWrongNumberOfArgsError, "WRONGPASS"),
    (exceptions.BusyLoadingError, "LOADING"),
    (exceptions.OutOfMemoryError, "OOM"),
    (exceptions.NoScriptError, "NOSCRIPT"),
    (exceptions.ReadOnlyError, "READONLY"),
    (exceptions.MovedError, "MOVED"),
    (exceptions.AskError, "ASK"),
    (exceptions.TryAgainError, "TRYAGAIN"),
    (exceptions.MasterDownError, "MASTERDOWN"),
    (exceptions.ClusterDownError, "CLUSTERDOWN"),
    (exceptions.ClusterCrossSlotError, "CROSSSLOT"),
    (exceptions.ExecAbortError, "EXECABORT"),
)
"""The client takes the first word off some replies and raises one of these. The first that fits."""
_PASSING_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError, ssl.SSLWantReadError)


def handling(error: BaseException) -> Handling:
    """What is to be done about an error. What no Redis raises is a defect of ours: `PROCESS`."""
    known = _CODES.get(code(error))
    if known is not None:
        return known
    match error:
        case WrongNode():
            return Handling.REDIRECT
        case RedisAway() | exceptions.WatchError():
            return Handling.RETRY
        case exceptions.ResponseError() | exceptions.ConnectionError() if found := _by_words(error):
            return found
        case exceptions.ConnectionError() | exceptions.TimeoutError() | OSError() | EOFError():
            return Handling.PROCESS if speaks_no_tls(error) else Handling.RETRY
        case exceptions.DataError():
            return Handling.PROCESS
        case exceptions.RedisError():
            return Handling.UNKNOWN
    return Handling.PROCESS


def passes(error: BaseException) -> bool:
    """Whether waiting helps, perhaps at another node."""
    return handling(error) in (Handling.RETRY, Handling.REDIRECT)


def is_cut(error: BaseException) -> bool:
    """Whether an answer may have been lost that was larger than Redis gives. Who has an answer, or
    never got as far as to ask, has lost none.
    """
    if code(error) or isinstance(error, WrongNode | RuntimeFailure) or _by_words(error):
        return False
    return _UNCONNECTED not in _words(error).lower()


def code(error: BaseException) -> str:
    """The first word of an error reply, `ERR` where it has none of its own; "" of other errors."""
    taken: str | None = getattr(error, "status_code", None)
    if taken in _CODES:
        return taken
    for kind, word in _CLASSES:
        if isinstance(error, kind):
            return word
    if not isinstance(error, exceptions.ResponseError):
        return ""
    word = _words(error).partition(" ")[0]
    return word if word.isupper() and word.isalpha() else "ERR"


def reason(error: BaseException) -> str:
    """A word for logs, never what was read or written."""
    found = code(error)
    return type(error).__name__ if found in ("", "ERR") else found


def explain(error: BaseException, name: str, whose: str = "this user") -> RuntimeFailure:
    """One line for whoever runs this; a `RedisAway` may pass. `name` is the address, `whose` the
    rights are.
    """
    if isinstance(error, RuntimeFailure):
        return error
    found = code(error)
    if found == "NOAUTH":
        return RuntimeFailure(
            f"{name}: a password is needed; write redis://user:password@host:port/0"
        )
    if found == "WRONGPASS":
        return RuntimeFailure(
            f"{name}: the user or password is wrong; write redis://user:password@host:port/0"
        )
    if found == "NOPERM":
        remedy = _ANOTHER_USER if "command" in _words(error).lower() else _ANOTHER_TENANT
        return RuntimeFailure(f"{name}: {whose} may not do that ({said(error)}); {remedy}")
    kind = RedisAway if passes(error) else RuntimeFailure
    if _FULL in _words(error).lower():
        return kind(f"{name}: it answers, but has no room for one client more ({said(error)})")
    if isinstance(error, exceptions.ResponseError):
        return kind(f"{name}: {said(error)}")
    return kind(f"{name}: {_unreached(error, name)}")


def _unreached(error: BaseException, name: str) -> str:
    """Who is there with a certificate is no reason to look for a Redis elsewhere."""
    words = _words(error).lower()
    if "certificate_verify_failed" in words:
        return (
            f"its certificate is not accepted ({said(error)}); write the host that it is for, "
            "and ?ssl_ca_certs=FILE for who signed it"
        )
    if name.startswith("rediss:") and "no such file" in words:
        return f"a file that the URL names, as with ssl_ca_certs, is not there ({said(error)})"
    return f"no Redis answers there ({said(error)})"


def said(error: BaseException) -> str:
    """The words of an error in one line. Redis repeats arguments of a command that it does not
    know: one of them could be a password.
    """
    text = _words(error).partition(", with args")[0]
    return " ".join(text.split()).rstrip(".") or type(error).__name__


def is_there_already(answer: object) -> bool:
    """Whether an entry could not be added because it, or a later one, was before."""
    return isinstance(answer, exceptions.ResponseError) and "equal or smaller" in str(answer)


def raise_errors(answers: Iterable[Any]) -> None:
    """:raises RedisError: the first one among the answers."""
    for answer in answers:
        if isinstance(answer, exceptions.RedisError):
            raise answer


def raise_errors_within(answer: Any) -> None:
    """:raises RedisError: the first one that a script put anywhere into its answer."""
    if isinstance(answer, list):
        for part in answer:
            raise_errors_within(part)
    raise_errors((answer,))


def speaks_no_tls(error: BaseException) -> bool:
    """Whoever answers, but not so that both understand it, will not do so later."""
    found = next((e for e in (error, error.__cause__, error.__context__) if _is_tls(e)), None)
    return found is not None and not isinstance(found, _PASSING_TLS)


def _words(error: BaseException) -> str:
    """What Redis said. Behind a pipeline's command its client shows the error's arguments."""
    _, within, words = str(error).rpartition(_IN_A_PIPELINE)
    if within and words.startswith("("):
        with contextlib.suppress(ValueError, SyntaxError):
            return " ".join(map(str, ast.literal_eval(words)))
    return words


def _is_tls(error: BaseException | None) -> bool:
    return isinstance(error, ssl.SSLError)


def _by_words(error: BaseException) -> Handling | None:
    words = _words(error)
    if _ABORTED in words:
        return handling(exceptions.ResponseError(words.partition(_ABORTED)[2]))
    low = words.lower()
    return next((what for phrase, what in _PHRASES.items() if phrase in low), None)
