"""What ends a training run, as one line for a person."""

from __future__ import annotations

from interject.model_runtime.protocol import RuntimeFailure


class TrainingFailure(RuntimeFailure):
    """A run cannot begin or go on; what was saved is whole."""
