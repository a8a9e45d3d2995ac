"""What can be wrong with a checkpoint, as one line for a person."""

from __future__ import annotations

from interject.model_runtime.protocol import RuntimeFailure


class CheckpointError(RuntimeFailure):
    """A checkpoint is missing, damaged, of another shape, or unsafe to load."""
