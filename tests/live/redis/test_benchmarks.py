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


@pytest.mark.parametrize("name", ["redis_hop", "redis_latency", "redis_recovery", "redis_memory"])
def test_smoke_run_prints_a_table_and_keeps_nothing(name: str) -> None:
    before = load_results()
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--smoke"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    assert "| --- |" in done.stdout
    assert load_results() == before
