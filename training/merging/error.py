"""What can be wrong with a merge, as one line for a person."""

from __future__ import annotations

from interject.model_runtime.protocol import RuntimeFailure


class MergeError(RuntimeFailure):
    """Two checkpoints cannot be merged, or the result cannot be written."""
