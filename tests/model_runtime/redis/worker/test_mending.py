"""What a worker finds missing in Redis, and what it does about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from interject.model_runtime.redis.keys import Keys
from interject.model_runtime.redis.worker import mending
from interject.model_runtime.redis.worker.batch import Batch
from interject.model_runtime.redis.worker.output_log import OutputLog
from tests.model_runtime.redis.worker.owned import owned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.model_runtime.redis.connection import Command, RedisClient
    from interject.model_runtime.redis.worker.owned_session import OwnedSession

KEYS = Keys("0")
NAME = "default.a"
KEPT_MS = 600_000


class TypedRedis:
    """Knows of its keys only of what type they are, and when they end."""

    def __init__(self, **kinds: str) -> None:
        self.kinds = {KEYS.prefix + kind + ":" + NAME: type_ for kind, type_ in kinds.items()}
        self.kept_ms: dict[str, int] = {}
        self.asked = 0

    async def ask(self, command: Command) -> Any:
        (answer,) = await self.exchange((command,))
        return answer

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        self.asked += len(commands)
        return [self._do(*command) for command in commands]

    def _do(self, word: Any, *names: Any) -> Any:
        match word:
            case "EVAL":
                return self._inspect(*names[3:])
            case "UNLINK":
                return [self.kinds.pop(name.decode()) for name in names]
            case "XADD":
                self.kinds[names[0]] = "stream"
            case "PEXPIRE":
                if names[0] in self.kinds:
                    self.kept_ms[names[0]] = names[1]
        return None

    def _inspect(self, kept: int, kept_ms: int, *named: str) -> tuple[list[bytes], list[bytes]]:
        pairs = list(zip(named[::2], named[1::2], strict=True))
        for key, kind in pairs[:kept]:
            if self.kinds.get(key) == kind:
                self.kept_ms[key] = kept_ms
        missing = [key.encode() for key, _ in pairs if key not in self.kinds]
        wrong = [key.encode() for key, kind in pairs if self.kinds.get(key, kind) != kind]
        return missing, wrong


WHOLE = {"session": "hash", "in": "stream", "out": "stream", "client": "string"}


async def visited(redis: TypedRedis, session: OwnedSession) -> set[str]:
    return await mending.visit(cast("RedisClient", redis), KEYS, [session], KEPT_MS)


def written(*, has_journal: bool = False, has_snapshot: bool = False) -> OwnedSession:
    return owned(NAME, log=OutputLog(has_journal=has_journal, has_snapshot=has_snapshot))


async def test_a_visit_puts_the_end_off_but_not_that_of_the_client() -> None:
    redis = TypedRedis(**WHOLE)
    assert await visited(redis, written()) == set()
    assert redis.kept_ms == dict.fromkeys(
        (KEYS.session(NAME), KEYS.input(NAME), KEYS.output(NAME)), KEPT_MS
    )


async def test_sessions_that_lack_nothing_are_visited_in_one_call() -> None:
    names = [f"default.{number}" for number in range(mending.VISITED_AT_ONCE)]
    redis = TypedRedis()
    redis.kinds = {
        f"{KEYS.prefix}{kind}:{name}": type_ for name in names for kind, type_ in WHOLE.items()
    }
    sessions = [owned(name) for name in names]
    assert await mending.visit(cast("RedisClient", redis), KEYS, sessions, KEPT_MS) == set()
    assert redis.asked == 1


async def test_an_input_stream_begins_again_at_once() -> None:
    redis = TypedRedis(**WHOLE | {"in": "list"})
    assert await visited(redis, written()) == {NAME}
    assert redis.kinds[KEYS.input(NAME)] == "stream"
    assert redis.kept_ms[KEYS.input(NAME)] == KEPT_MS


async def test_what_is_of_another_type_is_deleted() -> None:
    redis = TypedRedis(**WHOLE | {"session": "string", "client": "set", "journal": "zset"})
    assert await visited(redis, written()) == {NAME}
    assert set(redis.kinds) == {KEYS.input(NAME), KEYS.output(NAME)}


async def test_only_what_was_written_is_missed() -> None:
    assert await visited(TypedRedis(**WHOLE), written()) == set()
    assert await visited(TypedRedis(**WHOLE), written(has_journal=True)) == {NAME}
    assert await visited(TypedRedis(**WHOLE), written(has_snapshot=True)) == {NAME}


async def test_while_a_write_is_on_its_way_nobody_knows_what_there_is() -> None:
    writing = written(has_journal=True, has_snapshot=True)
    writing.log.add(Batch(writing, (), "0-1", journal=b"[]"))
    assert writing.log.next_write() is not None
    assert await visited(TypedRedis(**WHOLE), writing) == set()
    writing.log.settle()
    assert writing.log.has_journal
    assert await visited(TypedRedis(**WHOLE), writing) == {NAME}
