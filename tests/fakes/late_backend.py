"""A backend as a GPU's is: its engine starts a step before it takes the results of the last."""

from __future__ import annotations

from interject.model_runtime.network.backend import TorchBackend


class LateBackend(TorchBackend):
    """Computes at once, but that is not for the engine to know."""

    @property
    def asynchronous(self) -> bool:
        return True
