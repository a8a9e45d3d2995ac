"""What keeps a run on a card within its time and its memory."""

from __future__ import annotations

import os
import subprocess
import sys
import weakref
from argparse import Namespace
from pathlib import Path

import pytest
import torch

from benchmarks.gpu.budget import EXIT_OVERDUE, Budget
from benchmarks.gpu.crowd import Session, fill_slots, open_sessions
from benchmarks.gpu.run import SECTIONS, Run
from benchmarks.gpu.service import Service
from benchmarks.gpu.steps import Ceilings, floor_s
from benchmarks.gpu.subject import tiny_model
from benchmarks.gpu.through_redis import missing
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.protocol import FRAME_S
from tests.fakes.clock import FakeClock

ROOT = Path(__file__).parent.parent


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
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=20)
    assert done.returncode == EXIT_OVERDUE


def test_other_processes_end_with_a_run_that_hangs() -> None:
    script = (
        "import subprocess, time; from benchmarks.gpu.budget import Budget; "
        "other = subprocess.Popen(['sleep', '60']); print(other.pid, flush=True)\n"
        "budget = Budget(0.2, begun=time.monotonic())\n"
        "def end(): other.kill(); other.wait()\n"
        "with budget.ending(end): budget.enforce(); time.sleep(30)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, timeout=20, capture_output=True, text=True
    )
    assert done.returncode == EXIT_OVERDUE
    assert not Path(f"/proc/{done.stdout.split()[0]}").exists()


def test_a_machine_without_redis_is_told_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert missing() == "redis-server"


@pytest.mark.parametrize(("lacks", "kept_s"), [(None, 2 * 40 + 4 + 12 + 25), ("redis", 0.0)])
def test_sections_leave_time_for_the_one_with_redis(lacks: str | None, kept_s: float) -> None:
    run = Run(
        Namespace(
            tiny=True, kv_cache_dtype="auto", budget_s=240.0, seconds=12.0, sections=SECTIONS,
            grouping=1,
        ),
        torch.device("cpu"),
    )  # fmt: skip
    run.redis_lacks = lacks
    assert run.kept_for_redis_s == kept_s
    run.arguments.sections = ("steps",)
    assert run.kept_for_redis_s == 0.0


def test_the_largest_load_goes_on_for_minutes_if_asked_to() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", "--tiny", "--sections", "engine",
         "--minutes", "0.02"],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=55,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    table = done.stdout.partition("the engine for minutes\n")[2]
    assert "| 12 | rotate |" in table
    assert "The load lasted for 0.02 minutes." in table


def test_a_grouped_model_has_tables_of_its_own() -> None:
    words = ["--tiny", "--grouping", "5", "--sections", "steps", "engine", "redis"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", *words], cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=55,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "grouped embeddings, random weights: steps" in done.stdout
    engine = done.stdout.partition("grouped embeddings, random weights: the engine under load\n")[2]
    assert "| 12 | exact |" in engine
    assert "5 embeddings of 40 ms are read as one." in engine
    assert "behind Redis" not in done.stdout


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
