"""The local runtime keeps the contract, with a socket in between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from interject.model_runtime import open_runtime
from interject.model_runtime.local.link import Link
from interject.model_runtime.local.messages import LONGEST_BYTES, Kind, Message
from interject.model_runtime.local.runtime import LocalRuntime, Patience
from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Decision,
    RuntimeFailure,
    SessionClosed,
    SessionOptions,
)
from interject.model_runtime.remote import wire
from tests.contract.runtime_contract import DEADLINE_S, RuntimeContract, heard, of, until_closed
from tests.fakes.device import Device
from tests.model_runtime.local.conftest import hosted, until_free
from tests.model_runtime.worlds import frames, noise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from interject.model_runtime.embedded import EmbeddedRuntime


@pytest.fixture
async def runtime(socket_path: Path) -> AsyncIterator[LocalRuntime]:
    async with hosted(socket_path), LocalRuntime(f"local:unix:{socket_path}") as opened:
        yield opened


class TestLocal(RuntimeContract):
    """The contract of every runtime."""


async def until_it_gives_up(runtime: LocalRuntime) -> None:
    """A runtime waits a while for another server."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            await runtime.start()
            await asyncio.sleep(0.01)


async def test_free_slots_are_counted(runtime: LocalRuntime) -> None:
    assert await runtime.free_slots() == 2
    session = await runtime.open(SessionOptions("a"))
    assert await runtime.free_slots() == 1
    await session.close()
    await until_closed(session)
    assert await runtime.free_slots() == 2


async def test_a_client_that_goes_frees_its_slots(runtime: LocalRuntime, socket_path: Path) -> None:
    other = LocalRuntime(f"local:unix:{socket_path}")
    for name in ("a", "b"):
        await other.open(SessionOptions(name))
    assert await runtime.free_slots() == 0
    await other.aclose()
    await until_free(runtime, 2)
    with pytest.raises(SessionClosed):
        await other.open(SessionOptions("c"))


async def test_an_id_is_free_again_as_soon_as_it_is_closed(runtime: LocalRuntime) -> None:
    first = await runtime.open(SessionOptions("a"))
    await first.close()
    second = await runtime.open(SessionOptions("a", threshold=1.0))
    assert len(of(Decision, await heard(second, frames(noise(0.8))))) == 2


@pytest.mark.parametrize("turns", [1, 3, 10, 11, 12, 13, 14, 15, 20])
async def test_a_cancelled_open_keeps_no_slot(runtime: LocalRuntime, turns: int) -> None:
    await runtime.start()
    opening = asyncio.create_task(runtime.open(SessionOptions("a")))
    for _ in range(turns):
        await asyncio.sleep(0)
    opening.cancel()
    await asyncio.wait([opening])
    if not opening.cancelled():
        await opening.result().close()
    await until_free(runtime, 2)


async def test_a_server_that_stops_says_so(socket_path: Path) -> None:
    async with LocalRuntime(f"local:unix:{socket_path}", patience=Patience(away_s=0.2)) as runtime:
        async with hosted(socket_path):
            session = await runtime.open(SessionOptions("a"))
        assert (await until_closed(session))[-1] == Closed("a", CloseReason.SHUTDOWN)
        with pytest.raises(RuntimeFailure, match="no server"):
            await until_it_gives_up(runtime)


def fail() -> None:
    raise ArithmeticError("a fault of the engine")


def break_the_device(engine: EmbeddedRuntime) -> None:
    device = Device()
    device.carry(engine.engine)
    device.broken = True


FAULTS: dict[str, Callable[[EmbeddedRuntime], None]] = {
    "the engine failed (ArithmeticError)": lambda engine: engine.submit(fail),
    "the device failed (an illegal memory access was encountered)": break_the_device,
}


async def break_the_engine(path: Path, told: str) -> None:
    impatient = LocalRuntime(f"local:unix:{path}", patience=Patience(away_s=0.2))
    async with hosted(path) as engine, impatient as runtime:
        session = await runtime.open(SessionOptions("a"))
        FAULTS[told](engine)
        await session.push(frames(noise(0.4))[0])
        closed = (await until_closed(session))[-1]
        assert closed == Closed("a", CloseReason.FAILURE, f"{told}; see the log")
        with pytest.raises(RuntimeFailure):
            await runtime.open(SessionOptions("b"))


@pytest.mark.parametrize("told", FAULTS)
async def test_an_engine_that_fails_ends_its_server(
    socket_path: Path, caplog: pytest.LogCaptureFixture, told: str
) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await break_the_engine(socket_path, told)
    assert caught.group_contains(RuntimeFailure, match="the engine failed")
    assert "the engine failed" in caplog.text


async def test_too_much_text_is_refused_and_the_others_go_on(runtime: LocalRuntime) -> None:
    session = await runtime.open(SessionOptions("a", threshold=1.0))
    with pytest.raises(RuntimeFailure, match="at most 8192"):
        await session.say("x" * 2_000_000)
    with pytest.raises(RuntimeFailure, match="at most 65536"):
        await runtime.open(SessionOptions("b", system_prompt="\x01" * 16_384))
    assert len(of(Decision, await heard(session, frames(noise(0.8))))) == 2


async def test_a_client_that_talks_nonsense_is_dropped(
    runtime: LocalRuntime, socket_path: Path
) -> None:
    reader, writer = await asyncio.open_unix_connection(str(socket_path))
    writer.write((LONGEST_BYTES + 1).to_bytes(4, "little"))
    await reader.read()
    writer.close()
    await writer.wait_closed()
    assert await runtime.free_slots() == 2


async def test_unreadable_options_are_answered(runtime: LocalRuntime, socket_path: Path) -> None:
    async with await Link.reach(socket_path, answer_s=DEADLINE_S) as link:
        for channel, data in ((1, b"{}"), (2, b'{"session_id":"a","threshold":7}')):
            await link.send(Message(Kind.OPEN, channel, fields={b"d": data}))
            answer = await link.read()
            assert answer.channel == channel
            opened = wire.decode_output(answer.fields)
            assert isinstance(opened, wire.Opened)
            assert opened.error.startswith("options: ")
    assert await runtime.free_slots() == 2


@pytest.mark.parametrize(
    ("url", "message"),
    [("local:", "local:: names no model"), ("local:unix:", "local:unix:: names no model")],
)
def test_a_url_without_a_model(url: str, message: str) -> None:
    with pytest.raises(RuntimeFailure, match=message):
        open_runtime(url)


@pytest.mark.parametrize(
    ("path", "message"),
    [("no/such.sock", "no/such.sock: no server listens there"), ("x" * 200, "too long")],
)
async def test_nobody_listens(path: str, message: str) -> None:
    async with LocalRuntime(f"local:unix:{path}") as runtime:
        with pytest.raises(RuntimeFailure, match=message):
            await runtime.open(SessionOptions("a"))


async def test_another_program_listens(socket_path: Path) -> None:
    def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        writer.write(b"220 mail.example.org\r\n")
        writer.close()

    async with await asyncio.start_unix_server(greet, path=str(socket_path)):
        with pytest.raises(RuntimeFailure, match="a message has"):
            await Link.reach(socket_path, answer_s=DEADLINE_S)
