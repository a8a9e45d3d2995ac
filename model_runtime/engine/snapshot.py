"""What a session must leave behind so that another engine can go on where it stopped.

With `Eviction.EXACT` a slot is a pure function of the spans that it holds. So a `Snapshot` of the
spans and the few values beside them, and the journal of what was done since, are enough: the
journal is replayed without the decoder, the frames that it names are encoded once more, and one
pass over the spans fills the slot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

# What is written down is read back by these annotations, so they must be there at run time.
from interject.model_runtime.protocol import Cause, Emotion, EndReason  # noqa: TC001

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from interject.model_runtime.engine.journal import JournalEntry
    from interject.model_runtime.engine.ledger import Span
    from interject.model_runtime.engine.request import Request
    from interject.model_runtime.protocol import FloorMode, Frame


@dataclass(frozen=True, slots=True)
class ReplySnapshot:
    """A reply as far as it had come; `emotion` is None while it is not drawn yet."""

    reply_id: int
    seq: int
    cause: Cause
    emotion: Emotion | None
    tokens: tuple[int, ...]
    text: str
    ended: EndReason | None
    told: bool = True


@dataclass(frozen=True, slots=True)
class AudioCursor:
    """Where features go on: `left_context` holds the 200 samples before frame `next_seq`."""

    next_seq: int
    left_context: Tensor | None
    loudest: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A session between two steps, without the frames that it has not decided yet."""

    audio_cursor: AudioCursor
    spans: tuple[Span, ...]
    pending_ids: tuple[int, ...]
    reply: ReplySnapshot | None
    reply_history: tuple[ReplySnapshot, ...]
    heard_chars: dict[int, int]
    requests: tuple[Request, ...]
    reply_count: int
    decided_seq: int
    threshold: float
    mode: FloorMode
    finishing: bool
    evictions: int = 0

    def converted(self, dtype: torch.dtype) -> Snapshot:
        """With its sound in a model's own numbers."""
        return replace(self, spans=tuple(_converted(span, dtype) for span in self.spans))


@dataclass(frozen=True, slots=True)
class SavedSession:
    """All that is known of a session: `frames` are those that the journal and the queue need."""

    snapshot: Snapshot | None
    journal: tuple[JournalEntry, ...]
    frames: tuple[Frame, ...]


def _converted(span: Span, dtype: torch.dtype) -> Span:
    if span.embeddings is None:
        return span
    return replace(span, embeddings=span.embeddings.to(dtype))
