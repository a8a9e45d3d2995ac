"""Training on packed rows, against padding every stream to one length."""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from benchmarks.hardware import describe
from benchmarks.result import Result, finish, this_command
from interject.model_runtime.checkpoint import load_checkpoint
from interject.training.dataset.sounds_source import SoundsSettings, SoundsSource
from interject.training.fine_tuning.settings import OptimiserSettings
from interject.training.fine_tuning.stages import PRESETS, TrainingStage
from interject.training.fine_tuning.trained_weights import choose_trained, make_optimiser
from interject.training.sequences.dual_loss import dual_loss
from interject.training.sequences.hearing import DirectHearing
from interject.training.sequences.packed_model import PackedModel
from interject.training.sequences.packing import PackedBatch, pack
from interject.training.sequences.sequence_writer import SequenceWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.network.encoder import AudioTower
    from interject.training.sequences.sequence import TrainingSequence

PADDED_POSITIONS = 4_096
"""What the released training code pads to."""
STREAMS_A_STEP = 4
SEED = 1
NOTE = (
    "nano, float32, one thread: forward and backward pass and AdamW, {streams} streams a step, "
    "{steps} steps, the median. The ways take turns on the same streams (the recipe `sounds`: "
    "{least} to {most} positions, {mean:.0f} on average). Seconds are those of the processor, "
    "because others used the machine too. Padding is not counted as positions. What the frozen "
    "tower makes of the sound is computed before, as with the cache. Padded rows are given a head "
    "that reads only what teaches, as packed ones have it."
)


class HeardBefore:
    """As with the cache on disk: what the frozen tower makes of a stream is computed once."""

    def __init__(self, model: Model) -> None:
        self._direct = DirectHearing(model.config)
        self._states: dict[str, Tensor] = {}

    def states(self, tower: AudioTower, sequence: TrainingSequence) -> Tensor:
        if sequence.stream_id not in self._states:
            self._states[sequence.stream_id] = self._direct.states(tower, sequence)
        return self._states[sequence.stream_id]


@dataclass(frozen=True)
class Bench:
    """Stage 4 of the paper on nano: adapter and decoder learn. Every way takes the same steps."""

    model: Model
    packed: PackedModel
    optimiser: torch.optim.Optimizer
    batches: list[PackedBatch]

    def train_packed(self, batch: PackedBatch) -> None:
        loss = self.packed(batch)
        self._step(loss.weighted(1.0) / loss.taught)

    def train_padded(self, batch: PackedBatch, length: int) -> None:
        """Each stream in a row of its own. The head reads what teaches, and no more: a gift."""
        decoder, layout = self.model.decoder, self.model.config.layout
        mixed = self.packed.mixed_rows(batch).split(batch.lengths)
        rows = torch.stack(
            [torch.nn.functional.pad(row, (0, 0, 0, length - len(row))) for row in mixed]
        )
        hidden = decoder.forward_train(rows)
        real = torch.cat([hidden[n, :count] for n, count in enumerate(batch.lengths)])
        loss = dual_loss(decoder, layout, real, batch)
        self._step(loss.weighted(1.0) / loss.taught)

    def _step(self, loss: Tensor) -> None:
        loss.backward()
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)


def make_bench(steps: int) -> Bench:
    model = load_checkpoint("nano")
    packed = PackedModel(model, HeardBefore(model))
    parts = PRESETS[TrainingStage.INSTRUCTION].trains
    choose_trained(packed, parts)
    writer = SequenceWriter(model)
    source = SoundsSource(SoundsSettings())
    sequences = [
        writer.online(source.make(number, SEED)) for number in range(steps * STREAMS_A_STEP)
    ]
    batches = [
        pack(sequences[first : first + STREAMS_A_STEP])
        for first in range(0, len(sequences), STREAMS_A_STEP)
    ]
    for batch in batches:
        packed.mixed_rows(batch)
    optimiser = make_optimiser(packed, parts, OptimiserSettings(), 1e-6)
    return Bench(model, packed, optimiser, batches)


def cpu_seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=6, help="of 4 streams, in each way")
    parser.add_argument("--smoke", action="store_true", help="a quick run that is not kept")
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    bench = make_bench(1 if given.smoke else given.steps)
    length = 1_024 if given.smoke else PADDED_POSITIONS
    ways: dict[str, Callable[[PackedBatch], None]] = {
        "packed": bench.train_packed,
        "padded to the longest of the step": lambda b: bench.train_padded(b, max(b.lengths)),
        f"padded to {length:,}": lambda b: bench.train_padded(b, length),
    }
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for batch in bench.batches:
        for way, work in ways.items():
            rates[way].append(len(batch.ids) / cpu_seconds(partial(work, batch)))
    medians = {way: statistics.median(found) for way, found in rates.items()}
    slowest = min(medians.values())
    lengths = np.array([n for batch in bench.batches for n in batch.lengths])
    gain = medians["packed"] / medians[f"padded to {length:,}"]
    finish(
        Result(
            name="packing",
            title="Training: packed against padded",
            command=this_command("packing"),
            hardware=describe(),
            columns=["rows", "positions a CPU second", "gain"],
            rows=[[way, f"{r:,.0f}", f"{r / slowest:.1f}x"] for way, r in medians.items()],
            notes=[
                NOTE.format(
                    streams=STREAMS_A_STEP,
                    steps=len(bench.batches),
                    least=lengths.min(),
                    most=lengths.max(),
                    mean=lengths.mean(),
                )
            ],
            headlines={"training on packed rows, against padding to 4,096": f"{gain:.1f}x"},
        ),
        keep=not given.smoke,
    )


if __name__ == "__main__":
    main()
