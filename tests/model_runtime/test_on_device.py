"""A GPU does what a CPU does. `pytest -m gpu` is for a machine that has one; elsewhere the same
tests run on the CPU, where they hold as well, but for those of a GPU's memory.
"""

from __future__ import annotations

import contextlib
import copy
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from interject.model_runtime import open_runtime
from interject.model_runtime.device_choice import DeviceChoice
from interject.model_runtime.embedded import EmbeddedRuntime
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.engine.snapshot import SavedSession
from interject.model_runtime.engine.warm_up import warm_up
from interject.model_runtime.loading import plan_model
from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Decision,
    Event,
    ReplyEnded,
    RuntimeFailure,
    SessionOptions,
)
from interject.model_runtime.redis.worker.snapshot_codec import read_snapshot, write_snapshot
from interject.model_runtime.verify import read_golden, verify
from tests.model_runtime.test_nano import kitchen
from tests.model_runtime.worlds import frames, noise, small_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.engine.journal import JournalEntry
    from interject.model_runtime.protocol import Frame

pytestmark = [pytest.mark.numerics, pytest.mark.timeout(90)]
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
FEWEST_ALIKE = 0.999
UNDECIDED = 0.25
"""Log-odds: a probability of 0.44 to 0.56. Slots in eight bits move one by 0.1."""
HEADROOM_BYTES = 64 << 20


def nano_on(device: str, dtype: str, kv_cache_dtype: str = "auto") -> Model:
    choice = DeviceChoice(device, dtype, kv_cache_dtype=kv_cache_dtype)
    return plan_model("nano", choice, slots=2).load()


def hear(engine: Engine, sound: list[Frame], name: str = "a") -> None:
    for frame in sound:
        engine.push(name, frame)
        while engine.step():
            pass


@pytest.mark.parametrize("device", DEVICES)
def test_conformance_in_float32(device: str, tiny_checkpoint: Path, conformance: Path) -> None:
    plan = plan_model(tiny_checkpoint, DeviceChoice(device, "float32"), slots=1)
    golden = read_golden(conformance / "golden.json")
    for result in verify(tiny_checkpoint, golden, conformance, load=lambda _: plan.load()):
        assert result.differing_tokens == 0
        assert result.largest_logit_error <= golden.tolerance


def margins(model: Model, sound: list[Frame]) -> list[float]:
    """By how much each chunk's logit to respond leads. Nothing is said, so all hear the same."""
    events: list[Event] = []
    engine = Engine(model, slots=2, eviction=Eviction.EXACT)
    engine.capture()
    warm_up(engine)
    engine.open(SessionOptions("a", threshold=1.0), events.append)
    hear(engine, sound)
    return [e.respond_logit - e.silent_logit for e in events if isinstance(e, Decision)]


@pytest.mark.parametrize("device", DEVICES)
def test_decisions_of_nano_in_bfloat16_are_those_in_float32(device: str) -> None:
    sound = frames(kitchen(4 if device == "cuda" else 1))
    exact, coarse = (margins(nano_on(device, dtype), sound) for dtype in ("float32", "bfloat16"))
    assert len(exact) == len(coarse) == len(sound)
    alike = sum((a > 0) == (b > 0) for a, b in zip(exact, coarse, strict=True))
    assert alike >= FEWEST_ALIKE * len(sound), f"{len(sound) - alike} of {len(sound)} differ"


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_decisions_of_nano_over_slots_in_eight_bits_are_those_over_plain_ones(
    device: str, dtype: str
) -> None:
    sound = frames(kitchen(4 if device == "cuda" else 2))
    plain = margins(nano_on(device, dtype), sound)
    coarse = margins(nano_on(device, dtype, "fp8_e4m3"), sound)
    sure = [(a, b) for a, b in zip(plain, coarse, strict=True) if abs(a) > UNDECIDED]
    alike = sum((a > 0) == (b > 0) for a, b in sure)
    assert alike >= FEWEST_ALIKE * len(sure), f"{len(sure) - alike} of {len(sure)} differ"
    assert len(sure) >= 0.98 * len(sound)
    assert plain != coarse, "the slots were not in eight bits"


@pytest.mark.parametrize("device", DEVICES)
def test_nano_answers_what_it_is_asked(device: str) -> None:
    """In whatever `auto` takes there."""
    events: list[Event] = []
    engine = Engine(nano_on(device, "auto"), slots=1, eviction=Eviction.EXACT)
    engine.capture()
    engine.open(SessionOptions("a"), events.append)
    hear(engine, frames(kitchen(1)))
    assert [event.text for event in events if isinstance(event, ReplyEnded)] == [
        "The capital of France is Paris.",
        "That is a smoke alarm! Leave the building.",
        "That was a smoke alarm.",
    ]


@pytest.mark.parametrize("kv_cache_dtype", ["auto", "fp8_e4m3"])
@pytest.mark.parametrize("device", DEVICES)
def test_another_engine_of_the_device_goes_on(device: str, kv_cache_dtype: str) -> None:
    model, sound = nano_on(device, "float32", kv_cache_dtype), frames(kitchen(2))[:120]
    undisturbed, told = heard_over(model, sound, None), heard_over(model, sound, 90)
    assert [e.seq for e in told if isinstance(e, Decision)] == list(range(len(sound)))
    assert len(texts(told)) >= 4
    assert texts(told) == texts(undisturbed)
    assert [e.respond for e in told if isinstance(e, Decision)] == [
        e.respond for e in undisturbed if isinstance(e, Decision)
    ]


def heard_over(model: Model, sound: list[Frame], move_at: int | None) -> list[Event]:
    """Hear in one engine, and from a frame on in another, from a snapshot and a journal."""
    events: list[Event] = []
    journal: list[JournalEntry] = []
    options = SessionOptions("a")
    engine = Engine(model, slots=2, eviction=Eviction.EXACT)
    engine.capture()
    engine.open(options, events.append)
    engine.attach_journal("a", journal.append)
    if move_at is not None:
        hear(engine, sound[: move_at // 2])
        snapshot = engine.snapshot("a")
        journal.clear()
        hear(engine, sound[move_at // 2 : move_at])
        first = snapshot.audio_cursor.next_seq
        kept, _ = read_snapshot(write_snapshot(snapshot, "", model="m"), model="m")
        saved = SavedSession(kept, tuple(journal), tuple(sound[first:move_at]))
        engine = Engine(model, slots=3, eviction=Eviction.EXACT)
        restoration = engine.restore(options, saved)
        restoration.run()
        engine.join(restoration, events.append, journal.append)
    hear(engine, sound[move_at or 0 :])
    return events


@pytest.mark.parametrize("device", DEVICES)
def test_sound_that_is_remembered_lies_on_the_host(device: str) -> None:
    """A card has better use for its memory, and a snapshot need not wait for it."""
    engine = Engine(nano_on(device, "float32"), slots=1, eviction=Eviction.EXACT)
    engine.open(SessionOptions("a", threshold=1.0), lambda event: None)
    hear(engine, frames(noise(2.0)))
    moved = engine.snapshot("a").converted(torch.bfloat16)
    sounds = [span.embeddings for span in moved.spans if span.embeddings is not None]
    assert len(sounds) == 5
    assert {(sound.device.type, sound.dtype) for sound in sounds} == {("cpu", torch.bfloat16)}


def test_a_restored_session_remembers_in_the_model_s_own_numbers() -> None:
    first = Engine(small_model(), slots=1, eviction=Eviction.EXACT)
    first.open(SessionOptions("a", threshold=1.0), lambda event: None)
    hear(first, frames(noise(2.0)))
    model = copy.deepcopy(small_model())
    model.tower.to(torch.bfloat16)
    model.decoder.to(torch.bfloat16)
    second = Engine(model, slots=1, eviction=Eviction.EXACT)
    saved = SavedSession(first.snapshot("a"), (), ())
    restoration = second.restore(SessionOptions("a", threshold=1.0), saved)
    restoration.run()
    sounds = [s.embeddings for s in restoration.stream.snapshot().spans if s.embeddings is not None]
    assert {sound.dtype for sound in sounds} == {torch.bfloat16}


def texts(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, ReplyEnded)]


@pytest.mark.gpu
def test_slots_that_no_card_has_memory_for_are_refused_in_one_line() -> None:
    with pytest.raises(RuntimeFailure, match=r"^cuda:0 .* GiB are free; \d+ slots fit$") as caught:
        open_runtime("embedded:nano?device=cuda", slots=100_000_000)
    assert "\n" not in str(caught.value)


@pytest.mark.gpu
async def test_a_card_without_memory_left_ends_its_sessions_with_one_line() -> None:
    notes: list[str] = []
    runtime = open_runtime("embedded:nano", slots=2, told=notes.append)
    assert isinstance(runtime, EmbeddedRuntime)
    assert notes, "auto takes the GPU and says so"
    async with runtime:
        session = await runtime.open(SessionOptions("a"))
        with full_card():
            await session.push(frames(noise(0.4))[0])
            closed = [event async for event in session.events()][-1]
    assert isinstance(closed, Closed)
    assert closed.reason is CloseReason.FAILURE
    assert closed.detail.startswith("the GPU has no memory left (CUDA out of memory. Tried to ")
    assert "\n" not in closed.detail


@pytest.mark.gpu
def test_a_card_that_fails_ends_its_sessions_with_one_line() -> None:
    command = [sys.executable, "-m", "tests.fakes.failing_device"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, timeout=80, cwd=root)
    assert done.stdout.startswith("the device failed (CUDA error: "), done.stderr[-2_000:]
    assert done.stdout.count("\n") == 1


@contextlib.contextmanager
def full_card() -> Iterator[None]:
    """Nothing can be had of the card, down to the last block of the allocator's own."""
    total = torch.cuda.get_device_properties(0).total_memory
    share = (torch.cuda.memory_reserved(0) + HEADROOM_BYTES) / total
    torch.cuda.set_per_process_memory_fraction(share, 0)
    held: list[Tensor] = []
    try:
        for size in (1 << 24, 1 << 20, 1 << 16, 512):
            with contextlib.suppress(torch.OutOfMemoryError):
                while True:
                    held.append(torch.empty(size, dtype=torch.uint8, device="cuda:0"))
        yield
    finally:
        held.clear()
        torch.cuda.set_per_process_memory_fraction(1.0, 0)
        torch.cuda.empty_cache()
