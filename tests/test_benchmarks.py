"""The benchmarks still run against the code, and their tables reach the page."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
import torch

from benchmarks.load import row
from benchmarks.null_worker import NullEngine
from benchmarks.quality import result as quality
from benchmarks.redis_memory import Slope
from benchmarks.report import pages, put, summary
from benchmarks.result import Result, load_results
from benchmarks.rig import Rig, tiny_config
from benchmarks.room import rooms
from interject.cli.bench.outcome import ChunkTimes, Outcome
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.forward_input import ForwardInput
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    LOOKAHEAD_SAMPLES,
    SAMPLE_BYTES,
    Decision,
    Frame,
)
from interject.model_runtime.redis.worker.engine_host import EngineHost
from interject.model_runtime.remote import wire
from tests.model_runtime.redis.worker.owned import owned
from tests.model_runtime.worlds import small_model
from tests.waiting import until

if TYPE_CHECKING:
    from interject.model_runtime.redis.worker.batch import Batch

ROOT = Path(__file__).parent.parent


def a_result(name: str = "speed") -> Result:
    return Result(
        name=name,
        title="Speed",
        command="python -m benchmarks.speed",
        hardware="a calculator",
        columns=["streams", "ms"],
        rows=[["1", "2.5"]],
        notes=["Measured by hand."],
        measured="2000-01-01",
    )


@pytest.mark.parametrize(
    "command",
    [
        ["streaming_features", "--smoke"],
        ["batching", "--smoke"],
        ["linear", "--smoke"],
        ["kv_cache_dtype", "--smoke"],
        ["engine_host", "--smoke"],
        ["webrtc", "--smoke"],
        ["sockets", "--smoke"],
        ["packing", "--smoke"],
        ["training_features", "--smoke"],
        ["soundflow", "--smoke", "--workers", "1"],
    ],
)
def test_smoke_run_prints_a_table_and_keeps_nothing(command: list[str]) -> None:
    before = load_results()
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{command[0]}", *command[1:]],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=55,
    )
    assert done.returncode == 0, done.stderr
    assert "| --- |" in done.stdout
    assert load_results() == before


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_what_a_benchmark_builds_lies_on_one_device(device: str) -> None:
    rig = Rig(tiny_config(), slots=2, device=torch.device(device), dtype=torch.bfloat16)
    tensors = [rig.cache.keys, rig.cache.values]
    for module in (rig.tower, rig.decoder):
        tensors += [*module.parameters(), *module.buffers()]
    assert {tensor.device.type for tensor in tensors} == {device}
    assert rig.decoder.embedding.weight.dtype is torch.bfloat16


def test_report_replaces_only_what_is_between_its_markers() -> None:
    page = "before\n<!-- begin speed -->\nold\n<!-- end speed -->\nafter\n"
    once = put(page, "speed", a_result().markdown())
    assert once.startswith("before\n<!-- begin speed -->\n`python -m benchmarks.speed`\n")
    assert once.endswith("- Measured by hand.\n<!-- end speed -->\nafter\n")
    assert "| streams | ms |\n| --- | --- |\n| 1 | 2.5 |\n" in once
    assert "old" not in once
    assert put(once, "speed", a_result().markdown()) == once


def test_report_names_the_missing_markers() -> None:
    with pytest.raises(ValueError, match="no place for speed: add the lines <!-- begin speed -->"):
        put("a page", "speed", "")


def test_pages_show_every_kept_result() -> None:
    for path, page in pages(load_results()).items():
        assert path.read_text(encoding="utf-8") == page, "run python -m benchmarks.report"


def test_quality_shows_a_dash_where_nothing_was_to_be_answered() -> None:
    score = {
        "precision": 0.9, "recall": 0.8, "exact_replies": 0.75, "false_an_hour": 2.5,
        "wanted": 20, "hours": 0.4, "mean_late_chunks": 0.5,
    }  # fmt: skip
    talk = {**score, "wanted": 0, "mean_late_chunks": None}
    assert quality({"voices": score, "talk": talk}).rows == [
        ["voices", "0.40", "20", "0.90", "0.80", "0.75", "2.5", "0.5"],
        ["talk", "0.40", "0", "-", "-", "-", "2.5", "-"],
    ]


def test_summary_has_a_table_for_each_machine() -> None:
    fast = replace(a_result("fast"), headlines={"streams": "12"})
    far = replace(a_result("far"), hardware="a GPU", headlines={"decision": "3 ms"})
    text = summary([fast, a_result("silent"), far])
    assert text.count("| what | measured | command |") == 2
    assert "| streams | 12 | `python -m benchmarks.speed` |" in text.split("a GPU:")[0]
    assert "| decision | 3 ms | `python -m benchmarks.speed` |" in text.split("a GPU:")[1]


def test_result_survives_being_kept(tmp_path: Path) -> None:
    a_result().save(tmp_path)
    assert load_results(tmp_path) == [a_result()]


def test_chunk_that_was_never_decided_is_over_every_limit() -> None:
    outcome = Outcome(lost_chunks=1)
    outcome.decided(ChunkTimes(1.0, 1.0, 1.2, 0.1))
    assert row(outcome, 5, 0.15) == [
        "5", "15%", "200.0", "200.0", "200.0", "200.0", "2", "1", "1", "0", "1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "noise"),
    [([5.0, 5.1, 5.0, 4.9, 5.0, 5.1], True), ([5.0, 6.0, 7.1, 8.0, 9.0, 9.9], False)],
)
def test_slope_is_told_from_noise(values: list[float], noise: bool) -> None:
    slope = Slope.of([10.0, 20.0, 30.0, 40.0, 50.0, 60.0], values)
    assert slope.is_noise is noise
    assert slope.an_hour == pytest.approx(0.0 if noise else 5.9, abs=0.2)


def test_slope_of_equal_values_is_none() -> None:
    slope = Slope.of([1.0, 2.0, 3.0], [4.0, 4.0, 4.0])
    assert abs(slope.an_hour) < 1e-9


def test_room_is_one_continuous_sound_without_end(tmp_path: Path) -> None:
    room = rooms(1, recording=tmp_path / "no.wav")[0]
    frames = [room.frame(seq, seq * 0.4) for seq in range(160)]
    for frame, following in itertools.pairwise(frames):
        assert frame.lookahead == following.pcm[: LOOKAHEAD_SAMPLES * SAMPLE_BYTES]
    assert all(np.frombuffer(frame.pcm, "<i2").std() > 100 for frame in frames)
    assert {len(frame.pcm) for frame in frames} == {FRAME_SAMPLES * SAMPLE_BYTES}


async def test_the_engine_that_decides_at_once_does_all_that_a_worker_asks_of_it() -> None:
    engine = cast("Engine", NullEngine(Engine(small_model(), slots=1)))
    batches: list[Batch] = []
    host = EngineHost(model="m")
    host.start(engine, batches.extend)
    try:
        await host.ready()
        session = owned("a")
        host.admit(session, ForwardInput(()))
        sound = bytes(FRAME_SAMPLES * SAMPLE_BYTES), bytes(LOOKAHEAD_SAMPLES * SAMPLE_BYTES)
        host.put([(session, "1-1", Frame(0, 0.0, *sound))])
        await until(lambda: any(isinstance(o, Decision) for b in batches for o in b.outputs))
        host.leave(session)
        await until(lambda: batches[-1].last)
    finally:
        await host.aclose()
    outputs = [output for batch in batches for output in batch.outputs]
    assert [type(output) for output in outputs] == [wire.Opened, Decision]
    assert batches[-1].snapshot
