"""How far a run has come, on a terminal."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import TextIO

    from interject.cli.bench.outcome import Outcome

REFRESH_S = 0.5


@contextlib.asynccontextmanager
async def metered(outcome: Outcome, seconds: float, out: TextIO) -> AsyncIterator[None]:
    """Show a bar while this lasts; nothing where nobody watches."""
    console = Console(file=out)
    columns = (BarColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(
        *columns, console=console, auto_refresh=False, transient=True,
        disable=not console.is_terminal,
    ) as progress:  # fmt: skip
        showing = asyncio.create_task(_show(progress, outcome, seconds), name="meter")
        try:
            yield
        finally:
            showing.cancel()
            await asyncio.wait([showing])


async def _show(progress: Progress, outcome: Outcome, seconds: float) -> None:
    task = progress.add_task("opening sessions", total=seconds)
    now = asyncio.get_running_loop().time
    begin = now()
    while True:
        await asyncio.sleep(REFRESH_S)
        progress.update(
            task, completed=min(seconds, now() - begin), description=_state(outcome), refresh=True
        )


def _state(outcome: Outcome) -> str:
    if not outcome.decisions.count:
        return "warming up"
    return (
        f"p99 {outcome.p99_ms:.1f} ms, longest {outcome.decisions.max_ms:.1f} ms, "
        f"{outcome.decisions.count} decided, {outcome.lost_chunks} lost"
    )
