"""What the engine's thread hands to the event loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interject.model_runtime.redis.worker.owned_session import OwnedSession
    from interject.model_runtime.remote import wire


@dataclass(frozen=True, slots=True)
class Batch:
    """What a session did since its last batch, to be written all at once.

    A `snapshot` makes every earlier journal, and all input before `keep_from`, superfluous.
    """

    session: OwnedSession
    outputs: tuple[wire.Output, ...]
    cursor: str
    journal: bytes = b""
    snapshot: bytes = b""
    keep_from: str = ""
    closed: bool = False
    last: bool = False
