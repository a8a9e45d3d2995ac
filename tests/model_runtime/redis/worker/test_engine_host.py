"""What the engine's thread does with sessions that are not there yet."""

from __future__ import annotations

import asyncio
import threading
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar, cast

import pytest
import torch

from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.forward_input import ForwardInput
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.engine.restoration import Restoration
from interject.model_runtime.engine.snapshot import SavedSession
from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Decision,
    Frame,
    RuntimeFailure,
    SessionOptions,
)
from interject.model_runtime.redis.worker.engine_host import EngineHost
from interject.model_runtime.redis.worker.owned_session import OwnershipState
from interject.model_runtime.redis.worker.token_encoding import encode_prefix, encode_texts
from interject.model_runtime.remote import wire
from tests.fakes.device import Device
from tests.model_runtime.redis.worker.owned import owned
from tests.model_runtime.worlds import small_model
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from interject.model_runtime.engine.journal import JournalEntry
    from interject.model_runtime.engine.stream import Stream
    from interject.model_runtime.redis.worker.batch import Batch
    from interject.model_runtime.redis.worker.owned_session import OwnedSession
    from interject.model_runtime.redis.worker.token_encoding import Input

T = TypeVar("T")
WAIT_S = 60.0
NOTHING = SavedSession(None, (), ())


class SlowRestoration(Restoration):
    """Lasts until it is let go or given up."""

    def __init__(self, session_id: str, *, error: Exception | None) -> None:
        self.session_id = session_id
        self.stream = cast("Stream", None)
        self.running = threading.Event()
        self.go_on = threading.Event()
        self._error = error

    def run(self) -> None:
        self.running.set()
        assert self.go_on.wait(WAIT_S)
        if self._error is not None:
            raise self._error

    def give_up(self) -> None:
        self.go_on.set()


class NotingEngine:
    def __init__(self, *, error: Exception | None = None) -> None:
        self.model = small_model()
        self.deeds: list[str] = []
        self.restorations: dict[str, SlowRestoration] = {}
        self.stepped = threading.Semaphore(0)
        self.joined = threading.Event()
        self._error = error

    def restore(
        self, options: SessionOptions, known: SavedSession, *, prefix: ForwardInput, name: str
    ) -> SlowRestoration:
        restoration = SlowRestoration(name, error=self._error)
        self.restorations[name] = restoration
        return restoration

    def contained(self, stream: object = None) -> AbstractContextManager[None]:
        return nullcontext()

    def join(self, restoration: SlowRestoration, *rest: object) -> None:
        self.deeds.append(f"join {restoration.session_id}")
        self.joined.set()

    def discard(self, restoration: SlowRestoration) -> None:
        self.deeds.append(f"discard {restoration.session_id}")

    def evictions(self, session_id: str) -> int:
        return 0

    def push(self, session_id: str, frame: Frame) -> None:
        self.deeds.append(f"push {session_id} {frame.seq}")

    def close(self, session_id: str, reason: CloseReason, detail: str) -> None:
        self.deeds.append(f"close {session_id}")

    def abandon(self, session_id: str) -> None:
        self.deeds.append(f"abandon {session_id}")

    def step(self) -> bool:
        self.stepped.release()
        return False

    async def running(self, session_id: str) -> SlowRestoration:
        await until(lambda: session_id in self.restorations)
        restoration = self.restorations[session_id]
        await until(restoration.running.is_set)
        return restoration

    async def steps(self, count: int) -> None:
        for _ in range(count):
            assert await asyncio.to_thread(self.stepped.acquire, timeout=WAIT_S)

    async def done(self, deed: str) -> None:
        await until(lambda: deed in self.deeds)


def hosted(
    engine: object, deliver: Callable[[list[Batch]], None] = lambda batches: None
) -> EngineHost:
    host = EngineHost(model="m")
    host.start(cast("Engine", engine), deliver)
    return host


def begin(host: EngineHost, name: str) -> OwnedSession:
    session = owned(name)
    host.restore(session, ForwardInput(()), NOTHING)
    return session


def frame(seq: int) -> Frame:
    return Frame(seq, float(seq), bytes(12_800))


async def test_the_engine_goes_on_with_the_others_while_a_session_is_restored() -> None:
    engine = NotingEngine()
    host = hosted(engine)
    try:
        begin(host, "a")
        restoration = await engine.running("a")
        await engine.steps(3)
        assert engine.deeds == []
        restoration.go_on.set()
        await engine.done("join a")
    finally:
        await host.aclose()


async def test_what_is_asked_meanwhile_is_done_in_order_once_the_session_is_there() -> None:
    engine = NotingEngine()
    host = hosted(engine)
    try:
        session = begin(host, "a")
        restoration = await engine.running("a")
        host.put([(session, "1-0", frame(0)), (session, "2-0", frame(1))])
        host.close(session, CloseReason.CLIENT, "gone")
        host.put([(session, "3-0", frame(2))])
        await engine.steps(1)
        restoration.go_on.set()
        await engine.done("push a 2")
        assert engine.deeds == ["join a", "push a 0", "push a 1", "close a", "push a 2"]
    finally:
        await host.aclose()


async def test_a_session_that_is_lost_while_it_is_restored_frees_its_slot_at_once() -> None:
    engine = NotingEngine()
    host = hosted(engine)
    try:
        session = begin(host, "a")
        await engine.running("a")
        host.put([(session, "1-0", frame(0))])
        host.abandon(session)
        await engine.done("discard a")
        del engine.restorations["a"]
        begin(host, "a")
        (await engine.running("a")).go_on.set()
        await engine.done("join a")
        assert engine.deeds == ["discard a", "join a"]
    finally:
        await host.aclose()


async def test_a_session_that_was_lost_just_as_it_was_there_is_not_served() -> None:
    errors: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    engine = NotingEngine()
    host = hosted(engine)
    try:
        session = begin(host, "a")
        restoration = await engine.running("a")
        host.put([(session, "1-0", frame(0))])
        assert session.state is OwnershipState.RESTORING
        restoration.go_on.set()
        assert engine.joined.wait(WAIT_S), "in this thread: the event loop does not hear of it yet"
        host.abandon(session)
        session.move(OwnershipState.ENDED)
        await engine.done("abandon a")
        await engine.steps(2)
        assert (engine.deeds, errors) == (["join a", "abandon a"], [])
    finally:
        await host.aclose()


async def test_a_restoration_that_fails_is_a_failure_of_the_engine() -> None:
    engine = NotingEngine(error=torch.AcceleratorError("the device is gone"))
    host = hosted(engine)
    try:
        begin(host, "a")
        (await engine.running("a")).go_on.set()
        with pytest.raises(RuntimeFailure, match="the device failed"):
            await asyncio.wait_for(host.failed, WAIT_S)
    finally:
        await host.aclose()


async def test_a_session_that_contradicts_itself_ends_alone() -> None:
    engine = NotingEngine(error=RuntimeFailure("this cannot be done again"))
    batches: list[Batch] = []
    host = hosted(engine, batches.extend)
    try:
        session = begin(host, "a")
        restoration = await engine.running("a")
        host.put([(session, "1-0", frame(0))])
        restoration.go_on.set()
        await until(lambda: batches)
        (batch,) = batches
        end = Closed("a", CloseReason.FAILURE, "this cannot be done again")
        assert (batch.outputs, batch.closed) == ((end,), True)
        host.put([(session, "2-0", frame(1))])
        await engine.steps(3)
        assert engine.deeds == ["discard a"]
        assert not host.failed.done()
    finally:
        await host.aclose()


async def test_closing_ends_what_is_being_restored() -> None:
    engine = NotingEngine()
    host = hosted(engine)
    begin(host, "a")
    restoration = await engine.running("a")
    await host.aclose()
    assert restoration.go_on.is_set()
    assert engine.deeds == []


class Scene:
    """A real engine with two sessions, and all that it wrote of each."""

    def __init__(self) -> None:
        self.engine = Engine(small_model(), slots=2, eviction=Eviction.EXACT)
        self.batches: list[Batch] = []
        self.host = hosted(self.engine, self.batches.extend)
        self.sessions: dict[str, OwnedSession] = {}

    async def open(self, *names: str, session_id: str = "") -> None:
        for name in names:
            options = SessionOptions(session_id or name, threshold=1.0)
            prefix = await encode_prefix(self.engine.prompt_encoder, options)
            self.sessions[name] = owned(name, options=options)
            self.host.admit(self.sessions[name], prefix)
        await until(lambda: len(self.outputs(wire.Opened)) == len(names))

    def put(self, *inputs: tuple[str, str, Frame]) -> None:
        self.host.put([(self.sessions[name], entry, frame) for name, entry, frame in inputs])

    def outputs(self, kind: type[T]) -> list[T]:
        return [o for batch in self.batches for o in batch.outputs if isinstance(o, kind)]


def no_snapshot(scene: Scene) -> None:
    """What is to be written down is no number that could be."""
    scene.engine._streams["bad"].audio.features.loudest = cast("float", object())
    scene.host.snapshot(scene.sessions["bad"])


def no_journal(scene: Scene) -> None:
    note = scene.engine._streams["bad"].journal
    assert note is not None
    note(cast("JournalEntry", Undone()))


@dataclass(slots=True)
class Undone:
    what: type = int


@pytest.mark.parametrize("spoil", [no_snapshot, no_journal])
async def test_what_cannot_be_written_down_ends_that_session_alone(
    spoil: Callable[[Scene], None],
) -> None:
    scene = Scene()
    try:
        await scene.open("bad", "good")
        scene.put(("good", "1-0", frame(0)), ("bad", "1-0", frame(0)))
        await until(lambda: len(scene.outputs(Decision)) == 2)
        spoil(scene)
        await until(lambda: scene.outputs(Closed))
        (end,) = scene.outputs(Closed)
        assert (end.session_id, end.reason) == ("bad", CloseReason.FAILURE)
        assert "the session failed" in end.detail
        scene.put(("good", "2-0", frame(1)))
        await until(lambda: len(scene.outputs(Decision)) == 3)
        assert not scene.host.failed.done()
    finally:
        await scene.host.aclose()


async def test_a_device_that_fails_ends_the_worker() -> None:
    scene, device = Scene(), Device()
    device.carry(scene.engine)
    try:
        await scene.open("a")
        device.broken = True
        scene.put(("a", "1-0", frame(0)))
        with pytest.raises(RuntimeFailure, match="the device failed"):
            await asyncio.wait_for(scene.host.failed, WAIT_S)
        scene.put(("a", "2-0", frame(1)))
    finally:
        await scene.host.aclose()


async def test_texts_are_answered_in_order_and_a_long_one_is_refused() -> None:
    scene = Scene()
    try:
        await scene.open("a")
        texts = ["", "x" * 8_000, "hello"]
        inputs: list[Input] = [
            (scene.sessions["a"], f"{n}-0", wire.TextTurn(text, answer=False))
            for n, text in enumerate(texts)
        ]
        scene.host.put(await encode_texts(scene.engine.prompt_encoder, inputs))
        await until(lambda: len(scene.outputs(wire.Answer)) == 3)
        answers = scene.outputs(wire.Answer)
        assert [answer.entry for answer in answers] == ["0-0", "1-0", "2-0"]
        assert "there is no text" in answers[0].error
        assert "8000 tokens" in answers[1].error
        assert answers[2].error == ""
    finally:
        await scene.host.aclose()


def poisoned() -> SavedSession:
    """A memory whose sound has another width than the model's."""
    engine = Engine(small_model(), slots=1, eviction=Eviction.EXACT)
    engine.open(SessionOptions("bad", threshold=1.0), lambda event: None)
    engine.push("bad", frame(0))
    while engine.step():
        pass
    snapshot = engine.snapshot("bad")
    spans = [
        replace(span, embeddings=None if span.embeddings is None else span.embeddings[:, :3])
        for span in snapshot.spans
    ]
    return SavedSession(replace(snapshot, spans=tuple(spans)), (), ())


async def test_a_memory_that_the_model_cannot_take_ends_that_session_alone() -> None:
    scene = Scene()
    try:
        await scene.open("good")
        options = SessionOptions("bad", threshold=1.0)
        prefix = await encode_prefix(scene.engine.prompt_encoder, options)
        scene.host.restore(owned("bad", options=options, cursor="1-0"), prefix, poisoned())
        await until(lambda: scene.outputs(Closed))
        assert scene.outputs(Closed) == [
            Closed(
                "bad",
                CloseReason.FAILURE,
                "what the last worker wrote cannot be done again (RuntimeError)",
            )
        ]
        scene.put(("good", "1-0", frame(0)))
        await until(lambda: scene.outputs(Decision))
        assert scene.engine.kv_cache.free_slots == 1
    finally:
        await scene.host.aclose()


async def test_the_last_batch_of_one_that_leaves_has_a_snapshot() -> None:
    scene = Scene()
    try:
        await scene.open("a", "b")
        scene.put(("a", "1-0", frame(0)), ("b", "1-0", frame(0)))
        await until(lambda: len(scene.outputs(Decision)) == 2)
        scene.host.leave(scene.sessions["a"])
        await until(lambda: scene.batches[-1].last)
        last = scene.batches[-1]
        assert (last.session, last.closed, bool(last.snapshot)) == (
            scene.sessions["a"],
            False,
            True,
        )
        scene.put(("a", "2-0", frame(1)), ("b", "2-0", frame(1)))
        await until(lambda: len(scene.outputs(Decision)) == 3)
        assert scene.engine.session_ids == ("b",)
    finally:
        await scene.host.aclose()


async def test_sessions_of_two_tenants_may_have_one_id() -> None:
    scene = Scene()
    try:
        await scene.open("x.1", "y.1", session_id="same")
        scene.put(("x.1", "1-0", frame(0)), ("y.1", "1-0", frame(0)))
        await until(lambda: len(scene.outputs(Decision)) == 2)
        scene.host.close(scene.sessions["x.1"], CloseReason.CLIENT, "")
        await until(lambda: scene.outputs(Closed))
        scene.put(("y.1", "2-0", frame(1)))
        await until(lambda: len(scene.outputs(Decision)) == 3)
        assert {decision.session_id for decision in scene.outputs(Decision)} == {"same"}
        assert [batch.session.key for batch in scene.batches if batch.closed] == ["x.1"]
    finally:
        await scene.host.aclose()
