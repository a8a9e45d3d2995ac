"""The benchmarks of LiveKit rooms still run; what they measure is not judged here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.result import load_results

ROOT = Path(__file__).parents[3]

pytestmark = [pytest.mark.live, pytest.mark.rare, pytest.mark.slow, pytest.mark.timeout(500)]


@pytest.mark.usefixtures("livekit_server")
@pytest.mark.parametrize(
    "name", ["livekit_voice", "livekit_rooms", "livekit_false_alarms", "responder"]
)
def test_smoke_run_prints_a_table_and_keeps_nothing(name: str) -> None:
    """The fixture says whether a server was built; the benchmark starts one of its own."""
    before = load_results()
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--smoke"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=480,
    )
    assert done.returncode == 0, done.stderr
    assert "| --- |" in done.stdout
    assert load_results() == before
