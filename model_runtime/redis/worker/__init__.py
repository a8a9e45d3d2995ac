"""A process with a model, and the sessions that it has of media processes."""

from __future__ import annotations


def __getattr__(name: str) -> object:
    """`Worker` was in a module of this name. It is found here for one version more."""
    if name != "Worker":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from interject.model_runtime.redis.worker.worker import Worker

    return Worker
