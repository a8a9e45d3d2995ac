"""What a client has said to a session, under the number that the server knows it by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import Frame

if TYPE_CHECKING:
    from interject.model_runtime.remote import wire


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """In Redis, `number` is the second half of the id of the entry that is made from it."""

    number: int
    item: wire.Input

    @property
    def seq(self) -> int | None:
        """That of the frame, if it is one."""
        return self.item.seq if isinstance(self.item, Frame) else None
