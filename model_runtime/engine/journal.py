"""What was done in a session, entry by entry, so that it can be replayed without the decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard

# What is written down is read back by these annotations, so they must be there at run time.
from interject.model_runtime.engine.request import Request  # noqa: TC001
from interject.model_runtime.protocol import FloorMode  # noqa: TC001

if TYPE_CHECKING:
    from interject.model_runtime.engine.stream import Stream


@dataclass(frozen=True, slots=True)
class Fed:
    """Text was fed; `token` is what was drawn behind it, if anything was to be drawn."""

    token: int | None

    def replay(self, stream: Stream) -> None:
        stream.next_text()
        if self.token is not None:
            stream.drew(self.token, stream.conversation.replied_at)


@dataclass(frozen=True, slots=True)
class Decided:
    """A frame's logits. A frame that is no longer there cannot be remembered."""

    seq: int
    silent: float
    respond: float

    def replay(self, stream: Stream) -> None:
        if stream.audio.skip_to(self.seq):
            inputs = stream.next_chunks(1)
            stream.decided(inputs, [[self.silent, self.respond]], 0.0)


@dataclass(frozen=True, slots=True)
class Evicted:
    """Spans were forgotten to make room. A replay could not find out when that was due: what was
    asked or cut just before or after it makes a difference.
    """

    def replay(self, stream: Stream) -> None:
        stream.evict()


@dataclass(frozen=True, slots=True)
class Shed:
    """A frame was dropped undecided; where it was not even `encoded`, features never knew it."""

    seq: int
    encoded: bool = True

    def replay(self, stream: Stream) -> None:
        stream.audio.skip_to(self.seq + 1)


@dataclass(frozen=True, slots=True)
class Asked:
    """A typed turn or a forced reply was put in."""

    request: Request

    def replay(self, stream: Stream) -> None:
        stream.ask(self.request)


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A reply was cancelled."""

    reply_id: int
    heard_chars: int

    def replay(self, stream: Stream) -> None:
        stream.cancel(self.reply_id, self.heard_chars)


@dataclass(frozen=True, slots=True)
class Played:
    """A reply was played out up to here."""

    reply_id: int
    chars: int

    def replay(self, stream: Stream) -> None:
        stream.heard(self.reply_id, self.chars)


@dataclass(frozen=True, slots=True)
class Updated:
    """Settings were changed."""

    threshold: float | None
    mode: FloorMode | None

    def replay(self, stream: Stream) -> None:
        stream.update(threshold=self.threshold, mode=self.mode)


@dataclass(frozen=True, slots=True)
class Finished:
    """No frame follows."""

    def replay(self, stream: Stream) -> None:
        stream.finish()


JournalEntry = Fed | Decided | Evicted | Shed | Asked | Cancelled | Played | Updated | Finished


def was_never_encoded(entry: JournalEntry) -> TypeGuard[Shed]:
    """Whether a frame must not be encoded again."""
    return isinstance(entry, Shed) and not entry.encoded
