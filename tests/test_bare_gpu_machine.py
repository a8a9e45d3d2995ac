"""The commands for a card run where only what a GPU needs is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.result import load_results

ROOT = Path(__file__).parent.parent
PLUGINS = (
    "tests.fakes.bare_machine", "pytest_timeout", "pytest_asyncio.plugin",
    "_hypothesis_pytestplugin",
)  # fmt: skip


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment,
        capture_output=True, text=True, timeout=55,
    )  # fmt: skip


def test_the_benchmark() -> None:
    script = (
        "import runpy, sys; sys.path.insert(0, '.'); import tests.fakes.bare_machine; "
        "sys.argv = ['gpu', '--tiny']; runpy.run_module('benchmarks.gpu', run_name='__main__')"
    )
    before = load_results()
    done = run("-c", script)
    assert done.returncode == 0, done.stderr[-4_000:]
    assert load_results() == before, "a smoke run was kept"
    for table in ("steps", "the engine under load", "restoring"):
        assert f"random weights: {table}\n" in done.stdout
    assert "no worker behind Redis: this machine lacks " in done.stdout
    assert "the package redis" in done.stdout


def test_the_tests_of_a_gpu_are_collected() -> None:
    plugins = [word for name in PLUGINS for word in ("-p", name)]
    done = run(
        "-m", "pytest", "-m", "gpu", "--collect-only", "-q", *plugins,
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4_000:]
    for module in ("test_on_device", "test_on_gpu", "test_token_draw"):
        assert f"/{module}.py::" in done.stdout


def test_the_training_of_nano_is_imported() -> None:
    done = run("-c", "import tests.fakes.training_machine, interject.training.nano.train")
    assert done.returncode == 0, done.stderr[-4_000:]


def test_a_machine_without_what_is_needed_is_one() -> None:
    done = run("-c", "import tests.fakes.bare_machine, redis")
    assert "a bare machine has no redis" in done.stderr
