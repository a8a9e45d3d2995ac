"""The model and whatever runs it. Importing this package imports no torch."""

from __future__ import annotations

from interject.model_runtime.opening import open_runtime

__all__ = ["open_runtime"]
