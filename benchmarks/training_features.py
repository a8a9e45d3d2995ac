"""How many hours of sound become features, and a frozen tower's states, in an hour of training."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from benchmarks.hardware import describe
from benchmarks.result import Result, finish, percentile, this_command
from interject.model_runtime.checkpoint import load_checkpoint
from interject.training.dataset.sounds_source import SoundsSettings, SoundsSource
from interject.training.fine_tuning.tower_cache import CachedHearing
from interject.training.sequences.hearing import DirectHearing, tower_windows
from interject.training.sequences.sequence_writer import SequenceWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.training.sequences.sequence import TrainingSequence

SEED = 1
NOTE = (
    "nano, float32, one thread, {streams} streams of the recipe `sounds` ({minutes:.0f} min of "
    "sound); the median of {repeats} passes, in seconds of the processor, because others used the "
    "machine too. Features: log-mel windows of 400 ms, from the engine's own code. Kept: read back "
    "from the folder that `cache: true` fills."
)


def times_real(
    work: Callable[[TrainingSequence], object], streams: list[TrainingSequence], repeats: int
) -> float:
    """Seconds of sound for one second of the processor."""
    costs = []
    for _ in range(repeats):
        begun = time.process_time()
        for stream in streams:
            work(stream)
        costs.append(time.process_time() - begun)
    return sum(len(stream.sound) for stream in streams) / 16_000 / percentile(costs, 50)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--smoke", action="store_true", help="a quick run that is not kept")
    arguments = parser.parse_args()
    count, repeats = (2, 1) if arguments.smoke else (arguments.streams, arguments.repeats)

    torch.set_num_threads(1)
    model = load_checkpoint("nano")
    writer = SequenceWriter(model)
    source = SoundsSource(SoundsSettings())
    streams = [writer.online(source.make(number, SEED)) for number in range(count)]
    minutes = sum(len(stream.sound) for stream in streams) / 16_000 / 60
    direct = DirectHearing(model.config)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        kept = CachedHearing(model, Path(folder), precision="float32")
        for stream in streams:
            kept.states(model.tower, stream)
        speeds = {
            "features": times_real(lambda s: tower_windows(s, model.config), streams, repeats),
            "features and tower": times_real(
                lambda s: direct.states(model.tower, s), streams, repeats
            ),
            "states that are kept": times_real(
                lambda s: kept.states(model.tower, s), streams, repeats
            ),
        }
    finish(
        Result(
            name="training_features",
            title="Features in training",
            command=this_command("training_features"),
            hardware=describe(),
            columns=["what a step needs", "real-time factor", "hours of sound in an hour"],
            rows=[[what, f"{1 / x:.5f}", f"{x:.0f}"] for what, x in speeds.items()],
            notes=[NOTE.format(streams=count, minutes=minutes, repeats=repeats)],
            headlines={
                "features in training, hours of sound in an hour on one core": (
                    f"{speeds['features']:.0f}"
                )
            },
        ),
        keep=not arguments.smoke,
    )


if __name__ == "__main__":
    main()
