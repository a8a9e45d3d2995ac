"""`interject train init FOLDER` and `interject train FOLDER`."""

from __future__ import annotations

import contextlib
import json as json_module
import os
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from interject.cli.process.device_options import note_device
from interject.cli.process.failures import complain
from interject.cli.process.signals import StopSignals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from interject.training.domain.report import DomainReport


def begin(folder: Path) -> None:
    from interject.training.domain.template import write_template

    file, recordings, ignored = write_template(folder)
    sys.stdout.write(
        f"Put ten or more recordings of your sound into {recordings}, what must not be taken for\n"
        f"it into {ignored}, and say in {file} what to react to and what to answer.\n"
        f"Then: interject train {folder}\n"
    )


def learn(folder: Path, *, device: str, json: bool, workers: int | None) -> int:
    """A signal ends it behind what it is at; the same command goes on from there."""
    from interject.model_runtime.device_choice import DeviceChoice
    from interject.model_runtime.resolved_device import resolve_device
    from interject.training.domain.domain_run import learn_domain

    resolved = resolve_device(DeviceChoice(device))
    if resolved.card is not None:
        note_device(resolved.note)
    with StopSignals() as signals, _progress() as progress:
        outcome = learn_domain(
            folder,
            resolved,
            progress,
            workers=workers or os.cpu_count() or 1,
            stop=lambda: signals.received is not None,
        )
    if outcome.report is None:
        complain("note: stopped; the same command goes on from there")
        return signals.exit_code()
    if json:
        sys.stdout.write(json_module.dumps(outcome.report.figures()) + "\n")
    else:
        _tell(outcome.report, folder)
    return 0


def _tell(report: DomainReport, folder: Path) -> None:
    from interject.training.domain.domain_run import MODEL, PROFILE
    from interject.training.domain.report import PAGE, share

    for name, score in report.learnt.reactions.items():
        sys.stdout.write(f"{name}: reacted to {share(score)} that were held out\n")
    sys.stdout.write(
        f"{report.learnt.false_an_hour:.1f} false reactions an hour at threshold "
        f"{report.learnt.threshold:g}; all figures: {folder / PAGE}\n"
        f"Hear it: interject listen SOUND --model {folder / MODEL} --profile {folder / PROFILE}\n"
    )


class _DomainProgress:
    """A bar for the part that is done now. Without a terminal: one line a part."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None, note="")

    def part(self, name: str, total: int | None) -> None:
        if self._progress.disable:
            complain(f"note: {name}")
        self._progress.reset(self._task, description=name, total=total, note="")

    def advanced(self, count: int) -> None:
        self._progress.advance(self._task, count)

    def note(self, text: str) -> None:
        self._progress.update(self._task, note=text)


@contextlib.contextmanager
def _progress() -> Iterator[_DomainProgress]:
    console = Console(file=sys.stderr)
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
        TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
    )  # fmt: skip
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        yield _DomainProgress(progress)
