"""Features of one more chunk: from the stream's small state, or from the whole history again."""

from __future__ import annotations

import argparse
import time

import torch

from benchmarks.hardware import describe
from benchmarks.result import Result, finish, percentile, this_command
from interject.model_runtime.network.architecture import FeatureConfig
from interject.model_runtime.network.features import StreamingLogMel, whole_clip
from interject.model_runtime.protocol import FRAME_S, FRAME_SAMPLES

AGES_S = (2.0, 10.0, 60.0, 126.0)


def streaming_ms(samples: torch.Tensor, repeats: int) -> float:
    """Median cost of a push of one chunk into a stream that has heard `samples`."""
    stream = StreamingLogMel(FeatureConfig())
    stream.push(samples)
    chunk = samples[-FRAME_SAMPLES:]
    return _median_ms(lambda: stream.push(chunk), repeats)


def recomputing_ms(samples: torch.Tensor, repeats: int) -> float:
    """Median cost of the features of everything heard so far."""
    return _median_ms(lambda: whole_clip(samples, FeatureConfig()), repeats)


def _median_ms(work: object, repeats: int) -> float:
    assert callable(work)
    costs = []
    for _ in range(repeats + 2):
        begun = time.perf_counter()
        work()
        costs.append(1e3 * (time.perf_counter() - begun))
    return percentile(costs[2:], 50)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--smoke", action="store_true", help="a quick run that is not kept")
    arguments = parser.parse_args()
    repeats = 2 if arguments.smoke else arguments.repeats

    generator = torch.Generator().manual_seed(1)
    rows = []
    for age_s in AGES_S:
        chunks = round(age_s / FRAME_S)
        samples = 0.1 * torch.randn(chunks * FRAME_SAMPLES, generator=generator)
        streaming, recomputing = streaming_ms(samples, repeats), recomputing_ms(samples, repeats)
        rows.append(
            [
                f"{age_s:.0f} s",
                f"{streaming:.2f}",
                f"{recomputing:.2f}",
                f"{recomputing / streaming:.0f}x",
            ]
        )
    finish(
        Result(
            name="streaming_features",
            title="Streaming features against recomputing",
            command=this_command("streaming_features"),
            hardware=describe(),
            columns=["heard so far", "streaming, ms a chunk", "recomputing, ms a chunk", "ratio"],
            rows=rows,
            headlines={
                f"features of a chunk after {rows[-1][0]}, streaming against recomputing": (
                    f"{rows[-1][1]} ms against {rows[-1][2]} ms"
                )
            },
        ),
        keep=not arguments.smoke,
    )


if __name__ == "__main__":
    main()
