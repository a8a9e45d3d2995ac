"""Runs one `interject train`, in one process or in each of those that `torchrun` starts."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from interject.cli.process.device_options import note_device
from interject.cli.process.failures import complain
from interject.cli.process.signals import StopSignals
from interject.cli.train.progress import in_words, run_progress

if TYPE_CHECKING:
    from interject.cli.train.request import TrainRequest
    from interject.training.fine_tuning.run import TrainingOutcome


def run(request: TrainRequest) -> int:
    """A signal ends a run behind the step that it is at; what was learnt is saved."""
    from interject.training.dataset.dataset import Dataset
    from interject.training.fine_tuning.process_group import joined_group, own_device
    from interject.training.fine_tuning.run import TrainingEvents, train

    held_out = request.run.watch.held_out_data
    data = Dataset(Path(request.run.data))
    measured = None if held_out is None else Dataset(Path(held_out))
    resolved = own_device(request.choice)
    with StopSignals() as signals, joined_group(resolved.device) as group:
        if resolved.card is not None and group.leads:
            note_device(resolved.note)
        with run_progress(sys.stderr, silent=not group.leads) as progress:
            outcome = train(
                request.run,
                data,
                resolved,
                group,
                held_out_store=measured,
                events=TrainingEvents(
                    progress.begun, progress.passed, progress.stepped, progress.measured
                ),
                stop=lambda: signals.received is not None,
            )
        if group.leads:
            _tell(request, outcome)
        return signals.exit_code() if outcome.model is None else 0


def _tell(request: TrainRequest, outcome: TrainingOutcome) -> None:
    if request.json:
        numbers = outcome.held_out.numbers() if outcome.held_out else None
        model = str(outcome.model) if outcome.model else None
        content = {"steps": outcome.steps, "model": model, "held_out": numbers}
        sys.stdout.write(json.dumps(content) + "\n")
        return
    if outcome.model is None:
        complain(f"note: stopped behind step {outcome.steps}; the same command goes on from there")
        return
    sys.stdout.write(f"{outcome.steps} steps are done.\n")
    if outcome.held_out:
        sys.stdout.write(f"Held-out streams: {in_words(outcome.held_out)}.\n")
    sys.stdout.write(f"Hear it: interject listen SOUND --model {outcome.model}\n")
