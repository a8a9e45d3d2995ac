"""What a session wants computed next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
