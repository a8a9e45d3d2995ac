"""The embedded runtime keeps the contract, and its engine's thread never blocks the loop."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
import torch

from interject.model_runtime import open_runtime
from interject.model_runtime.checkpoint import save_native
from interject.model_runtime.embedded import EmbeddedRuntime, EmbeddedSession
from interject.model_runtime.protocol import (
    MAX_UNREAD_EVENTS,
    Closed,
    CloseReason,
    Decision,
    FloorMode,
    ReplyEnded,
    RuntimeFailure,
    SessionClosed,
    SessionOptions,
)
from tests.contract.runtime_contract import RuntimeContract, heard, of, until_closed
from tests.fakes.device import Device
from tests.model_runtime.worlds import frames, noise, small_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

HELD_UP_S = 60.0


@pytest.fixture
async def runtime() -> AsyncIterator[EmbeddedRuntime]:
    async with EmbeddedRuntime(small_model(), slots=2) as opened:
        yield opened


@pytest.mark.numerics
class TestEmbedded(RuntimeContract):
    """The contract of every runtime."""


async def test_a_directory_is_opened_by_its_url(tmp_path: Path) -> None:
    save_native(small_model(), tmp_path)
    runtime = open_runtime(f"embedded:{tmp_path}")
    session = await runtime.open(SessionOptions("a", system_prompt="Listen."))
    assert len(of(Decision, await heard(session, frames(noise(2.0))))) == 5
    await runtime.aclose()


@pytest.mark.parametrize("context", [56, 128])
async def test_a_session_of_fewer_positions_goes_on_as_long(tmp_path: Path, context: int) -> None:
    save_native(small_model(), tmp_path)
    runtime = open_runtime(f"embedded:{tmp_path}?context={context}", slots=1)
    assert isinstance(runtime, EmbeddedRuntime)
    assert runtime.engine.kv_cache.keys.shape[2] == context
    session = await runtime.open(SessionOptions("a"))
    sound = frames(noise(12.0))
    assert len(of(Decision, await heard(session, sound))) == len(sound) > context // 13
    await runtime.aclose()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("tcp://somewhere", "not a runtime; use embedded:nano, .*, local:unix:SOCKET or redis"),
        ("embedded:no/such/model", "no/such/model: no such directory"),
    ],
)
def test_a_url_that_names_no_runtime(url: str, message: str) -> None:
    with pytest.raises(RuntimeFailure, match=message):
        open_runtime(url)


async def test_the_loop_goes_on_while_the_engine_works(runtime: EmbeddedRuntime) -> None:
    """The engine's thread is held up for as long as the loop needs to show that it is free."""
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()
    runtime.submit(lambda: asyncio.run_coroutine_threadsafe(gate.wait(), loop).result() and None)
    session = asyncio.create_task(runtime.open(SessionOptions("a")))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not session.done()
    gate.set()
    await (await session).close()


def hold_up(runtime: EmbeddedRuntime) -> threading.Event:
    """The engine's thread is between two steps, and does nothing until the event is set."""
    held, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        held.set()
        go_on.wait(HELD_UP_S)

    runtime.submit(wait)
    assert held.wait(HELD_UP_S)
    return go_on


async def cancelled_before_it_began(runtime: EmbeddedRuntime, session_id: str) -> None:
    go_on = hold_up(runtime)
    opening = asyncio.create_task(runtime.open(SessionOptions(session_id)))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    go_on.set()


async def cancelled_before_it_was_told(runtime: EmbeddedRuntime, session_id: str) -> None:
    """The loop stands still until the engine has opened the session."""
    opening = asyncio.create_task(runtime.open(SessionOptions(session_id)))
    await asyncio.sleep(0)
    done = threading.Event()
    runtime.submit(done.set)
    assert done.wait(HELD_UP_S)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening


@pytest.mark.parametrize("cancelled", [cancelled_before_it_began, cancelled_before_it_was_told])
async def test_a_cancelled_opening_keeps_no_slot(
    runtime: EmbeddedRuntime, cancelled: Callable[[EmbeddedRuntime, str], Awaitable[None]]
) -> None:
    await cancelled(runtime, "a")
    assert await runtime.free_slots() == 2
    session = await runtime.open(SessionOptions("a"))
    await session.close()


async def test_a_cancelled_opening_under_an_id_in_use_closes_nobody(
    runtime: EmbeddedRuntime,
) -> None:
    session = await runtime.open(SessionOptions("a"))
    await cancelled_before_it_began(runtime, "a")
    assert await runtime.free_slots() == 1
    await session.push(frames(noise(0.4))[0])
    await session.finish()
    assert len(of(Decision, await until_closed(session))) == 1


async def test_an_opening_may_be_cancelled_while_the_runtime_stops(
    runtime: EmbeddedRuntime,
) -> None:
    go_on = hold_up(runtime)
    opening = asyncio.create_task(runtime.open(SessionOptions("a")))
    stopping = asyncio.create_task(runtime.aclose())
    await asyncio.sleep(0)
    opening.cancel()
    go_on.set()
    await stopping
    with pytest.raises(asyncio.CancelledError):
        await opening


async def test_events_that_nobody_reads_end_the_session(runtime: EmbeddedRuntime) -> None:
    session = await runtime.open(SessionOptions("a", threshold=1.0))
    decision = Decision("a", 0, 0.0, 0.0, 0.0, 0.5, False, FloorMode.SPEAK)
    for _ in range(MAX_UNREAD_EVENTS):
        session.emit(decision)
    events = await until_closed(session)
    assert events[-1] == Closed(
        "a", CloseReason.FAILURE, f"{MAX_UNREAD_EVENTS} events were not read"
    )


def fail() -> None:
    raise ArithmeticError("a fault of the engine")


async def test_an_engine_that_fails_closes_its_sessions(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with EmbeddedRuntime(small_model(), slots=2) as runtime:
        session = await runtime.open(SessionOptions("a"))
        runtime.submit(fail)
        closed = (await until_closed(session))[-1]
    told = "the engine failed (ArithmeticError); see the log"
    assert closed == Closed("a", CloseReason.FAILURE, told)
    assert "the engine failed" in caplog.text


async def test_a_device_that_fails_leaves_nobody_waiting() -> None:
    device = Device()
    async with EmbeddedRuntime(small_model(), slots=3) as runtime:
        device.carry(runtime.engine)
        sessions = [await runtime.open(SessionOptions(name, threshold=1.0)) for name in "ab"]
        go_on = hold_up(runtime)
        device.broken = True
        asking = asyncio.create_task(sessions[0].say("hello"))
        opening = asyncio.create_task(runtime.open(SessionOptions("c")))
        await sessions[1].push(frames(noise(0.4))[0])
        go_on.set()
        told = "the device failed (an illegal memory access was encountered); see the log"
        for session in sessions:
            end = Closed(session.session_id, CloseReason.FAILURE, told)
            assert (await until_closed(session))[-1] == end
        answers = await asyncio.gather(asking, opening, return_exceptions=True)
        assert isinstance(answers[1], RuntimeFailure | EmbeddedSession)
        with pytest.raises(SessionClosed):
            await runtime.open(SessionOptions("d"))
        with pytest.raises(SessionClosed):
            await runtime.free_slots()


async def test_a_session_that_ended_does_not_touch_its_successor(runtime: EmbeddedRuntime) -> None:
    """The loop stands still, so the first one does not know yet that it has ended."""
    first = await runtime.open(SessionOptions("a"))
    await first.close()
    heard_of: list[object] = []

    def open_another() -> None:
        runtime.engine.open(SessionOptions("a"), heard_of.append)

    runtime.submit(open_another)
    await first.close()
    await first.finish()
    runtime.submit(first.abandon)
    done = threading.Event()
    runtime.submit(done.set)
    assert done.wait(HELD_UP_S)
    assert runtime.engine.session_ids == ("a",)
    assert heard_of == []


async def test_a_long_text_is_spelt_in_another_thread() -> None:
    """The engine's thread is held up, and the text is refused all the same."""
    async with EmbeddedRuntime(small_model(), slots=2) as runtime:
        session = await runtime.open(SessionOptions("a"))
        go_on = hold_up(runtime)
        with pytest.raises(RuntimeFailure, match="8000 tokens"):
            await session.say("x" * 8_000)
        with pytest.raises(RuntimeFailure, match="tokens, this model takes"):
            await runtime.open(SessionOptions("b", system_prompt="x" * 16_000))
        go_on.set()


async def test_one_session_s_bad_input_does_not_end_the_others(
    runtime: EmbeddedRuntime, caplog: pytest.LogCaptureFixture
) -> None:
    other = await runtime.open(SessionOptions("b", threshold=1.0))
    broken = await runtime.open(SessionOptions("a"))
    await broken.cancel(0, heard_chars=3)
    await broken.push(b"not a frame")  # type: ignore[arg-type]
    closed = (await until_closed(broken))[-1]
    assert isinstance(closed, Closed)
    assert closed.reason is CloseReason.FAILURE
    assert closed.detail == "the session failed (AttributeError); see the log"
    assert "a session failed" in caplog.text
    with pytest.raises(RuntimeFailure, match="the session failed"):
        await runtime.open_clip(SessionOptions("c"), torch.zeros(3, 3, 3), "What?")
    assert len(of(Decision, await heard(other, frames(noise(0.8))))) == 2


async def test_a_clip_is_answered_once(runtime: EmbeddedRuntime) -> None:
    clip = torch.from_numpy(noise(2.0).astype("float32") / 32768)
    session = await runtime.open_clip(SessionOptions("a", max_reply_tokens=4), clip, "What is it?")
    events = await until_closed(session)
    assert len(of(ReplyEnded, events)) == 1
    assert isinstance(events[-1], Closed)
