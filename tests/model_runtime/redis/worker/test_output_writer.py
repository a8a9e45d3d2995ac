"""What a worker does with Redis' verdicts on its writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from interject.model_runtime.redis.worker.batch import Batch
from interject.model_runtime.redis.worker.owned_session import OwnershipState
from interject.model_runtime.redis.worker.worker import Worker
from interject.model_runtime.remote import wire
from tests.model_runtime.redis.worker.owned import owned
from tests.model_runtime.worlds import small_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.model_runtime.redis.connection import Command, RedisClient
    from interject.model_runtime.redis.worker.owned_session import OwnedSession


class SlowRedis:
    """While it does what it was sent, something else happens."""

    digests_refused = False

    def __init__(self, meanwhile: Callable[[], None], verdict: bytes) -> None:
        self._meanwhile = meanwhile
        self._verdict = verdict

    async def exchange(self, commands: Sequence[Command]) -> list[object]:
        assert [command[0] for command in commands] == ["EVALSHA"]
        self._meanwhile()
        return [[self._verdict]]


def serving(worker: Worker) -> OwnedSession:
    session = owned("key")
    worker._sessions.add(session)
    session.move(OwnershipState.SERVING)
    return session


@pytest.mark.parametrize("verdict", [b"ok", b"again", b"missing", b"behind"])
@pytest.mark.parametrize("snapshot", [b"", b"snapshot"])
async def test_a_session_that_redis_forgot_while_it_was_written_is_written_anew(
    verdict: bytes, snapshot: bytes
) -> None:
    worker = Worker("redis://127.0.0.1:1/0", small_model(), name="w", slots=1)
    writer, session = worker._output_writer, serving(worker)
    writer.deliver([Batch(session, (wire.Opened(),), "0-1", journal=b"[]", snapshot=snapshot)])
    writer._news.clear()
    await writer._flush(cast("RedisClient", SlowRedis(session.log.hold, verdict)))
    session.log.add(Batch(session, (), "0-1", snapshot=b"another"))
    write = session.log.next_write()
    assert write is not None
    assert [event.kind for event in write.events] == [b"opened"]
    assert write.snapshot
    assert writer._news.is_set()


@pytest.mark.parametrize("verdict", [b"ok", b"fenced", b"missing", b"behind"])
async def test_of_a_session_that_ended_while_it_was_written_nothing_more_is(verdict: bytes) -> None:
    worker = Worker("redis://127.0.0.1:1/0", small_model(), name="w", slots=1)
    writer, session = worker._output_writer, serving(worker)
    batch = Batch(session, (wire.Opened(),), "0-1", journal=b"[]")
    writer.deliver([batch])
    ends = SlowRedis(lambda: worker._sessions.end(session), verdict)
    await writer._flush(cast("RedisClient", ends))
    writer.deliver([batch])
    assert (worker.session_count, list(worker._sessions.unwritten)) == (0, [])
