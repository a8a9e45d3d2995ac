"""Texts as tokens before they reach the engine's thread, whose steps they would hold up."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from interject.model_runtime.engine.faults import failure, is_session_fault
from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.remote import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.model_runtime.engine.forward_input import ForwardInput
    from interject.model_runtime.engine.prompt_encoder import PromptEncoder
    from interject.model_runtime.protocol import SessionOptions
    from interject.model_runtime.redis.worker.intake import Refused
    from interject.model_runtime.redis.worker.owned_session import OwnedSession

    Input = tuple[OwnedSession, str, wire.Input | Refused | "EncodedText"]
    """A session, the id of an entry of its input stream, and what that holds."""

T = TypeVar("T")

logger = logging.getLogger(__name__)


def given(made: T | RuntimeFailure) -> T:
    """:raises RuntimeFailure: when that is what was made."""
    if isinstance(made, RuntimeFailure):
        raise made
    return made


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A text with its tokens, or why it has none."""

    item: wire.Say | wire.TextTurn
    ids: tuple[int, ...] | RuntimeFailure


async def encode_prefix(
    encoder: PromptEncoder, options: SessionOptions
) -> ForwardInput | RuntimeFailure:
    """What a session begins with, or why it cannot."""
    return await asyncio.to_thread(_try, lambda: encoder.prefix(options))


async def encode_texts(encoder: PromptEncoder, inputs: Sequence[Input]) -> Sequence[Input]:
    """The same inputs, in order."""
    if not any(isinstance(item, wire.Say | wire.TextTurn) for _, _, item in inputs):
        return inputs
    return await asyncio.to_thread(lambda: [_encoded(encoder, *one) for one in inputs])


def _encoded(
    encoder: PromptEncoder,
    session: OwnedSession,
    entry: str,
    item: wire.Input | Refused | EncodedText,
) -> Input:
    if not isinstance(item, wire.Say | wire.TextTurn):
        return session, entry, item
    return session, entry, EncodedText(item, _try(lambda: encoder.short_ids(item.text)))


def _try(make: Callable[[], T]) -> T | RuntimeFailure:
    try:
        return make()
    except RuntimeFailure as error:
        return error
    except Exception as error:
        if not is_session_fault(error):
            raise
        logger.exception("a text that the tokenizer could not take")
        return RuntimeFailure(failure(error))
