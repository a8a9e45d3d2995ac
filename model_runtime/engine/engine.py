"""Many sessions, one model: each step decides what was heard and draws what is being said.

The engine has no threads and no clock of its own. Whoever owns it puts input in between steps and
calls `step` until there is nothing to do.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.engine.audio_queue import MAX_BACKLOG_FRAMES
from interject.model_runtime.engine.batcher import Batcher
from interject.model_runtime.engine.context_budget import ContextBudget
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.engine.model_runner import ModelRunner
from interject.model_runtime.engine.offline import embed_clip
from interject.model_runtime.engine.prompt_encoder import PromptEncoder
from interject.model_runtime.engine.request import MAX_REQUESTS, ForcedReply, TypedTurn
from interject.model_runtime.engine.restoration import Restoration, filling_turn, part_rows
from interject.model_runtime.engine.scheduler import GPU_LIMITS, StepLimits
from interject.model_runtime.engine.stream import Stream
from interject.model_runtime.engine.stream_table import StreamTable
from interject.model_runtime.network.backend import open_backend
from interject.model_runtime.network.kv_cache import KVCache
from interject.model_runtime.protocol import (
    Cause,
    CloseReason,
    Emotion,
    FloorMode,
    Frame,
    RuntimeFailure,
    SessionOptions,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from torch import Tensor

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.engine.forward_input import ForwardInput
    from interject.model_runtime.engine.journal import JournalEntry
    from interject.model_runtime.engine.request import Request
    from interject.model_runtime.engine.snapshot import SavedSession, Snapshot
    from interject.model_runtime.network.backend import Backend
    from interject.model_runtime.protocol import Event

BACKLOG_FRAMES_A_SLOT = 75
"""Half a minute. A file is read at most 64 frames ahead."""

TextOrIds = str | tuple[int, ...]
"""A text, or the ids that `Engine.prompt_encoder` has made of it in another thread."""


class Engine:
    """Owns the slots of one device.

    When more than `backlog_frames` wait in all sessions together, the oldest of whichever is
    furthest behind go unheard: it is the whole engine that is too slow, not one session. What is
    `restorable` remembers its sound, so that another engine can go on; with `Eviction.EXACT` all
    is. `eviction` is how sessions make room that are opened from now on. `backend` and `runner`
    make what computes a step.

    :raises ValueError: when there are fewer slots than one.
    """

    def __init__(
        self,
        model: Model,
        *,
        slots: int = 8,
        limits: StepLimits | None = None,
        eviction: Eviction = Eviction.ROTATE,
        restorable: bool = False,
        backlog_frames: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        runner: Callable[..., ModelRunner] = ModelRunner,
        backend: Callable[..., Backend] = open_backend,
    ) -> None:
        if slots < 1:
            raise ValueError(f"an engine needs at least one slot, not {slots}")
        self.model = model
        self.kv_cache = KVCache(
            model.config.decoder, slots,
            dtype=model.dtype, stored=model.kv_cache_dtype, device=model.device,
        )  # fmt: skip
        self._backend = backend(model.tower, model.decoder, self.kv_cache, model.config.features)
        budget = ContextBudget(self.kv_cache.context)
        self.prompt_encoder = PromptEncoder(model, budget)
        limits = limits or (GPU_LIMITS if self._backend.asynchronous else StepLimits())
        drain = max(1, min(limits.drain, budget.span // model.config.tower.chunk_positions))
        recompute = max(1, limits.recompute or budget.context // 16)
        fair = max(MAX_BACKLOG_FRAMES, BACKLOG_FRAMES_A_SLOT * slots)
        self._clock = clock
        self._fill_rows = part_rows(self.kv_cache.context) if restorable else 0
        self._restoration = partial(Restoration, self._backend, filling_turn(self._backend))
        self.eviction = eviction
        self._make_stream = partial(
            Stream, config=model.config, cache=self.kv_cache, tokenizer=model.tokenizer,
            restorable=restorable,
        )  # fmt: skip
        self._streams = StreamTable(self.kv_cache)
        self._batcher = Batcher(
            self._streams, self._backend,
            runner(model, self._backend, streams=self._streams, clock=clock),
            limits=replace(limits, drain=drain, recompute=recompute),
            backlog_frames=backlog_frames or fair, clock=clock,
        )  # fmt: skip

    @property
    def session_ids(self) -> tuple[str, ...]:
        """The sessions that are open."""
        return self._streams.names

    def open(
        self,
        options: SessionOptions,
        emit: Callable[[Event], None],
        *,
        prefix: ForwardInput | None = None,
        name: str = "",
        loudest: float = -math.inf,
    ) -> Stream:
        """Begin a session. `loudest` is the log-mel maximum that it starts from.

        `prefix` is what `prompt_encoder` makes of the options, maybe in another thread before.
        `name` is what the session is called here, unless by its id: two tenants may choose one id.

        :raises RuntimeBusy: when every slot is taken.
        :raises RuntimeFailure: when the id is in use or the prompt does not fit.
        """
        prefix = prefix or self.prompt_encoder.prefix(options)
        stream = self._new_stream(options, emit, prefix, name=name, loudest=loudest)
        self._streams.add(stream)
        return stream

    def restore(
        self,
        options: SessionOptions,
        known: SavedSession,
        *,
        prefix: ForwardInput | None = None,
        name: str = "",
    ) -> Restoration:
        """Begin to go on with a session that another engine had; its slot is taken from now on.

        Exact between engines with `Eviction.EXACT` and the same model. One that turns keys lets it
        forget the traces of what was evicted.

        :raises RuntimeBusy: when every slot is taken.
        :raises RuntimeFailure: when the id is in use or the prompt does not fit.
        """
        prefix = prefix or self.prompt_encoder.prefix(options)
        stream = self._new_stream(options, lambda _: None, prefix, name=name)
        return self._restoration(stream, known, now=self._clock())

    def join(
        self,
        restoration: Restoration,
        emit: Callable[[Event], None],
        journal: Callable[[JournalEntry], None],
    ) -> None:
        """A restoration has run: from now on its session takes part. Nothing is said twice."""
        stream = restoration.stream
        self._streams.add(stream)
        stream.events.emit, stream.journal = emit, journal

    def discard(self, restoration: Restoration) -> None:
        """A restoration that does not run, or no longer, is not to take part."""
        self._streams.free(restoration.stream)

    def snapshot(self, session_id: str) -> Snapshot:
        """A session between two steps."""
        return self._between_steps(session_id).snapshot()

    def in_step(self, session_id: str) -> bool:
        """Whether the device computes something of it now; `snapshot` would wait for that."""
        return self._batcher.computes(self._streams[session_id])

    def evictions(self, session_id: str) -> int:
        """How often a session's slot was full."""
        return self._streams[session_id].memory.evictions

    def open_clip(
        self, options: SessionOptions, clip: Tensor, question: str, emit: Callable[[Event], None]
    ) -> Stream:
        """Answer a typed question about a whole clip (float32 [n], 16 kHz), then close.

        :raises RuntimeFailure: when the clip does not fit into a slot.
        """
        embeddings = embed_clip(self.model, clip)
        prefix, asked = self.prompt_encoder.clip(options, question, embeddings)
        stream = self._new_stream(options, emit, prefix, clip=asked)
        stream.finishing = True
        self._streams.add(stream)
        return stream

    def _new_stream(
        self,
        options: SessionOptions,
        emit: Callable[[Event], None],
        prefix: ForwardInput,
        *,
        name: str = "",
        clip: ForwardInput | None = None,
        loudest: float = -math.inf,
    ) -> Stream:
        slot = self._streams.allocate(name or options.session_id, options.session_id)
        return self._make_stream(
            self.prompt_encoder.bounded(options), slot=slot, emit=emit, prefix=prefix, name=name,
            clip=clip, loudest=loudest, eviction=self.eviction,
        )  # fmt: skip

    def attach_journal(self, session_id: str, journal: Callable[[JournalEntry], None]) -> None:
        """Note a new session's deeds, for `restore`."""
        self._streams[session_id].journal = journal

    def push(self, session_id: str, frame: Frame) -> None:
        """Queue a frame."""
        stream = self._streams[session_id]
        if stream.audio.full:
            stream = self._between_steps(session_id)
        stream.audio.push(frame, self._clock())

    def finish(self, session_id: str) -> None:
        """No frame follows: close once everything is decided and said."""
        self._streams[session_id].finish()

    def text_turn(self, session_id: str, text: TextOrIds, *, answer: bool) -> None:
        """Put typed text into the memory, behind what was heard before it."""
        stream = self._streams[session_id]
        ids = self.prompt_encoder.short_ids(text) if isinstance(text, str) else text
        _ask(stream, TypedTurn(ids, answer, stream.audio.next_seq))

    def say(self, session_id: str, text: TextOrIds, emotion: Emotion) -> None:
        """Say given words as soon as the session listens and what it heard is decided."""
        stream = self._streams[session_id]
        ids = self.prompt_encoder.short_ids(text) if isinstance(text, str) else text
        _ask(stream, ForcedReply(Cause.SAY, ids, emotion, stream.audio.next_seq))

    def answer_now(self, session_id: str) -> None:
        """Reply once what was heard is decided, whatever the decision would be."""
        stream = self._streams[session_id]
        _ask(stream, ForcedReply(Cause.ANSWER_NOW, after_seq=stream.audio.next_seq))

    def cancel(self, session_id: str, reply_id: int, heard_chars: int) -> None:
        """Keep only what was heard of a reply."""
        self._between_steps(session_id).cancel(reply_id, heard_chars)

    def heard(self, session_id: str, reply_id: int, chars: int) -> None:
        """Note how much of a reply was played out."""
        self._streams[session_id].heard(reply_id, chars)

    def update(self, session_id: str, *, threshold: float | None, mode: FloorMode | None) -> None:
        """Change a session's settings."""
        self._streams[session_id].update(threshold=threshold, mode=mode)

    def close(self, session_id: str, reason: CloseReason, detail: str = "") -> None:
        """End a session and free its slot. Its owner is told first, whatever the device does."""
        self._streams.close(session_id, reason, detail)

    def abandon(self, session_id: str) -> None:
        """Free a session's slot without a word: it is another engine's now."""
        self._streams.abandon(session_id)

    def is_open(self, stream: Stream | None) -> bool:
        """Whether this very session is open, and not another one under its id."""
        return self._streams.is_open(stream)

    def contained(self, stream: Stream | None = None) -> AbstractContextManager[None]:
        """What one session causes ends that one alone: another engine would fail as well.

        :raises RuntimeFailure: what it is told.
        """
        return self._streams.contained(stream)

    def capture(self) -> None:
        """Make usual steps faster for the thread that calls, which must be the one that steps."""
        self._backend.capture(fill_rows=self._fill_rows)

    @torch.inference_mode()
    def step(self) -> bool:
        """Run one step; returns whether there was anything to do. On a GPU its results come with
        the next call.
        """
        return self._batcher.step()

    def _between_steps(self, session_id: str) -> Stream:
        """:raises SessionClosed: when it has ended by then, too."""
        self._batcher.settle(self._streams[session_id])
        return self._streams[session_id]


def _ask(stream: Stream, request: Request) -> None:
    if len(stream.requests) >= MAX_REQUESTS:
        raise RuntimeFailure(f"{MAX_REQUESTS} requests of this session wait already; ask later")
    stream.ask(request)
