"""Runs one `interject data build`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from interject.cli.data.summary import summary
from interject.cli.output.item_progress import item_progress
from interject.cli.process.failures import (
    InputFailure,
    complain,
    is_expected,
    one_line,
    printable,
)
from interject.cli.process.signals import EXIT_SIGNALLED, StopSignals
from interject.training.dataset.build import build
from interject.training.dataset.build_watch import BuildWatch

if TYPE_CHECKING:
    from collections.abc import Callable
    from signal import Signals

    from interject.training.dataset.build import BuildOutcome
    from interject.training.dataset.manifest import BuildSettings
    from interject.training.dataset.recipes import Recipe
    from interject.training.streams.stream_source import StreamSource

MOST_WORKERS = 1_000


def build_dataset(recipe: Recipe, out: str, workers: int | None, *, as_json: bool) -> int:
    """:raises InputFailure: when it cannot be built; what is finished stays."""
    return build_from(recipe.source(), recipe.build_settings(), out, workers, as_json=as_json)


def build_from(
    source: StreamSource, settings: BuildSettings, out: str, workers: int | None, *, as_json: bool
) -> int:
    """The exit code: that of a signal when one stopped it.

    :raises InputFailure: when it cannot be built; what is finished stays.
    """
    count = _checked(workers)
    progress = _Kept()
    with StopSignals() as signals:
        with item_progress(settings.count, sys.stderr) as done:
            watch = BuildWatch(done, progress.note, complain, lambda: signals.received is not None)
            outcome = _attempt(
                lambda: build(source, settings, Path(out), workers=count, watch=watch),
                progress,
                settings,
            )
        if outcome.manifest is None:
            assert signals.received is not None, "only a signal stops a build"
            complain(f"{_said(signals.received)}; {_rest(outcome.kept, settings)}")
            return EXIT_SIGNALLED + signals.received
    if as_json:
        sys.stdout.write(outcome.manifest.model_dump_json(indent=1) + "\n")
    else:
        sys.stdout.write(f"{printable(out)}: {summary(outcome.manifest)}\n")
    return 0


@dataclass(slots=True)
class _Kept:
    streams: int = 0

    def note(self, streams: int) -> None:
        self.streams = streams


def _attempt(
    run: Callable[[], BuildOutcome], progress: _Kept, settings: BuildSettings
) -> BuildOutcome:
    try:
        return run()
    except Exception as exc:
        if not is_expected(exc):
            raise
        rest = f"; {_rest(progress.streams, settings)}" if progress.streams else ""
        raise InputFailure(f"{one_line(exc)}{rest}") from exc


def _rest(kept: int, settings: BuildSettings) -> str:
    return f"{kept} of {settings.count} streams are kept; the same command goes on from there"


def _said(signal: Signals) -> str:
    return "interrupted" if signal.name == "SIGINT" else f"stopped by {signal.name}"


def _checked(workers: int | None) -> int:
    if workers is None:
        return len(os.sched_getaffinity(0))
    if not 1 <= workers <= MOST_WORKERS:
        raise InputFailure(f"--workers {workers}: must lie between 1 and {MOST_WORKERS}")
    return workers
