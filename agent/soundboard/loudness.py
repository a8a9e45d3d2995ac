"""How loud a sound is to people, as EBU R 128 measures it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import av
import av.error
import numpy as np
from av.filter import Graph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BLOCK_S = 0.1
LEAST_S = 0.5
"""It measures 400 ms at a time; shorter sounds are followed by silence."""
MOMENTARY, INTEGRATED = "lavfi.r128.M", "lavfi.r128.I"
SILENT_LUFS = -70.0


@dataclass(frozen=True, slots=True)
class Loudness:
    """In LUFS: of all of it, without its pauses, and of its loudest 400 ms."""

    integrated: float
    momentary: float


def loudness(sound: NDArray[np.float32], rate_hz: int) -> Loudness:
    """`sound` is mono; -70 and less is silence."""
    lacking = max(0, round(LEAST_S * rate_hz) - len(sound))
    measured = list(_measured(np.pad(sound, (0, lacking)), rate_hz))
    return Loudness(
        integrated=float(measured[-1][INTEGRATED]),
        momentary=max(float(one[MOMENTARY]) for one in measured),
    )


def _measured(sound: NDArray[np.float32], rate_hz: int) -> Iterator[dict[str, str]]:
    """What FFmpeg's `ebur128` says after each 100 ms."""
    graph = Graph()
    source = graph.add_abuffer(format="flt", sample_rate=rate_hz, layout="mono")
    meter, sink = graph.add("ebur128", "metadata=1"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    size = round(BLOCK_S * rate_hz)
    for at in range(0, len(sound), size):
        block = sound[at : at + size].astype(np.float32)
        frame = av.AudioFrame.from_ndarray(block[None], format="flt", layout="mono")
        frame.sample_rate, frame.pts = rate_hz, at
        graph.push(frame)
        yield from _pulled(graph)
    graph.push(None)
    yield from _pulled(graph)


def _pulled(graph: Graph) -> Iterator[dict[str, str]]:
    while True:
        try:
            said = graph.pull().metadata
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        if INTEGRATED in said:
            yield said
