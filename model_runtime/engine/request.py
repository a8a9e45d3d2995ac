"""What a session is asked for: a typed turn, or a reply that the model did not decide for."""

from __future__ import annotations

from dataclasses import dataclass

from interject.model_runtime.protocol import Cause, Emotion

MAX_REQUESTS = 64
"""Of one session, that wait for their turn."""


@dataclass(frozen=True, slots=True)
class TypedTurn:
    """Text that a person typed; `answer` says whether the model must reply.

    Frames before `after_seq` were there first and are decided first.
    """

    ids: tuple[int, ...]
    answer: bool
    after_seq: int = 0


@dataclass(frozen=True, slots=True)
class ForcedReply:
    """A reply that the model did not decide for. With `ids` its words are given, too.

    Frames before `after_seq` were there first and are decided first.
    """

    cause: Cause
    ids: tuple[int, ...] | None = None
    emotion: Emotion = Emotion.NORMAL
    after_seq: int = 0


Request = TypedTurn | ForcedReply
