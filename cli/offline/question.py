"""One question about a whole file, answered by the model in its offline layout."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import numpy as np

from interject.cli.input.whole_sound import read_whole
from interject.cli.process.device_options import note_device
from interject.cli.process.failures import InputFailure, complain
from interject.model_runtime.protocol import EndReason, ReplyDelta, ReplyEnded, SessionOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

MAX_CLIP_S = 3_600.0
MAX_ANSWER_TOKENS = 4_096


def transcription() -> str:
    from interject.model_runtime.engine.offline import TRANSCRIBE

    return TRANSCRIBE


def translation(language: str) -> str:
    from interject.model_runtime.engine.offline import TRANSLATE

    return TRANSLATE.format(language=language)


def answer(
    file: str,
    question: Callable[[], str],
    *,
    runtime_url: str,
    max_tokens: int,
    track: int | None = None,
) -> None:
    """Print the answer as it is written; `question` is asked for once the file is in order.

    :raises InputFailure: when the file or an option cannot be used.
    :raises RuntimeFailure: when the clip does not fit into the model's memory.
    """
    if not 1 <= max_tokens <= MAX_ANSWER_TOKENS:
        raise InputFailure(f"--max-tokens {max_tokens}: must lie between 1 and {MAX_ANSWER_TOKENS}")
    sound = read_whole(file, track=track, most_s=MAX_CLIP_S)
    clip = sound.astype(np.float32) / np.float32(32_768.0)
    options = SessionOptions(session_id="clip", max_reply_tokens=max_tokens)
    asyncio.run(_ask(clip, question(), runtime_url, options))


async def _ask(clip: NDArray[np.float32], question: str, url: str, options: SessionOptions) -> None:
    import torch

    from interject.model_runtime import open_runtime
    from interject.model_runtime.embedded import EmbeddedRuntime

    opened = open_runtime(url, slots=1, told=note_device)
    assert isinstance(opened, EmbeddedRuntime), "the prefix says so"
    async with opened as runtime:
        session = await runtime.open_clip(options, torch.from_numpy(clip), question)
        async for event in session.events():
            if isinstance(event, ReplyDelta):
                sys.stdout.write(event.text)
                sys.stdout.flush()
            elif isinstance(event, ReplyEnded):
                _end(event)


def _end(event: ReplyEnded) -> None:
    sys.stdout.write("\n")
    if event.reason is EndReason.MAX_TOKENS:
        complain("note: the answer was cut at --max-tokens")
