"""The folder of a run: whose it is, and that nobody else trains there."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from interject.training.dataset.durable_files import whole_file
from interject.training.fine_tuning.failure import TrainingFailure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from interject.training.fine_tuning.process_group import ProcessGroup
    from interject.training.fine_tuning.settings import TrainingRun

RUN_NAME = "run.json"
_MAY_CHANGE = {
    "out", "steps", "minutes", "watch", "checkpoint_steps", "keep_checkpoints", "save_dtype",
    "cache", "recompute", "precision",
}  # fmt: skip
"""Settings that another run in the same folder may have and still go on."""


@contextlib.contextmanager
def claimed(
    folder: Path, run: TrainingRun, base: str, learnt: Sequence[str], group: ProcessGroup
) -> Iterator[None]:
    """Write down what the folder's run is, or see that this one goes on with it. Model and data are
    known by what they hold, not by where they lie.

    :raises TrainingFailure: when it is another run's, or another process trains there.
    """
    streams = hashlib.sha256(" ".join(sorted(learnt)).encode()).hexdigest()
    mine = {**run.model_dump(mode="json", exclude=_MAY_CHANGE), "model": base, "data": streams}
    with contextlib.ExitStack() as held:
        problem = _problem(folder, mine, held) if group.leads else None
        problem = group.told(problem)
        if problem is not None:
            raise TrainingFailure(problem)
        yield


def _problem(folder: Path, mine: dict[str, Any], held: contextlib.ExitStack) -> str | None:
    """None: the folder is ours, until `held` is closed."""
    path = folder / RUN_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        held.callback(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        before = json.loads(path.read_text()) if path.is_file() else mine
        with whole_file(path) as file:
            file.write(json.dumps(before, indent=1) + "\n")
    except BlockingIOError:
        return f"{folder}: another process trains there"
    except (OSError, ValueError) as error:
        return f"{path}: cannot be read or written ({error})"
    differing = next((key for key in mine if before.get(key) != mine[key]), None)
    if differing is None:
        return None
    return (
        f"{folder}: holds a run with another `{differing}`; name another folder in `out`, or "
        "remove this one"
    )
