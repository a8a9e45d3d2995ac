"""Linear layers with oneDNN, against the same with MKL."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING
from unittest.mock import patch

import torch

from benchmarks.hardware import describe
from benchmarks.result import Result, finish, this_command
from benchmarks.rig import CONTEXT, median, nano_rig
from interject.model_runtime.network import linear

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.rig import Rig

BATCHES = (1, 2, 4, 8, 16)
ROUNDS = 5
NOTE = (
    f"Shapes of nano, float32, {CONTEXT} positions behind every session, one thread. The libraries "
    f"take turns, {ROUNDS} each. PyTorch's MKL uses AVX2 on AMD's processors, oneDNN AVX-512 where "
    "they have it. On other processors Interject stays with MKL; there both columns are MKL's."
)


def both(rig: Rig, work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median ms with MKL and with oneDNN."""
    with_mkl: list[float] = []
    with_onednn: list[float] = []
    for _ in range(ROUNDS):
        with patch.object(linear, "onednn_is_faster", lambda: False):
            with_mkl += rig.time_ms(work, repeats)
        with_onednn += rig.time_ms(work, repeats)
    return median(with_mkl), median(with_onednn)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20, help="in each turn")
    parser.add_argument("--smoke", action="store_true", help="a quick run that is not kept")
    given = parser.parse_args()
    torch.set_num_threads(1)
    batches = BATCHES[:1] if given.smoke else BATCHES
    rig, context = nano_rig(max(batches), smoke=given.smoke)
    rows = []
    for batch in batches:
        mkl, onednn = both(rig, partial(rig.decide, batch, context), given.repeats)
        rows.append([str(batch), f"{mkl:.1f}", f"{onednn:.1f}", f"{mkl / onednn:.2f}x"])
    finish(
        Result(
            name="linear",
            title="oneDNN against MKL",
            command=this_command("linear"),
            hardware=describe(),
            columns=["sessions in the step", "MKL, ms", "oneDNN, ms", "gain"],
            rows=rows,
            notes=[NOTE],
        ),
        keep=not given.smoke,
    )


if __name__ == "__main__":
    main()
