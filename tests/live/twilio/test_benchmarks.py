"""The benchmark of the telephone still runs, without Pipecat; what it measures is not judged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.result import load_results

ROOT = Path(__file__).parents[3]

pytestmark = [pytest.mark.live, pytest.mark.rare, pytest.mark.slow, pytest.mark.timeout(200)]


def test_smoke_run_prints_a_table_and_keeps_nothing() -> None:
    before = load_results()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.telephone", "--smoke", "--alone"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    assert "| --- |" in done.stdout
    assert load_results() == before
