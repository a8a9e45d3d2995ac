"""One name for a chunk in every process that sees it."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from interject.model_runtime.names import shown


@dataclass(frozen=True, slots=True)
class ChunkName:
    """Trace id and root span id, as in W3C trace context.

    Both sides derive them from what already travels with a frame, so nothing is added to the wire.
    The capture time is used, not `seq`: a client that comes back counts its frames anew.
    """

    trace_id: int
    span_id: int

    @classmethod
    def of(cls, session_id: str, captured_at: float) -> ChunkName:
        what = shown(session_id).encode() + struct.pack("<d", captured_at)
        digest = hashlib.sha256(what).digest()
        return cls(
            int.from_bytes(digest[:16], "big") or 1, int.from_bytes(digest[16:24], "big") or 1
        )

    def __str__(self) -> str:
        return f"{self.trace_id:032x}"
