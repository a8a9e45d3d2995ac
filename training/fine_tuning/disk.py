"""What a disk does not take, in one line."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from safetensors import SafetensorError

from interject.training.fine_tuning.failure import TrainingFailure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def writing(target: Path, *, kept: str) -> Iterator[None]:
    """`kept` says what stays. PyTorch and safetensors hide the system's reason in errors of theirs.

    :raises TrainingFailure: when something cannot be written.
    """
    try:
        yield
    except TrainingFailure:
        raise
    except (OSError, RuntimeError, SafetensorError) as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, OSError):
            cause = cause.__context__
        system = isinstance(cause, OSError) and cause.strerror
        why = system.lower() if isinstance(system, str) else str(error)
        raise TrainingFailure(f"{target}: cannot be written ({why}); {kept}") from error
