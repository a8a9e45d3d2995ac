"""The options of every command that loads a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Outcome

    Call = Callable[..., Outcome]

ROOT = Path(__file__).parent.parent.parent
KITCHEN = str(ROOT / "examples" / "kitchen.wav")
GOLDEN = str(ROOT / "tests" / "conformance" / "golden.json")
COMMANDS = {
    "listen": ("listen", KITCHEN),
    "transcribe": ("transcribe", KITCHEN),
    "translate": ("translate", KITCHEN),
    "ask": ("ask", KITCHEN, "what?"),
    "bench": ("bench",),
    "verify": ("model", "verify", "nano", GOLDEN),
    "worker": ("worker", "--telemetry", "off", "--redis", "redis://127.0.0.1:1/0"),
    "start": ("livekit", "start"),
    "dev": ("livekit", "dev"),
    "connect": ("livekit", "connect", "--room", "r"),
}
without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")


def refused(outcome: Outcome, said: str) -> None:
    """One line, and the exit code of what a user gave."""
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert outcome.code == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_a_device_that_is_none(interject: Call, command: str) -> None:
    words = COMMANDS[command]
    refused(interject(*words, "--device", "gpu"), "device 'gpu': must be auto, cpu, cuda")
    refused(interject(*words, "--dtype", "float16"), "dtype 'float16': must be one of auto,")
    refused(
        interject(*words, "--kv-cache-dtype", "fp8"),
        "kv_cache_dtype 'fp8': must be one of auto, fp8_e4m3",
    )


LOADING = ["listen", "transcribe", "translate", "ask", "worker"]


@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - {"verify"}))
def test_a_context_that_is_none(interject: Call, command: str) -> None:
    words = COMMANDS[command]
    refused(interject(*words, "--context", "all"), "context 'all': must be auto, or the positions")


@pytest.mark.parametrize("command", LOADING)
def test_a_context_that_the_model_has_not(interject: Call, command: str) -> None:
    outcome = interject(*COMMANDS[command], "--context", "1025", "--device", "cpu")
    refused(outcome, "context 1025: nano remembers 1024 positions at most")
    outcome = interject(*COMMANDS[command], "--context", "55", "--device", "cpu")
    refused(outcome, "context 55: a session takes at least 56 positions")


@without_gpu
@pytest.mark.parametrize(
    "command", ["listen", "transcribe", "translate", "ask", "verify", "worker"]
)
def test_a_gpu_that_is_not_here(interject: Call, command: str) -> None:
    outcome = interject(*COMMANDS[command], "--device", "cuda:1")
    refused(outcome, "interject: device cuda:1: ")
    assert "or use cpu" in outcome.err


@pytest.mark.parametrize("command", ["listen", "bench", "start", "dev", "connect"])
def test_a_model_that_runs_elsewhere_has_a_device(interject: Call, command: str) -> None:
    runtime = ("--runtime", "redis://127.0.0.1:1/0")
    refused(interject(*COMMANDS[command], *runtime, "--device", "cuda"), "give them to its worker")


@without_gpu
def test_numbers_of_another_type_are_heard_on_a_cpu(interject: Call, checkpoint: Path) -> None:
    outcome = interject(
        "ask", KITCHEN, "what?", "--model", str(checkpoint), "--max-tokens", "3",
        "--device", "cpu", "--dtype", "bfloat16", "--kv-cache-dtype", "fp8_e4m3",
    )  # fmt: skip
    assert outcome.err in ("", "interject: note: the answer was cut at --max-tokens\n")
    assert outcome.code == 0


@without_gpu
def test_without_a_gpu_nothing_is_said_of_one(interject: Call, checkpoint: Path) -> None:
    outcome = interject("ask", KITCHEN, "what?", "--model", str(checkpoint), "--max-tokens", "3")
    assert "computes on" not in outcome.err
    assert outcome.code == 0
