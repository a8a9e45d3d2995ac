"""The commands for a card run where only what a GPU needs is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.result import load_results
from interject.training.bank.pack import BankInputs, pack
from interject.training.nano.speech_bank import BankSize, SpeechBank, make_bank

ROOT = Path(__file__).parent.parent
PLUGINS = (
    "tests.fakes.bare_machine", "pytest_timeout", "pytest_asyncio.plugin",
    "_hypothesis_pytestplugin",
)  # fmt: skip


@pytest.fixture(scope="module")
def bank() -> SpeechBank:
    return make_bank(BankSize(1, 0, 14, 2, 0, 6, 0, own_a_reply=1, isolated=8), seed=3)


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


TRAIN = """
import sys; sys.path.insert(0, '.'); import tests.fakes.training_machine
from interject.training.nano.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_nano_is_trained_from_a_bank_alone(bank: SpeechBank, tmp_path: Path) -> None:
    """Without espeak-ng's binding, typer, pydantic and soxr; the time is that of all of it."""
    packed, out = tmp_path / "all.bank", tmp_path / "out"
    natural = SpeechBank([(key, replace(said, voice="kokoro a")) for key, said in bank.items()])
    pack(BankInputs([bank], [natural]), packed, 20 << 20)
    options = ["--minutes", "0.35", "--small", "--threads", "1", "--device", "cpu"]
    done = run("-c", TRAIN, "--bank", str(packed), "--out", str(out), *options, "--processes", "2")
    assert done.returncode == 0, done.stderr[-4_000:]
    assert "step 1 " in done.stdout
    assert (out / "model" / "model.safetensors").is_file()
    found = json.loads((out / "report.json").read_text())
    assert found["requests, natural voices"]["wanted"] > 0


def test_a_machine_without_what_is_needed_is_one() -> None:
    done = run("-c", "import tests.fakes.bare_machine, redis")
    assert "No module named 'redis'" in done.stderr
