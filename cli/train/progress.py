"""How far a run is: a bar on a terminal, and a line for each measurement."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from interject.cli.process.failures import complain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from interject.training.fine_tuning.held_out import HeldOutResult
    from interject.training.fine_tuning.trainer import StepReport

_SHOWN = {
    "control_loss": "control loss {:.3f}",
    "precision": "precision {:.0%}",
    "recall": "recall {:.0%}",
    "false_triggers_an_hour": "{:.1f} false an hour",
    "latency_chunks": "{:.1f} chunks late",
    "calibration_error": "calibration error {:.3f}",
}


def in_words(result: HeldOutResult) -> str:
    """What was measured on held-out streams, in one line."""
    numbers = result.numbers()
    parts = [text.format(numbers[name]) for name, text in _SHOWN.items() if name in numbers]
    return ", ".join(parts) or "nothing to measure"


class RunProgress:
    """Tells one person; `silent` for a process that does not lead."""

    def __init__(self, progress: Progress, *, silent: bool) -> None:
        self._progress, self._silent = progress, silent
        self._task = progress.add_task("", total=1.0, shown="")

    def begun(self, done: int, left_out: int) -> None:
        if done:
            self._say(f"goes on behind step {done}")
        if left_out:
            self._say(f"{left_out} streams are left out: not one answer, or too long for a clip")

    def passed(self, step: int, left: int) -> None:
        if left:
            self._progress.update(self._task, shown=f"step {step + 1}, {left} passes to come")

    def stepped(self, report: StepReport) -> None:
        shown = f"step {report.step + 1}, loss {report.loss:.3f}"
        self._progress.update(self._task, completed=report.progress, shown=shown)

    def measured(self, step: int, result: HeldOutResult) -> None:
        self._say(f"step {step}: {in_words(result)}")

    def _say(self, line: str) -> None:
        if not self._silent:
            complain(f"note: {line}")


@contextlib.contextmanager
def run_progress(out: TextIO, *, silent: bool) -> Iterator[RunProgress]:
    """Nothing moves where nobody watches."""
    console = Console(file=out)
    columns = (
        TextColumn("{task.fields[shown]}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    )  # fmt: skip
    hidden = silent or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        yield RunProgress(progress, silent=silent)
