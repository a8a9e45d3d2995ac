"""One GPU, random weights of the true 3B shape: what a decision and a reply token cost.

Steps are run eagerly, without CUDA graphs, and without a scheduler: the figures are the model's
own, at the moment when every slot is full.
"""

from __future__ import annotations

import argparse

import torch

from benchmarks.hardware import describe
from benchmarks.result import Result, finish, percentile, this_command
from benchmarks.rig import Rig, median, tiny_config, with_context
from interject.model_runtime.network.architecture import ModelConfig

BATCHES = (1, 16, 64, 256, 512)
CONTEXT = 4_096
COLUMNS = [
    "sessions in the step", "decision p50, ms", "decision p99, ms", "reply token p50, ms",
    "reply tokens a second", "peak memory, GiB",
]  # fmt: skip
NOTE = (
    f"Random weights, Qwen2.5-Omni tower and 3B decoder, bfloat16, {CONTEXT} positions in every "
    "slot. A decision is features, tower, decoder and two rows of the head; eager kernels, no CUDA "
    "graphs."
)
_GIB = 1 << 30
_NEEDED_GIB = 100


def why_not(device: torch.device) -> str | None:
    """Why the true shape cannot be measured here, or nothing."""
    if not torch.cuda.is_available():
        return "this machine has no GPU that PyTorch can use"
    free, _ = torch.cuda.mem_get_info(device)
    if free < _NEEDED_GIB * _GIB:
        return f"{free / _GIB:.0f} GiB of GPU memory are free, {_NEEDED_GIB} are needed"
    return None


def measure(rig: Rig, batch: int, context: int, repeats: int) -> list[str]:
    """One row of the table."""
    on_gpu = rig.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(rig.device)
    decisions = rig.time_ms(lambda: rig.decide(batch, context), repeats)
    tokens = rig.time_ms(lambda: rig.decode(batch, context), repeats)
    peak = torch.cuda.max_memory_allocated(rig.device) / _GIB if on_gpu else float("nan")
    return [
        str(batch),
        f"{median(decisions):.1f}",
        f"{percentile(decisions, 99):.1f}",
        f"{median(tokens):.1f}",
        f"{1e3 * batch / median(tokens):.0f}",
        f"{peak:.1f}" if on_gpu else "not measured",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--batches", type=int, nargs="+", default=list(BATCHES))
    parser.add_argument("--tiny", action="store_true", help="a smoke run on the CPU, not kept")
    arguments = parser.parse_args()

    device = torch.device("cpu" if arguments.tiny else "cuda")
    reason = None if arguments.tiny else why_not(device)
    notes = [NOTE]
    rows: list[list[str]] = []
    if reason is not None:
        notes.insert(0, f"Not measured: {reason}.")
    else:
        context = 256 if arguments.tiny else CONTEXT
        config = tiny_config(context) if arguments.tiny else with_context(ModelConfig(), context)
        dtype = torch.float32 if arguments.tiny else torch.bfloat16
        rig = Rig(config, slots=max(arguments.batches), device=device, dtype=dtype)
        repeats = 2 if arguments.tiny else arguments.repeats
        rows = [measure(rig, batch, context, repeats) for batch in arguments.batches]
    finish(
        Result(
            name="gpu",
            title="One GPU, 3B shape, random weights",
            command=this_command("gpu"),
            hardware=describe(None if reason else device),
            columns=COLUMNS,
            rows=rows,
            notes=notes,
        ),
        keep=not arguments.tiny,
    )


if __name__ == "__main__":
    main()
