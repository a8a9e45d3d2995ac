"""One run: what was asked for, how much time is left, and what was measured so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.gpu import through_redis
from benchmarks.gpu.budget import Budget
from benchmarks.hardware import describe
from benchmarks.result import Result, this_command
from interject.model_runtime.network.architecture import UNGROUPED

if TYPE_CHECKING:
    import argparse

    import torch

ROOM_S = 4.0
"""To open sessions, to fill their slots and to close them."""
SECTIONS = ("steps", "engine", "redis")
REDIS_SESSIONS = (512, 128)
WORKER_S = 40.0
"""To start a worker process: imports, weights, recording."""
RECOVERY_S = 25.0
GROUPED_TITLES = {
    "gpu_steps_grouped": "One GPU, 3B shape with grouped embeddings, random weights: steps",
    "gpu_engine_grouped": (
        "One GPU, 3B shape with grouped embeddings, random weights: the engine under load"
    ),
}
TITLES = {
    "gpu_steps": "One GPU, 3B shape, random weights: steps",
    "gpu_engine": "One GPU, 3B shape, random weights: the engine under load",
    "gpu_engine_e4m3": "One GPU, 3B shape, random weights: the engine over slots in e4m3",
    "gpu_long": "One GPU, 3B shape, random weights: the engine for minutes",
    "gpu_restore": "One GPU, 3B shape, random weights: restoring",
    "gpu_redis": "One GPU, 3B shape, random weights: a worker behind Redis",
    "gpu_kill": "One GPU, 3B shape, random weights: kill -9 of a worker",
    **GROUPED_TITLES,
}
GROUPED_SECTIONS = ("steps", "engine")
"""What is measured of a model whose embeddings are put together, to compare with one's that has
them as they are.
"""


class Run:
    """What was measured so far."""

    def __init__(self, arguments: argparse.Namespace, device: torch.device) -> None:
        self.tiny: bool = arguments.tiny
        self.grouped: bool = arguments.grouping != UNGROUPED
        self.plain: bool = arguments.kv_cache_dtype == "auto"
        self.arguments = arguments
        self.device = device
        self.budget = Budget(arguments.budget_s)
        self.redis_lacks = through_redis.missing()
        self.notes: list[str] = []
        self._hardware = describe(device)

    @property
    def redis_sessions(self) -> tuple[int, ...]:
        """The loads of the section with Redis."""
        return (4,) if self.tiny else REDIS_SESSIONS

    def wants(self, section: str) -> bool:
        """Whether it was asked for, and is measured of such a model."""
        measured = GROUPED_SECTIONS if self.grouped else SECTIONS
        return section in measured and section in self.arguments.sections

    @property
    def kept_for_redis_s(self) -> float:
        """What the other sections leave of the budget."""
        if self.redis_lacks or not self.wants("redis"):
            return 0.0
        loads: float = len(self.redis_sessions) * (ROOM_S + self.arguments.seconds)
        return 2 * WORKER_S + loads + RECOVERY_S

    def keep(self, name: str, columns: list[str], rows: list[list[str]], *notes: str) -> None:
        """Show and write a section as far as it has come."""
        if self.grouped:
            name = f"{name}_grouped"
            notes = (*notes, f"{self.arguments.grouping} embeddings of 40 ms are read as one.")
        result = Result(
            name=name, title=TITLES[name], command=this_command("gpu"), hardware=self._hardware,
            columns=columns, rows=rows, notes=[*notes, *self.notes],
        )  # fmt: skip
        if not self.tiny:
            result.save()
        print(f"\n{result.title}\n\n{result.markdown()}", flush=True)
