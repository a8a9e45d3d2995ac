"""Everything about one GPU, within a budget: ceilings, steps, the engine under load, restoring, and
a worker process behind Redis.

Random weights of the true 3B shape. Each section is kept when it is done.
"""

from __future__ import annotations

from benchmarks.gpu import BEGUN  # isort: skip  # Before PyTorch is imported.

import argparse
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from benchmarks.gpu import restoring, service, steps
from benchmarks.gpu.budget import say
from benchmarks.gpu.redis_section import measure_redis, worker_plan
from benchmarks.gpu.run import GROUPED_TITLES, ROOM_S, SECTIONS, TITLES, Run
from benchmarks.gpu.subject import (
    SMALL_CONTEXT,
    TINY_CONTEXT,
    fits,
    freed,
    tiny_model,
    true_model,
    with_slots_of,
)
from benchmarks.hardware import describe
from benchmarks.result import RESULTS, Result, load_results, this_command
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.network.architecture import GROUPINGS, UNGROUPED

if TYPE_CHECKING:
    from interject.model_runtime.checkpoint import Model

STEPS = ((1, 0), (16, 0), (64, 0), (0, 1), (0, 16), (0, 64), (0, 128), (32, 64))
BESIDE = {(1, 0), (16, 0), (0, 1), (0, 16)}
SESSIONS = (512, 768, 256, 128, 1_000)
"""In the order of what matters, in case that the budget does not suffice."""
RESTORED = 17
"""One of them to warm up."""
ENGINE_S = 15.0
"""What a further engine takes at most; the first compiles the kernels, too."""
_GIB = 1 << 30
_NEEDED_GIB = 24


def measure_steps(run: Run, model: Model) -> None:
    """Ceilings, and the network's steps over full slots."""
    limits = steps.ceilings(run.device, tiny=run.tiny)
    say(str(limits))
    sizes = ((1, 0), (0, 2), (1, 1)) if run.tiny else STEPS
    slots = max(chunks + tokens for chunks, tokens in sizes)
    begun = time.perf_counter()
    over = steps.Steps(model, slots)
    say(f"kernels and recording took {time.perf_counter() - begun:.1f} s")
    kind = type(over.fused).__name__
    rows = []
    for chunks, tokens in sizes:
        if not run.budget.allows(f"step {chunks} + {tokens}", ROOM_S):
            break
        beside = (chunks, tokens) in BESIDE and over.fused is not over.modules
        rows.append(
            over.row(chunks, tokens, limits, repeats=2 if run.tiny else 40, beside=beside)
        )  # fmt: skip
        say(" | ".join(rows[-1]))
    run.keep(
        "gpu_steps", steps.COLUMNS, rows, f"Ceilings here: {limits}.",
        f"{kind} over slots of {model.config.decoder.context} positions, all full: windows on the "
        "host in, decisions and greedy tokens on the host out. The floor is arithmetic: each part "
        "at the ceiling above that binds it.",
    )  # fmt: skip
    del over
    freed(run.device)


@dataclass(frozen=True)
class Fleet:
    """Loads that one engine can serve: slots of `model`, as many as the largest takes."""

    model: Model
    loads: tuple[int, ...]


def fleets(run: Run, model: Model) -> list[Fleet]:
    """What fits into slots of the full size, then what fits into smaller ones alone."""
    left, found = tuple(run.arguments.sessions), []
    for subject in sizes_of(model, run.arguments):
        loads = tuple(sessions for sessions in left if fits(subject, sessions))
        left = tuple(sessions for sessions in left if sessions not in loads)
        found += [Fleet(subject, loads)] if loads else []
    for sessions in left:
        say(f"{sessions} sessions do not fit on this card")
        run.notes.append(f"{sessions} sessions do not fit on this card.")
    return found


def sizes_of(model: Model, arguments: argparse.Namespace) -> list[Model]:
    """With slots as asked for, else as they may be, the larger first."""
    if arguments.context:
        return [model]
    return [model, model.with_context(SMALL_CONTEXT)]


def measure_engines(run: Run, model: Model) -> None:
    """Each load with either eviction; then what the first engine restores."""
    rows: list[list[str]] = []
    waiting = fleets(run, model)
    while waiting:
        fleet, seconds = waiting.pop(0), run.arguments.seconds
        later_s = run.kept_for_redis_s + len(waiting) * (ENGINE_S + ROOM_S + seconds)
        needed_s = run.kept_for_redis_s + ENGINE_S + ROOM_S + seconds
        if not run.budget.allows("an engine", needed_s):
            break
        serving = service.Service(fleet.model, max(fleet.loads))
        for sessions, eviction in itertools.product(fleet.loads, Eviction):
            if run.budget.allows(f"{sessions} sessions", ROOM_S + seconds + later_s):
                rows.append(
                    serving.row(sessions, seconds, warm_up_s=seconds / 6, eviction=eviction)
                )
                say(" | ".join(rows[-1]))
        rows.sort(key=lambda row: int(row[0]))
        name = "gpu_engine" if run.plain else "gpu_engine_e4m3"
        run.keep(name, service.COLUMNS, rows, service.NOTE)
        restores = run.plain and not run.grouped and fleet.model is model
        if restores and run.budget.allows("restoring", ROOM_S + later_s):
            restored = restoring.row(serving.engine, min(RESTORED, max(fleet.loads)))
            run.keep("gpu_restore", restoring.COLUMNS, [restored], restoring.NOTE)
        if not waiting:
            measure_long(run, serving, max(fleet.loads))
        serving.close()
        del serving


def measure_long(run: Run, serving: service.Service, sessions: int) -> None:
    """For as many minutes as were asked for, in the way that takes the most sessions."""
    seconds = 60 * run.arguments.minutes
    what = f"{sessions} sessions for {run.arguments.minutes:g} minutes"
    if not seconds or not run.budget.allows(what, run.kept_for_redis_s + ROOM_S + seconds):
        return
    row = serving.row(
        sessions, seconds, warm_up_s=run.arguments.seconds / 6, eviction=Eviction.ROTATE
    )
    lasting = f"The load lasted for {run.arguments.minutes:g} minutes."
    run.keep("gpu_long", service.COLUMNS, [row], lasting, service.NOTE)


def why_not() -> str | None:
    """Why the true shape cannot be measured here, or nothing."""
    if not torch.cuda.is_available():
        return "this machine has no GPU that PyTorch can use"
    free, _ = torch.cuda.mem_get_info()
    if free < _NEEDED_GIB * _GIB:
        return f"{free / _GIB:.0f} GiB of GPU memory are free, {_NEEDED_GIB} are needed"
    return None


def not_measured(reason: str, *, grouped: bool) -> None:
    """Say so, on the page as well where it has no figures of a card for such a model."""
    note = f"Not measured: {reason}."
    say(note)
    measured = {result.name for result in load_results() if result.rows}
    for name in TITLES:
        if name not in measured and (name in GROUPED_TITLES) == grouped:
            Result(
                name=name, title=TITLES[name], command=this_command("gpu"), hardware=describe(),
                columns=[], rows=[], notes=[note],
            ).save(RESULTS)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--budget-s", type=float, default=240.0)
    parser.add_argument("--sessions", type=int, nargs="+", default=list(SESSIONS))
    parser.add_argument("--sections", choices=SECTIONS, nargs="+", default=list(SECTIONS))
    parser.add_argument(
        "--minutes", type=float, default=0.0, help="that the largest load goes on for, once more"
    )
    parser.add_argument("--seconds", type=float, default=12.0, help="of each load")
    parser.add_argument("--context", type=int, default=0, help="positions a slot; 0: as have room")
    parser.add_argument("--kv-cache-dtype", choices=["auto", "fp8_e4m3"], default="auto")
    parser.add_argument(
        "--grouping", type=int, choices=GROUPINGS, default=UNGROUPED,
        help="embeddings of 40 ms that are read as one; another than 1: steps and engine alone",
    )  # fmt: skip
    parser.add_argument("--tiny", action="store_true", help="a smoke run on the CPU, not kept")
    arguments = parser.parse_args()
    if arguments.grouping != UNGROUPED and (
        arguments.minutes or arguments.kv_cache_dtype != "auto"
    ):
        parser.error("--grouping is measured without --minutes and --kv-cache-dtype")

    reason = None if arguments.tiny else why_not()
    if reason is not None:
        not_measured(reason, grouped=arguments.grouping != UNGROUPED)
        return
    if arguments.tiny:
        arguments.sessions, arguments.seconds, arguments.context = [12], 2.0, TINY_CONTEXT
    device = torch.device("cpu") if arguments.tiny else torch.device("cuda", 0)
    run = Run(arguments, device)
    run.budget.enforce()
    say(f"imports took {time.monotonic() - BEGUN:.1f} s; {describe(device)}")
    size = arguments.grouping
    model = with_slots_of(
        tiny_model(size) if arguments.tiny else true_model(device, size), arguments.kv_cache_dtype
    )
    if arguments.context:
        model = model.with_context(arguments.context)
    if run.plain and run.wants("steps"):
        measure_steps(run, model)
    if run.wants("engine"):
        measure_engines(run, model)
    plan = worker_plan(run, model)
    del model
    freed(device)
    if run.wants("redis"):
        if run.redis_lacks:
            say(f"no worker behind Redis: this machine lacks {run.redis_lacks}")
        elif plan is None:
            say("no worker behind Redis: two of them do not fit on this card")
        else:
            measure_redis(run, plan)
    say("done")


if __name__ == "__main__":
    main()
