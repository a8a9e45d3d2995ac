"""How much of a known amount of work is done, on a terminal."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO


@contextlib.contextmanager
def item_progress(total: int, out: TextIO) -> Iterator[Callable[..., None]]:
    """Call what is yielded once an item, or with how many. Shown on a terminal only."""
    console = Console(file=out)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("", total=total)
        yield lambda count=1: progress.advance(task, count)
