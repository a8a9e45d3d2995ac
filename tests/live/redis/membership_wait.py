"""Waiting for what workers see of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.waiting import until

if TYPE_CHECKING:
    from interject.model_runtime.redis.worker.worker import Worker


async def watched(watcher: Worker, name: str) -> None:
    """Until a worker has seen another one listen, since it last subscribed itself."""
    detector, liveness = watcher._detector, watcher._liveness

    def seen() -> bool:
        now = liveness.term is not None and detector._term == liveness.term
        return now and any(token.startswith(f"{name}:") for token in detector._seen)

    await until(seen)
