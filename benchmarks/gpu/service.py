"""The real engine under load: its rows of the table."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch

from benchmarks.gpu.budget import say
from benchmarks.gpu.crowd import REPLYING, TOKENS_PER_S, Crowd, fill_slots, open_sessions
from benchmarks.gpu.subject import freed
from benchmarks.result import percentile
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.warm_up import on_device
from interject.model_runtime.heap import freeze_heap

if TYPE_CHECKING:
    from benchmarks.gpu.crowd import Outcome
    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.engine.ledger import Eviction
    from interject.model_runtime.engine.stream import Stream

COLUMNS = [
    "sessions", "eviction", "positions", "evictions", "decision p50, ms", "decision p99, ms",
    "worst, ms", "over 100 ms", "over 400 ms", "decided", "undecided", "not heard",
    "first token p50, ms", "first token p99, ms", "tokens/s in a reply p50", "p1",
    "tokens/s in all", "steps/s", "chunks a step", "engine thread, of a core", "peak memory, GiB",
]  # fmt: skip
NOTE = (
    "Open loop, one process: the real engine's thread pushes what is due between two steps; a "
    "chunk waits from when it is complete, phases are spread over the 400 ms. Chunks that came "
    "while their own session replied are not counted. Replies begin so that "
    f"{REPLYING:.0%} of all sessions would talk at {TOKENS_PER_S:.0f} tokens a second, sampled "
    "with top_p; listeners never reply. Slots hold noise and spans of chunks as in service, where "
    "each is full at a time of its own: what stays is computed anew (exact) or turned (rotate)."
)
_GIB = 1 << 30


class Service:
    """An engine, made as a worker makes it, for one load after the other."""

    def __init__(self, model: Model, slots: int) -> None:
        self.model = model
        begun = time.perf_counter()
        self.engine = Engine(model, slots=slots, restorable=True)
        on_device(self.engine)
        say(f"an engine with {slots} slots took {time.perf_counter() - begun:.1f} s")

    def row(
        self, sessions: int, seconds: float, *, warm_up_s: float, eviction: Eviction
    ) -> list[str]:
        """Open everybody, let them be heard, and abandon them."""
        begun = time.perf_counter()
        self.engine.eviction = eviction
        streams = open_sessions(self.engine, sessions)
        fill_slots(self.engine, streams)
        positions = sum(stream.memory.ledger.length for stream in streams) / sessions
        before = sum(stream.memory.evictions for stream in streams)
        freeze_heap()
        device = self.model.device
        if device.type == "cuda":
            torch.cuda.synchronize(device)
            torch.cuda.reset_peak_memory_stats(device)
        say(f"{sessions} sessions took {time.perf_counter() - begun:.1f} s to open and fill")
        outcome = Crowd(self.engine, streams, warm_up_s=warm_up_s).run(seconds)
        if outcome.closed:
            say(f"{len(outcome.closed)} sessions ended, the first so: {outcome.closed[0]}")
        evictions = sum(stream.memory.evictions for stream in streams) - before
        self._drain(streams)
        return [
            str(sessions),
            eviction.name.lower(),
            f"{positions:.0f} of {self.engine.kv_cache.context}",
            f"{evictions}",
            *_figures(outcome),
            _peak_gib(device),
        ]

    def _drain(self, streams: list[Stream]) -> None:
        for stream in streams:
            self.engine.abandon(stream.name)
        while self.engine.step():
            pass

    def close(self) -> None:
        """Give its slots back to the card."""
        device = self.model.device
        del self.engine
        freed(device)


def _figures(outcome: Outcome) -> list[str]:
    waits, first, rates = outcome.decisions, outcome.first_tokens, outcome.reply_rates
    steps = max(1, outcome.steps)
    chunks = len(waits) + outcome.behind_replies
    return [
        *(_figure(waits, share, 1) for share in (50, 99, 100)),
        str(sum(wait > 100 for wait in waits)),
        str(sum(wait > 400 for wait in waits)),
        str(chunks),
        str(outcome.undecided),
        str(outcome.unheard),
        *(_figure(first, share, 1) for share in (50, 99)),
        *(_figure(rates, share, 0) for share in (50, 1)),
        f"{outcome.reply_tokens / outcome.seconds:.0f}",
        f"{steps / outcome.seconds:.0f}",
        f"{chunks / steps:.1f}",
        f"{outcome.thread_s / outcome.seconds:.0%}",
    ]


def _figure(values: list[float], share: float, digits: int) -> str:
    return f"{percentile(values, share):.{digits}f}" if values else "-"


def _peak_gib(device: torch.device) -> str:
    if device.type != "cuda":
        return "-"
    return f"{torch.cuda.max_memory_allocated(device) / _GIB:.1f}"
