"""What is done about each error that Redis, its client, the network or TLS can raise."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

import hiredis
import pytest
from redis import exceptions
from redis._parsers.base import BaseParser

from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.redis.errors import (
    Handling,
    RedisAway,
    WrongNode,
    explain,
    handling,
    is_cut,
    raise_errors_within,
    reason,
)

if TYPE_CHECKING:
    from collections.abc import Callable

IN_SCRIPT = " script: 4b1c7e2f, on @user_script:12."
NO_TLS = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")


def replied(text: str) -> Any:
    """As the client raises it: an error reply read by its parser."""
    parse: Callable[[str], Exception] = BaseParser.parse_error
    reader = hiredis.Reader(protocolError=exceptions.InvalidResponse, replyError=parse)
    reader.feed(f"-{text}\r\n".encode())
    return reader.gets()


REPLIES = {
    Handling.RETRY: [
        "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        "INPROG Failover already in progress.",
        "IOERR error or timeout writing to target instance",
        "LOADING Redis is loading the dataset in memory",
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist.",
        "MISCONF Errors writing to the AOF file: No space left on device",
        "NOGOODSLAVE No suitable replica to promote",
        "NOMASTERLINK Can't SYNC while not connected with my master",
        "NOREPLICAS Not enough good replicas to write.",
        "NOSCRIPT No matching script. Please use EVAL.",
        "NOTBUSY No scripts in execution right now.",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "OOM command not allowed when used memory > 'maxmemory'." + IN_SCRIPT,
        "UNBLOCKED client unblocked via CLIENT UNBLOCK",
        "UNBLOCKED force unblock from blocking operation, instance state changed",
        "UNKILLABLE Sorry the script already executed write commands against the dataset.",
        "ERR The stream has exhausted the last possible ID, unable to add more items",
        "ERR max number of clients reached",
        "ERR max number of clients + cluster connections reached",
        "ERR Function not found",
        "EXECABORT Transaction discarded because of: NOREPLICAS Not enough good replicas to write.",
        "EXECABORT Transaction discarded because of: OOM command not allowed",
    ],
    Handling.REDIRECT: [
        "ASK 3999 127.0.0.1:6381",
        "CLUSTERDOWN Hash slot not served",
        "CLUSTERDOWN The cluster is down",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "MOVED 3999 127.0.0.1:6381",
        "READONLY You can't write against a read only replica.",
        "READONLY You can't write against a read only replica." + IN_SCRIPT,
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "ERR Script attempted to access a non local key in a cluster node" + IN_SCRIPT,
        "ERR Script attempted to access keys but the cluster is down",
        "EXECABORT Transaction discarded because of: READONLY You can't write",
    ],
    Handling.SESSION: [
        "BUSYGROUP Consumer Group name already exists",
        "BUSYKEY Target key name already exists.",
        "NOGROUP No such key 'k' or consumer group 'g'",
        "WRONGTYPE Operation against a key holding the wrong kind of value",
        "WRONGTYPE Operation against a key holding the wrong kind of value" + IN_SCRIPT,
        "ERR The ID specified in XADD is equal or smaller than the target stream top item",
        "ERR The ID specified in XADD must be greater than 0-0",
        "ERR Invalid stream ID specified as stream command argument",
        "ERR no such key",
        "ERR hash value is not an integer" + IN_SCRIPT,
    ],
    Handling.PROCESS: [
        "CROSSSLOT Keys in request don't hash to the same slot",
        "DENIED Redis is running in protected mode because protected mode is enabled",
        "NOAUTH Authentication required.",
        "NOAUTH HELLO must be called with the client already authenticated",
        "NOPERM this user has no permissions to run the 'eval' command",
        "NOPERM this user has no permissions to access one of the keys used as arguments",
        "NOPROTO unsupported protocol version",
        "WRONGPASS invalid username-password pair or user is disabled.",
        (
            "ERR AUTH <password> called without any password configured for the default user. "
            "Are you sure your configuration is correct?"
        ),
        "ERR invalid password",
        "ERR DB index is out of range",
        "ERR SELECT is not allowed in cluster mode",
        "ERR unknown command 'EVAL', with args beginning with: 'secret' ",
        "ERR unknown subcommand 'X'. Try CLIENT HELP.",
        "ERR Unknown Redis command called from script" + IN_SCRIPT,
        "ERR This Redis command is not allowed from script" + IN_SCRIPT,
        "ERR Error compiling script (new function): user_script:1: unexpected symbol",
        "ERR ACL failure in script: User has no permissions to run the 'get' command",
        "ERR The user executing the script can't run this command or subcommand" + IN_SCRIPT,
        "ERR wrong number of arguments for 'hello' command",
        "ERR syntax error",
    ],
    Handling.UNKNOWN: [
        "ERR Protocol error: invalid bulk length",
        "ERR EXEC without MULTI",
        "ERR user_script:12: attempt to compare nil with number" + IN_SCRIPT,
        "ERR Script killed by user with SCRIPT KILL." + IN_SCRIPT,
        "EXECABORT Transaction discarded because of previous errors.",
        "NEVERSEEN of this nobody has heard",
    ],
}


@pytest.mark.parametrize(
    ("what", "reply"), [(what, reply) for what, replies in REPLIES.items() for reply in replies]
)
def test_every_error_reply_says_what_is_to_be_done(what: Handling, reply: str) -> None:
    error = replied(reply)
    assert isinstance(error, exceptions.RedisError)
    assert handling(error) is what
    line = str(explain(error, "redis://host:1/0"))
    assert line.startswith("redis://host:1/0: ")
    assert "\n" not in line
    assert "secret" not in line
    passing = what in (Handling.RETRY, Handling.REDIRECT)
    assert isinstance(explain(error, "x"), RedisAway) is passing
    assert reason(error).isalpha()


@pytest.mark.parametrize(
    ("what", "error"),
    [
        (Handling.RETRY, exceptions.ConnectionError("Connection closed by server.")),
        (Handling.RETRY, exceptions.TimeoutError("Timeout connecting to server")),
        (Handling.RETRY, exceptions.MaxConnectionsError("Too many connections")),
        (Handling.RETRY, exceptions.WatchError("Watched variable changed.")),
        (Handling.RETRY, ConnectionResetError(104, "Connection reset by peer")),
        (Handling.RETRY, BrokenPipeError(32, "Broken pipe")),
        (Handling.RETRY, TimeoutError()),
        (Handling.RETRY, asyncio.IncompleteReadError(b"", 1)),
        (Handling.RETRY, OSError(24, "Too many open files")),
        (Handling.RETRY, ssl.SSLEOFError(8, "EOF occurred in violation of protocol")),
        (Handling.RETRY, RedisAway("no Redis answers there")),
        (Handling.REDIRECT, WrongNode("MOVED")),
        (Handling.PROCESS, NO_TLS),
        (Handling.PROCESS, ssl.SSLCertVerificationError(1, "self-signed certificate")),
        (Handling.PROCESS, exceptions.DataError("Invalid input of type: 'NoneType'")),
        (Handling.PROCESS, RuntimeFailure("another worker has taken over")),
        (Handling.PROCESS, ZeroDivisionError()),
        (Handling.UNKNOWN, exceptions.InvalidResponse("Protocol Error: b'H'")),
        (Handling.UNKNOWN, exceptions.PubSubError("not subscribed")),
    ],
)
def test_so_does_every_other_error(what: Handling, error: Exception) -> None:
    assert handling(error) is what


def test_a_redis_that_answers_is_not_said_to_be_silent() -> None:
    """The client makes an error of the connection of it: the reply came to its greeting."""
    full = exceptions.ConnectionError("max number of clients reached")
    assert str(explain(full, "redis://host:1/0")) == (
        "redis://host:1/0: it answers, but has no room for one client more "
        "(max number of clients reached)"
    )


def test_what_a_connection_hides_is_found() -> None:
    """The client raises its own error while it handles that of TLS."""
    hidden = exceptions.ConnectionError("Error 1 connecting to host:1.")
    hidden.__context__ = NO_TLS
    assert handling(hidden) is Handling.PROCESS


def test_an_error_deep_in_an_answer_is_found() -> None:
    with pytest.raises(exceptions.ResponseError, match="WRONGTYPE"):
        raise_errors_within([b"ok", [1, [b"x", replied("WRONGTYPE Operation against")]]])
    raise_errors_within([b"ok", [1, []], None])


@pytest.mark.parametrize(
    "said",
    ['MISCONF it cannot "save"', ('MISCONF it cannot "save"',), ("MISCONF it", 'cannot "save"')],
)
def test_an_error_of_a_pipeline_is_the_same_without_the_command_s_words(said: object) -> None:
    """Older clients show the words, newer ones the arguments of the error."""
    text = f"Command # 1 (XADD k * d secret) of pipeline caused error: {said}"
    error = exceptions.ResponseError(text)
    assert (handling(error), reason(error)) == (Handling.RETRY, "MISCONF")
    assert str(explain(error, "redis://host")) == 'redis://host: MISCONF it cannot "save"'


@pytest.mark.parametrize(
    "error",
    [
        exceptions.ConnectionError("Connection closed by server."),
        exceptions.ConnectionError("the connection is lost ([Errno 104] Connection reset by peer)"),
        exceptions.TimeoutError("Redis is silent"),
        exceptions.InvalidResponse("Protocol error"),
        EOFError(),
    ],
)
def test_an_answer_that_was_too_large_may_have_been_cut(error: Exception) -> None:
    assert is_cut(error)


@pytest.mark.parametrize(
    "error",
    [
        *(replied(reply) for replies in REPLIES.values() for reply in replies),
        exceptions.ConnectionError("Error 111 connecting to 127.0.0.1:1. Connect call failed"),
        exceptions.ConnectionError("max number of clients reached"),
        exceptions.TimeoutError("Timeout connecting to server"),
        WrongNode("MOVED"),
        RedisAway("away"),
        RuntimeFailure("the model is gone"),
    ],
)
def test_an_answer_that_came_or_was_never_asked_for_was_not(error: Exception) -> None:
    assert not is_cut(error)
