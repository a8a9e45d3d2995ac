"""Small runs that tests of training share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from interject.model_runtime.checkpoint import random_model, save_native
from interject.model_runtime.resolved_device import ResolvedDevice
from interject.training.dataset.build import build
from interject.training.dataset.manifest import BuildSettings
from interject.training.fine_tuning.process_group import ProcessGroup
from interject.training.fine_tuning.run import TrainingEvents, TrainingOutcome, train
from interject.training.fine_tuning.settings import TrainingRun
from tests.model_runtime.worlds import byte_tokenizer, small_model
from tests.training.sequences.streams import stream, turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from interject.training.fine_tuning.trainer import StepReport
    from interject.training.streams.stream import TrainingStream
    from interject.training.streams.turn import StreamTurn

CPU = ResolvedDevice(torch.device("cpu"), torch.float32)


@dataclass(frozen=True)
class Record:
    stream_id: str
    samples: int
    turns: tuple[StreamTurn, ...]


class MemoryStore:
    """Streams by name; one named in `broken` cannot be read."""

    def __init__(self, *streams: TrainingStream, broken: Iterable[str] = ()) -> None:
        self.streams = {s.stream_id: s for s in streams}
        self.broken = set(broken)

    def records(self) -> list[Record]:
        return [Record(s.stream_id, len(s.sound), s.turns) for s in self.streams.values()]

    def read(self, stream_id: str) -> TrainingStream:
        if stream_id in self.broken:
            raise OSError(5, "Input/output error", f"shard of {stream_id}")
        return self.streams[stream_id]


def some_streams(count: int = 6) -> list[TrainingStream]:
    """Each of another length, each with one answer."""
    return [
        stream(3 + n % 3, turn(1 + n % 2, "Hi" if n % 2 else "OK"), name=f"s{n}", seed=n)
        for n in range(count)
    ]


@dataclass(frozen=True)
class SomeSource:
    """The streams that tests of training share."""

    def make(self, number: int, seed: int) -> TrainingStream:
        del seed
        return some_streams(number + 1)[number]


def a_dataset(folder: Path, count: int) -> Path:
    settings = BuildSettings(recipe="some", settings={}, seed=1, count=count)
    build(SomeSource(), settings, folder)
    return folder


def base(folder: Path) -> Path:
    """An untrained checkpoint."""
    path = folder / "base"
    if not path.is_dir():
        save_native(random_model(small_model().config, tokenizer=byte_tokenizer()), path)
    return path


def a_run(folder: Path, **settings: Any) -> TrainingRun:
    """A quick one that trains adapter and decoder."""
    content: dict[str, Any] = {
        "model": settings.get("model") or str(base(folder)),
        "data": "memory",
        "out": str(folder / "out"),
        "stage": "streaming",
        "steps": 4,
        "learning_rate": 1e-3,
        "streams_per_device": 2,
        "streams_per_step": 4,
        "watch": {"tensorboard": False, "held_out_share": 0.0},
        "precision": "float32",
        "save_dtype": "float32",
    }
    return TrainingRun.model_validate(content | settings)


def go(
    run: TrainingRun,
    store: MemoryStore | None = None,
    *,
    steps: list[StepReport] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> TrainingOutcome:
    """One process on the CPU."""
    events = TrainingEvents(stepped=(steps if steps is not None else []).append)
    return train(
        run, store or MemoryStore(*some_streams()), CPU, ProcessGroup(), events=events, stop=stop
    )


def stopping_after(count: int) -> Callable[[], bool]:
    """A wish to stop that comes after so many steps."""
    asked = iter([False] * count + [True] * 10_000)
    return lambda: next(asked)
