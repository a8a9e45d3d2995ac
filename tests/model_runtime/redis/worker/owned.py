"""A session as a worker has just taken it over."""

from __future__ import annotations

from interject.model_runtime.protocol import SessionOptions
from interject.model_runtime.redis.worker.engine_session import EngineSession
from interject.model_runtime.redis.worker.intake import Intake
from interject.model_runtime.redis.worker.output_log import OutputLog
from interject.model_runtime.redis.worker.owned_session import OwnedSession

EPOCH = 7


def owned(
    key: str,
    *,
    options: SessionOptions | None = None,
    epoch: int = EPOCH,
    cursor: str = "0-1",
    log: OutputLog | None = None,
) -> OwnedSession:
    options = options or SessionOptions(key)
    part = EngineSession(options.session_id, cursor)
    return OwnedSession(key, options, epoch, Intake(cursor), log or OutputLog(), part)
