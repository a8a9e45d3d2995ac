"""What a session wants computed next, and what it was asked to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import Cause, Emotion

if TYPE_CHECKING:
    from torch import Tensor

AUDIO = -1
"""Stands in the ids where an embedding of sound goes."""


@dataclass(frozen=True, slots=True)
class ForwardInput:
    """New rows for a slot.

    `block_ends` are the rows after which a decision is wanted. `wants_token` asks for the token
    after the last row; `emotion` restricts it to emotions.
    """

    ids: tuple[int, ...]
    embeddings: tuple[Tensor, ...] = ()
    block_ends: tuple[int, ...] = ()
    wants_token: bool = False
    emotion: bool = False


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
