"""Runs one `interject bench`: sounds, runtime, load, and the files that are written of it."""

from __future__ import annotations

import asyncio
import secrets
import sys
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console

from interject.cli.bench.load import run_load
from interject.cli.bench.outcome import Outcome
from interject.cli.bench.progress_bar import metered
from interject.cli.bench.report import remarks, table, write_json
from interject.cli.bench.sounds import read_recording, rooms_in, speak_recording
from interject.cli.output.runtime_url import without_password
from interject.cli.process.device_options import note_device
from interject.cli.process.failures import EXIT_BAD_INPUT, attempt, complain
from interject.cli.process.signals import StopSignals
from interject.model_runtime import open_runtime
from interject.model_runtime.heap import freeze_heap

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.cli.bench.request import BenchRequest
    from interject.model_runtime.protocol import Runtime

PLAIN_WIDTH = 100


def open_for(request: BenchRequest) -> Runtime:
    """An embedded model gets as many slots as there are sessions."""
    return open_runtime(request.runtime_url, slots=request.plan.sessions, told=note_device)


def run(request: BenchRequest, *, opener: Callable[[BenchRequest], Runtime] = open_for) -> int:
    """Measure to the end or to a signal; files are written in both cases."""
    outcome = Outcome()
    with StopSignals() as signals:
        interrupted = asyncio.run(_measure(request, outcome, opener, signals))
        whole = _write(request, outcome, interrupted=interrupted)
        _show(request, outcome)
        return signals.exit_code() or (0 if whole else EXIT_BAD_INPUT)


async def _measure(
    request: BenchRequest,
    outcome: Outcome,
    opener: Callable[[BenchRequest], Runtime],
    signals: StopSignals,
) -> bool:
    """Whether it was interrupted."""
    stop = asyncio.Event()
    with signals.told(asyncio.get_running_loop(), stop.set):
        recordings = [await asyncio.to_thread(read_recording, name) for name in request.wavs]
        rooms = rooms_in(recordings or [await speak_recording()], request.plan.sessions)
        runtime = await asyncio.to_thread(opener, request)
        freeze_heap()
        try:
            async with metered(outcome, request.plan.seconds, sys.stderr):
                # Ids of an earlier run may still be known to a Redis.
                name = f"bench-{secrets.token_hex(4)}"
                await run_load(runtime, request.plan, rooms, name=name, outcome=outcome, stop=stop)
        finally:
            await runtime.aclose()
    return stop.is_set()


def _write(request: BenchRequest, outcome: Outcome, *, interrupted: bool) -> bool:
    """Whether every file that was asked for is there."""
    written = []
    if request.json is not None:
        path = request.json
        write = partial(write_json, path, request, outcome, interrupted=interrupted)
        written.append(attempt(f"--json {path}", write))
    if request.plot is not None and outcome.decisions.count:
        written.append(attempt(f"--plot {request.plot}", partial(_draw, request, outcome)))
    return all(written)


def _draw(request: BenchRequest, outcome: Outcome) -> None:
    from interject.cli.bench.plot import draw

    assert request.plot is not None, "only a picture that was asked for is drawn"
    plan = request.plan
    title = (
        f"{plan.sessions} sessions, {plan.talk:.0%} talking, "
        f"{without_password(request.runtime_url)}"
    )
    draw(outcome, request.plot, title=title)


def _show(request: BenchRequest, outcome: Outcome) -> None:
    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    console = Console(file=sys.stdout, highlight=False, width=width, soft_wrap=True)
    console.print(table(outcome))
    console.print(outcome.verdict(request.plan.sessions), style="bold", markup=False)
    for remark in remarks(request, outcome):
        complain(f"note: {remark}")
