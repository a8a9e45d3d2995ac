"""Runs one `interject bench`: sounds, runtime, load, and the files that are written of it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import sys
from typing import TYPE_CHECKING

from rich.console import Console

from interject.cli.bench.load import run_load
from interject.cli.bench.meter import metered
from interject.cli.bench.outcome import Outcome
from interject.cli.bench.report import remarks, table, without_password, write_json
from interject.cli.bench.sounds import read_recording, rooms_in, speak_recording
from interject.cli.failures import EXIT_INTERRUPTED, complain
from interject.model_runtime import open_runtime
from interject.model_runtime.heap import freeze_heap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interject.cli.bench.request import BenchRequest
    from interject.model_runtime.protocol import Runtime

PLAIN_WIDTH = 100


def open_for(request: BenchRequest) -> Runtime:
    """An embedded model gets as many slots as there are sessions."""
    return open_runtime(request.runtime_url, slots=request.plan.sessions)


def run(request: BenchRequest, *, opener: Callable[[BenchRequest], Runtime] = open_for) -> int:
    """Measure to the end or to Ctrl-C; files are written in both cases."""
    outcome = Outcome()
    interrupted = asyncio.run(_measure(request, outcome, opener))
    if request.json is not None:
        write_json(request.json, request, outcome, interrupted=interrupted)
    if request.plot is not None and outcome.decisions.count:
        _draw(request, outcome)
    _show(request, outcome)
    if interrupted:
        complain("interrupted")
        return EXIT_INTERRUPTED
    return 0


async def _measure(
    request: BenchRequest, outcome: Outcome, opener: Callable[[BenchRequest], Runtime]
) -> bool:
    """Whether it was interrupted."""
    stop = asyncio.Event()
    recordings = [await asyncio.to_thread(read_recording, name) for name in request.wavs]
    rooms = rooms_in(recordings or [await speak_recording()], request.plan.sessions)
    runtime = await asyncio.to_thread(opener, request)
    freeze_heap()
    try:
        with _ctrl_c(stop):
            async with metered(outcome, request.plan.seconds, sys.stderr):
                # Ids of an earlier run may still be known to a Redis.
                name = f"bench-{secrets.token_hex(4)}"
                await run_load(runtime, request.plan, rooms, name=name, outcome=outcome, stop=stop)
    finally:
        await runtime.aclose()
    return stop.is_set()


@contextlib.contextmanager
def _ctrl_c(stop: asyncio.Event) -> Iterator[None]:
    """The first Ctrl-C ends the load; a second one ends the process."""
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop.set()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _draw(request: BenchRequest, outcome: Outcome) -> None:
    from interject.cli.bench.picture import draw

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
