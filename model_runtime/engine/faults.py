"""What can go wrong with one session alone, which then ends while the others go on.

A device that fails, or has no memory left, is everybody's affair and not among it.
"""

from __future__ import annotations

import math

import torch

from interject.model_runtime.protocol import RuntimeFailure

_DEVICE_FAULTS = (MemoryError, torch.OutOfMemoryError, torch.AcceleratorError)
_DEVICE_WORDS = ("CUDA", "CUBLAS", "cuDNN", "CUDNN", "HIP error", "MPS", "allocate memory")
"""PyTorch also says some of it as a plain `RuntimeError`, as it does with a wrong shape."""
_SENTENCES = 3
"""Of what it says without memory: that it is so, how much was wanted, how much the card has."""


def is_session_fault(error: Exception) -> bool:
    """Whether a session may have brought it about by itself."""
    if isinstance(error, _DEVICE_FAULTS):
        return False
    told_by_torch = isinstance(error, RuntimeError)
    return not (told_by_torch and any(word in str(error) for word in _DEVICE_WORDS))


def engine_failure(error: Exception) -> str:
    """What ends an engine, in one line. What a device says holds no words of a session."""
    said = str(error).partition("\n")[0]
    if isinstance(error, torch.OutOfMemoryError):
        sizes = ". ".join(said.split(". ")[:_SENTENCES])
        return f"the GPU has no memory left ({sizes}); start with fewer slots"
    if isinstance(error, RuntimeFailure):
        return said
    if isinstance(error, torch.AcceleratorError) or any(word in said for word in _DEVICE_WORDS):
        return f"the device failed ({said}); see the log"
    return f"the engine failed ({type(error).__name__}); see the log"


def check_finite(*logits: float) -> None:
    """:raises FloatingPointError: when what the model computed is no number."""
    if not all(map(math.isfinite, logits)):
        raise FloatingPointError("the model computed something that is not a number")


def failure(error: Exception) -> str:
    """What the session's owner is told; the log has the rest."""
    if isinstance(error, FloatingPointError | RuntimeFailure):
        return str(error)
    return f"the session failed ({type(error).__name__}); see the log"
