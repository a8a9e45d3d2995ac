"""The benchmarks of Redis still run; what they measure is not judged here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.result import load_results

ROOT = Path(__file__).parents[3]

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(300)]


def run(*words: str) -> str:
    """What it prints."""
    before = load_results()
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    assert load_results() == before
    return done.stdout


RARE = pytest.mark.rare


@pytest.mark.parametrize(
    "name",
    [
        "redis_hop",
        pytest.param("redis_latency", marks=RARE),
        pytest.param("redis_recovery", marks=RARE),
        pytest.param("redis_memory", marks=RARE),
    ],
)
def test_smoke_run_prints_a_table_and_keeps_nothing(name: str) -> None:
    assert "| --- |" in run(f"benchmarks.{name}", "--smoke")


def test_a_worker_as_on_a_gpu_is_killed_and_another_goes_on() -> None:
    said = run("benchmarks.gpu", "--tiny", "--sections", "redis")
    alive, killed = said.split("random weights: kill -9 of a worker\n")
    assert "\n| 4 | " in alive
    row = next(line for line in killed.splitlines() if line.startswith("| 4 | "))
    assert row.endswith("| 0 |"), "sessions failed"
