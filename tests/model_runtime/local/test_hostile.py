"""A process of this machine that connects to the socket and means no good: others go on."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.local.connection import MAX_PENDING
from interject.model_runtime.local.guest import MAX_WAITING
from interject.model_runtime.local.host import MAX_IDLE
from interject.model_runtime.local.link import Link
from interject.model_runtime.local.messages import Kind, Message, pack
from interject.model_runtime.local.runtime import LocalRuntime
from interject.model_runtime.protocol import Decision, SessionOptions
from interject.model_runtime.remote import options_codec, wire
from tests.contract.runtime_contract import heard, of
from tests.model_runtime.local.conftest import hosted, until_free
from tests.model_runtime.worlds import frames, noise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

OPTIONS = options_codec.encode_options(SessionOptions("h", threshold=1.0))
SPARE_FILES = 20
DEADLINE_S = 20.0


@pytest.fixture
async def runtime(socket_path: Path) -> AsyncIterator[LocalRuntime]:
    async with hosted(socket_path), LocalRuntime(f"local:unix:{socket_path}") as opened:
        yield opened


async def goes_on(runtime: LocalRuntime) -> None:
    async with asyncio.timeout(DEADLINE_S):
        session = await runtime.open(SessionOptions("a", threshold=1.0))
        assert len(of(Decision, await heard(session, frames(noise(0.8))))) == 2


async def say_until_stuck(path: Path, messages: list[Message]) -> socket.socket:
    """Say it again and again and read nothing, until the server reads no more either."""
    loop = asyncio.get_running_loop()
    talker = socket.socket(socket.AF_UNIX)
    talker.setblocking(False)
    await loop.sock_connect(talker, str(path))
    said = b"".join(map(pack, messages))
    end = loop.time() + DEADLINE_S
    with contextlib.suppress(TimeoutError):
        while loop.time() < end:
            async with asyncio.timeout(0.5):
                await loop.sock_sendall(talker, said)
        talker.close()
        pytest.fail("the server keeps on reading what it cannot answer")
    return talker


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Kind.COUNT, b""),
        (Kind.OPEN, b"{"),
        (Kind.OPEN, b'{"session_id":"h","prompt_ids":[]}'),
    ],
)
async def test_who_asks_and_never_reads_is_read_no_further(
    runtime: LocalRuntime, socket_path: Path, kind: Kind, options: bytes
) -> None:
    said = [Message(kind, number, number, {b"d": options}) for number in range(1, 500)]
    with await say_until_stuck(socket_path, said):
        assert len(asyncio.all_tasks()) < MAX_PENDING + 40
        await goes_on(runtime)
    await until_free(runtime, 2)


async def test_a_session_whose_answers_are_not_read_is_read_no_further(
    runtime: LocalRuntime, socket_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    opening = Message(Kind.OPEN, 1, fields={b"d": OPTIONS})
    nonsense = Message(Kind.ITEM, 1, 7, {b"v": b"2", b"k": b"say", b"d": b"{}"})
    with await say_until_stuck(socket_path, [opening, *[nonsense] * 500]):
        await goes_on(runtime)
    await until_free(runtime, 2)
    assert not caplog.records, "a line for each answer that nobody reads any more"


async def say_nothing(link: Link, times: int) -> None:
    for number in range(times):
        await link.send(Message(Kind.ITEM, 1, number, wire.encode(wire.Say("\0"))))


async def test_every_input_is_answered_however_many_come_at_once(
    runtime: LocalRuntime, socket_path: Path
) -> None:
    async with await Link.reach(socket_path, answer_s=DEADLINE_S) as link:
        await link.send(Message(Kind.OPEN, 1, fields={b"d": OPTIONS}))
        await link.read()
        count = 20 * MAX_WAITING
        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
            group.create_task(say_nothing(link, count))
            for number in range(count):
                answer = wire.decode_output((await link.read()).fields)
                assert isinstance(answer, wire.Answer)
                assert int(answer.entry) == number
    await until_free(runtime, 2)


async def connect_silently(path: Path, count: int) -> list[socket.socket]:
    silent: list[socket.socket] = []
    while len(silent) < count:
        one = socket.socket(socket.AF_UNIX)
        one.setblocking(False)
        try:
            one.connect(str(path))
        except BlockingIOError:
            one.close()
        else:
            silent.append(one)
        await asyncio.sleep(0)
    return silent


async def test_silent_connections_make_room_for_others(
    runtime: LocalRuntime, socket_path: Path
) -> None:
    session = await runtime.open(SessionOptions("b", threshold=1.0))
    with contextlib.ExitStack() as stack:
        silent = await connect_silently(socket_path, 3 * MAX_IDLE)
        for one in silent:
            stack.enter_context(one)
        async with LocalRuntime(f"local:unix:{socket_path}") as other:
            await goes_on(other)
        assert sum(map(was_cut, silent)) >= 2 * MAX_IDLE - 2
        assert len(of(Decision, await heard(session, frames(noise(0.8))))) == 2


def was_cut(one: socket.socket) -> bool:
    try:
        while one.recv(4096):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        pass
    return True


async def test_a_server_that_is_too_busy_to_accept_is_tried_again(socket_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening, contextlib.ExitStack() as stack:
        listening.bind(str(socket_path))
        listening.listen(0)
        for one in await connect_silently(socket_path, 1):
            stack.enter_context(one)
        with pytest.raises(ConnectionError):
            await Link.reach(socket_path, answer_s=DEADLINE_S)


@pytest.fixture
def few_files() -> Iterator[None]:
    """Room for few more descriptors than are open now, wherever there are holes among these."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.ExitStack() as stack:
        spare = [stack.enter_context(socket.socket()) for _ in range(SPARE_FILES)]
        most = max(one.fileno() for one in spare) + 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("few_files")
async def test_a_server_without_a_descriptor_left_cuts_who_is_idle(
    runtime: LocalRuntime, socket_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    session = await runtime.open(SessionOptions("b", threshold=1.0))
    with contextlib.ExitStack() as stack:
        # Each connection takes two descriptors here, where both ends are in one process.
        with contextlib.suppress(OSError):
            while True:
                for one in await connect_silently(socket_path, 1):
                    stack.enter_context(one)
        await asyncio.sleep(0.3)
        assert len(of(Decision, await heard(session, frames(noise(0.8))))) == 2
    async with LocalRuntime(f"local:unix:{socket_path}") as other:
        await goes_on(other)
    assert "Too many open files" not in caplog.text
