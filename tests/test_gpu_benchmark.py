"""What keeps a run on a card within its time and its memory."""

from __future__ import annotations

import subprocess
import sys
import weakref
from pathlib import Path

import pytest
import torch

from benchmarks.gpu.budget import EXIT_OVERDUE, Budget
from benchmarks.gpu.crowd import Session, fill_slots, open_sessions
from benchmarks.gpu.service import Service
from benchmarks.gpu.steps import Ceilings, floor_s
from benchmarks.gpu.subject import tiny_model
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.protocol import FRAME_S
from tests.fakes.clock import FakeClock


def test_what_does_not_fit_is_left_out_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock()
    budget = Budget(10.0, begun=clock(), clock=clock)
    assert budget.allows("steps", 9.0)
    clock.advance(4.0)
    assert not budget.allows("restoring", 7.0)
    assert "restoring is left out: it takes 7 s, 6 s are left" in capsys.readouterr().out


def test_a_run_that_hangs_is_ended() -> None:
    script = (
        "import time; from benchmarks.gpu.budget import Budget; "
        "Budget(0.1, begun=time.monotonic()).enforce(); time.sleep(30)"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", script], cwd=root, timeout=20)
    assert done.returncode == EXIT_OVERDUE


def test_an_engine_gives_its_slots_back() -> None:
    """The next one has no room beside them on a card."""
    service = Service(tiny_model(), 2)
    service.row(2, 0.5, warm_up_s=0.1, eviction=Eviction.EXACT)
    slots = weakref.ref(service.engine.kv_cache)
    service.close()
    assert slots() is None


def test_filled_slots_go_on_as_others_do() -> None:
    engine = Service(tiny_model(), 3).engine
    streams = open_sessions(engine, 3)
    fill_slots(engine, streams)
    for stream in streams:
        assert engine.kv_cache.lengths[stream.memory.slot] == stream.memory.ledger.length
        assert not stream.full
        assert stream.memory.room < engine.kv_cache.context // 2
    assert len({stream.memory.ledger.length for stream in streams}) == 3


def test_what_came_while_its_own_session_replied_is_told_apart() -> None:
    engine = Service(tiny_model(), 1).engine
    session = Session(open_sessions(engine, 1)[0], phase_s=0.1)
    assert session.due_s(2) == pytest.approx(0.1 + 2 * FRAME_S)
    session.reply_began, session.replying = 1.0, True
    assert [session.waits_for_reply(due) for due in (0.9, 1.1, 9.0)] == [False, True, True]
    session.replying, session.replied_until = False, 2.0
    assert [session.waits_for_reply(due) for due in (0.9, 1.1, 9.0)] == [False, True, False]


def test_the_floor_counts_what_is_read_and_multiplied() -> None:
    model = tiny_model()
    reading, multiplying = Ceilings(1.0, torch.inf), Ceilings(torch.inf, 1.0)
    shape = model.config.decoder
    slot = 2 * 4 * shape.layers * shape.context * shape.kv_heads * shape.head_dim
    one, two = (floor_s(model, 0, tokens, reading) for tokens in (1, 2))
    assert two - one == slot
    assert floor_s(model, 0, 2, multiplying) == 2 * floor_s(model, 0, 1, multiplying)
    assert floor_s(model, 1, 0, reading) > one - model.decoder.head.weight.numel() * 4
