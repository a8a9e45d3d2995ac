"""A device loads its kernels when they are first used: here, before there is a session to wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from interject.model_runtime.engine.token_draw import TokenDraw, draw_tokens
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    LOOKAHEAD_SAMPLES,
    SAMPLE_BYTES,
    Closed,
    CloseReason,
    Frame,
    RuntimeFailure,
    SessionOptions,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.model_runtime.engine.engine import Engine
    from interject.model_runtime.protocol import Event

BATCHES = (1, 2, 4, 8, 16)
REPLY_TOKENS = 2
MOST_STEPS = 64
"""A prompt, a chunk and a reply are fewer."""
_DRAWS = TokenDraw(1.0, 0, 1.0, 0.5), TokenDraw(1.0, 0, 0.9, 0.5), TokenDraw(1.0, 50, 1.0, 0.5)
"""All ways of drawing by chance: the sessions below take the likeliest token."""
_SILENCE = Frame(
    0, 0.0, bytes(FRAME_SAMPLES * SAMPLE_BYTES), bytes(LOOKAHEAD_SAMPLES * SAMPLE_BYTES)
)


def on_device(engine: Engine) -> None:
    """Make the engine's GPU that of this thread, and warm it up. A CPU has nothing to load."""
    device = engine.model.device
    make_current(device)
    if device.type == "cuda":
        engine.capture()
        warm_up(engine)


def make_current(device: torch.device) -> None:
    """Kernels of our own are launched on the thread's current GPU, wherever their tensors lie. What
    is left to the host is small: more threads would wait for each other.
    """
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.set_num_threads(1)


def warm_up(engine: Engine, batches: Sequence[int] = BATCHES) -> None:
    """Decide a chunk and draw a reply in steps of so many sessions. Nothing of it is left.

    :raises RuntimeFailure: when a session fails in it: any other would as well.
    """
    model = engine.model
    level = torch.zeros(len(_DRAWS), model.config.decoder.vocabulary, device=model.device)
    draw_tokens(level, _DRAWS)
    for sessions in batches:
        if sessions <= engine.kv_cache.free_slots:
            _run(engine, [f"warm-up {number}" for number in range(sessions)])


def _run(engine: Engine, names: list[str]) -> None:
    prompt = tuple(engine.model.config.layout.online_prefix(()))
    events: list[Event] = []
    for name in names:
        options = SessionOptions(
            name, prompt_ids=prompt, threshold=0.0, max_reply_tokens=REPLY_TOKENS
        )
        engine.open(options, events.append)
        engine.push(name, _SILENCE)
    for _ in range(MOST_STEPS):
        if not engine.step():
            break
    for name in reversed(names):
        engine.abandon(name)
    for event in events:
        if isinstance(event, Closed) and event.reason is CloseReason.FAILURE:
            raise RuntimeFailure(f"the model does not compute on this device: {event.detail}")
