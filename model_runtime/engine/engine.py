"""Many sessions, one model: each step decides what was heard and draws what is being said.

The engine has no threads and no clock of its own. Whoever owns it puts input in between steps and
calls `step` until there is nothing to do.
"""

from __future__ import annotations

import contextlib
import heapq
import logging
import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.engine.audio_queue import (
    MAX_BACKLOG_FRAMES,
    AudioQueue,
    QueuedChunk,
    encode,
)
from interject.model_runtime.engine.context_budget import ContextBudget
from interject.model_runtime.engine.faults import failure, is_own
from interject.model_runtime.engine.forward_input import ForcedReply, ForwardInput, TypedTurn
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.engine.model_runner import ModelRunner, StepBatch
from interject.model_runtime.engine.offline import embed_clip
from interject.model_runtime.engine.prompt_encoder import PromptEncoder
from interject.model_runtime.engine.restoration import Restoration
from interject.model_runtime.engine.scheduler import StepLimits, StepPlan, plan_step
from interject.model_runtime.engine.stream import Stream, StreamState
from interject.model_runtime.network.architecture import CHUNK_POSITIONS
from interject.model_runtime.network.kv_cache import KVCache
from interject.model_runtime.protocol import (
    Cause,
    CloseReason,
    Emotion,
    FloorMode,
    Frame,
    RuntimeBusy,
    RuntimeFailure,
    SessionClosed,
    SessionOptions,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.engine.forward_input import Request
    from interject.model_runtime.engine.journal import JournalEntry, SavedSession, Snapshot
    from interject.model_runtime.protocol import Event

BUSY_RETRY_S = 5.0
BACKLOG_FRAMES_A_SLOT = 75
"""Half a minute. A file is read at most 64 frames ahead."""

Words = str | tuple[int, ...]
"""A text, or the ids that `Engine.prompt_encoder` has made of it in another thread."""

MAX_REQUESTS = 64
"""Typed turns and forced replies of one session that wait for their turn."""

logger = logging.getLogger(__name__)


class Engine:
    """Owns the slots of one device.

    When more than `backlog_frames` wait in all sessions together, the oldest of whichever is
    furthest behind go unheard: it is the whole engine that is too slow, not one session.

    :raises ValueError: when there are fewer slots than one.
    """

    def __init__(
        self,
        model: Model,
        *,
        slots: int = 8,
        limits: StepLimits | None = None,
        eviction: Eviction = Eviction.ROTATE,
        backlog_frames: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if slots < 1:
            raise ValueError(f"an engine needs at least one slot, not {slots}")
        self.model = model
        self.kv_cache = KVCache(model.config.decoder, slots, dtype=model.dtype, device=model.device)
        budget = ContextBudget(self.kv_cache.context)
        self.prompt_encoder = PromptEncoder(model, budget)
        limits = limits or StepLimits()
        drain = max(1, min(limits.drain, budget.span // CHUNK_POSITIONS))
        recompute = max(1, limits.recompute or budget.context // 16)
        self._limits = replace(limits, drain=drain, recompute=recompute)
        fair = max(MAX_BACKLOG_FRAMES, BACKLOG_FRAMES_A_SLOT * slots)
        self._backlog_frames = backlog_frames or fair
        self._clock = clock
        self._eviction = eviction
        self._streams: dict[str, Stream] = {}
        self._steps = 0
        self._runner = ModelRunner(model, self.kv_cache, isolated=self._isolated, clock=clock)

    # Sessions

    @property
    def session_ids(self) -> tuple[str, ...]:
        """The sessions that are open."""
        return tuple(self._streams)

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
        return self._start(options, emit, prefix, name=name, loudest=loudest)

    def restore(
        self,
        options: SessionOptions,
        known: SavedSession,
        *,
        prefix: ForwardInput | None = None,
        name: str = "",
    ) -> Restoration:
        """Begin to go on with a session that another engine had; its slot is taken from now on.

        Exact only between engines with `Eviction.EXACT` and the same model.

        :raises RuntimeBusy: when every slot is taken.
        :raises RuntimeFailure: when the id is in use or the prompt does not fit.
        """
        prefix = prefix or self.prompt_encoder.prefix(options)
        stream = self._new_stream(options, _say_nothing, prefix, name=name)
        return Restoration(
            stream,
            known,
            model=self.model,
            cache=self.kv_cache,
            now=self._clock(),
        )

    def join(
        self,
        restoration: Restoration,
        emit: Callable[[Event], None],
        journal: Callable[[JournalEntry], None],
    ) -> None:
        """A restoration has run: from now on its session takes part. Nothing is said twice."""
        stream = restoration.stream
        self._streams[stream.name] = stream
        stream.report(emit, journal)

    def discard(self, restoration: Restoration) -> None:
        """A restoration that does not run, or no longer, is not to take part."""
        self._give_back(restoration.stream)

    def snapshot(self, session_id: str) -> Snapshot:
        """A session between two steps."""
        return self._stream(session_id).snapshot()

    def evictions(self, session_id: str) -> int:
        """How often a session's slot was full."""
        return self._stream(session_id).memory.evictions

    def open_clip(
        self, options: SessionOptions, clip: Tensor, question: str, emit: Callable[[Event], None]
    ) -> Stream:
        """Answer a typed question about a whole clip (float32 [n], 16 kHz), then close.

        :raises RuntimeFailure: when the clip does not fit into a slot.
        """
        embeddings = embed_clip(self.model, clip)
        prefix, asked = self.prompt_encoder.clip(options, question, embeddings)
        stream = self._start(options, emit, prefix, clip=asked)
        stream.finishing = True
        return stream

    def _start(
        self,
        options: SessionOptions,
        emit: Callable[[Event], None],
        prefix: ForwardInput,
        *,
        name: str = "",
        clip: ForwardInput | None = None,
        loudest: float = -math.inf,
    ) -> Stream:
        stream = self._new_stream(options, emit, prefix, name=name, clip=clip, loudest=loudest)
        self._streams[stream.name] = stream
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
        if (name or options.session_id) in self._streams:
            raise RuntimeFailure(f"session {options.session_id} is open already")
        slot = self.kv_cache.allocate()
        if slot is None:
            raise RuntimeBusy(
                f"all {len(self.kv_cache.lengths)} slots are taken", retry_after_s=BUSY_RETRY_S
            )
        return Stream(
            self.prompt_encoder.bounded(options),
            config=self.model.config,
            cache=self.kv_cache,
            slot=slot,
            tokenizer=self.model.tokenizer,
            emit=emit,
            prefix=prefix,
            name=name,
            clip=clip,
            loudest=loudest,
            eviction=self._eviction,
        )

    def report(self, session_id: str, journal: Callable[[JournalEntry], None]) -> None:
        """Note a new session's deeds, for `restore`."""
        self._stream(session_id).journal = journal

    def push(self, session_id: str, frame: Frame) -> None:
        """Queue a frame."""
        self._stream(session_id).audio.push(frame, self._clock())

    def finish(self, session_id: str) -> None:
        """No frame follows: close once everything is decided and said."""
        self._stream(session_id).finish()

    def text_turn(self, session_id: str, text: Words, *, answer: bool) -> None:
        """Put typed text into the memory, behind what was heard before it."""
        stream = self._stream(session_id)
        ids = self.prompt_encoder.short_ids(text) if isinstance(text, str) else text
        _ask(stream, TypedTurn(ids, answer, stream.audio.next_seq))

    def say(self, session_id: str, text: Words, emotion: Emotion) -> None:
        """Say given words as soon as the session listens and what it heard is decided."""
        stream = self._stream(session_id)
        ids = self.prompt_encoder.short_ids(text) if isinstance(text, str) else text
        _ask(stream, ForcedReply(Cause.SAY, ids, emotion, stream.audio.next_seq))

    def answer_now(self, session_id: str) -> None:
        """Reply once what was heard is decided, whatever the decision would be."""
        stream = self._stream(session_id)
        _ask(stream, ForcedReply(Cause.ANSWER_NOW, after_seq=stream.audio.next_seq))

    def cancel(self, session_id: str, reply_id: int, heard_chars: int) -> None:
        """Keep only what was heard of a reply."""
        self._stream(session_id).cancel(reply_id, heard_chars)

    def heard(self, session_id: str, reply_id: int, chars: int) -> None:
        """Note how much of a reply was played out."""
        self._stream(session_id).heard(reply_id, chars)

    def update(self, session_id: str, *, threshold: float | None, mode: FloorMode | None) -> None:
        """Change a session's settings."""
        self._stream(session_id).update(threshold=threshold, mode=mode)

    def close(self, session_id: str, reason: CloseReason, detail: str = "") -> None:
        """End a session and free its slot. Its owner is told first, whatever the device does."""
        stream = self._streams.pop(session_id, None)
        if stream is None:
            return
        try:
            stream.close(reason, detail)
        except Exception:
            logger.exception(
                "nobody can be told of a session's end", extra={"session": shown(session_id)}
            )
        self._give_back(stream)

    def abandon(self, session_id: str) -> None:
        """Free a session's slot without a word: it is another engine's now."""
        stream = self._streams.pop(session_id, None)
        if stream is not None:
            self._give_back(stream)

    def is_open(self, stream: Stream | None) -> bool:
        """Whether this very session is open, and not another one under its id."""
        return stream is not None and self._streams.get(stream.name) is stream

    @contextlib.contextmanager
    def contained(self, stream: Stream | None = None) -> Iterator[None]:
        """What one session causes ends that one alone: another engine would fail as well.

        :raises RuntimeFailure: what it is told.
        """
        try:
            yield
        except RuntimeFailure:
            raise
        except Exception as error:
            if not is_own(error):
                raise
            self._fail(stream, error)
            raise RuntimeFailure(failure(error)) from error

    def _fail(self, stream: Stream | None, error: Exception) -> None:
        name = "" if stream is None else stream.name
        logger.error("a session failed", exc_info=error, extra={"session": shown(name)})
        if self.is_open(stream):
            self.close(name, CloseReason.FAILURE, failure(error))

    def _give_back(self, stream: Stream) -> None:
        """A slot that the device does not clean is not used again."""
        try:
            self.kv_cache.free(stream.memory.slot)
        except Exception:
            logger.exception("a slot is lost", extra={"session": shown(stream.name)})

    def _stream(self, session_id: str) -> Stream:
        try:
            return self._streams[session_id]
        except KeyError:
            raise SessionClosed(f"session {session_id} is not open") from None

    # Steps

    @torch.inference_mode()
    def step(self) -> bool:
        """Run one step; returns whether there was anything to do."""
        for session_id in [i for i, s in self._streams.items() if s.drained]:
            self.close(session_id, CloseReason.CLIENT)
        self._shed_overload()
        plan = self._plan()
        if plan.empty:
            return False
        self._steps += 1
        self._encode_chunks(plan)
        batch: StepBatch = list(self._inputs(plan))
        if batch:
            self._runner.run(batch)
        return True

    def _plan(self) -> StepPlan:
        """Where one session cannot be planned for, that one ends."""
        now = self._clock()
        try:
            return plan_step(self._streams.values(), now=now, limits=self._limits)
        except Exception as error:
            if not is_own(error):
                raise
        for stream in list(self._streams.values()):
            with self._isolated(stream):
                plan_step([stream], now=now, limits=self._limits)
        return plan_step(self._streams.values(), now=now, limits=self._limits)

    @contextlib.contextmanager
    def _isolated(self, stream: Stream) -> Iterator[None]:
        """The same within a step, where nobody waits for an answer and nothing is refused."""
        try:
            yield
        except Exception as error:
            if not is_own(error):
                raise
            self._fail(stream, error)

    def _inputs(self, plan: StepPlan) -> Iterator[tuple[Stream, ForwardInput]]:
        for stream in plan.texts:
            with self._isolated(stream):
                yield stream, stream.next_text()
        for stream in plan.recomputes:
            with self._isolated(stream):
                stream.recomputed_in_step = self._steps
                inputs = stream.next_recompute(self._limits.recompute)
                if inputs.ids:
                    yield stream, inputs
        for stream, count in plan.chunks:
            with self._isolated(stream):
                yield stream, stream.next_chunks(count)

    def _shed_overload(self) -> None:
        streams = list(self._streams.values())
        excess = sum(len(stream.audio.chunks) for stream in streams) - self._backlog_frames
        if excess <= 0:
            return
        arrivals = (
            (chunk.arrived_at, number)
            for number, stream in enumerate(streams)
            for chunk in stream.audio.chunks
        )
        for _, number in heapq.nsmallest(excess, arrivals):
            if self.is_open(stream := streams[number]):
                with self._isolated(stream):
                    stream.audio.shed()

    def _encode_chunks(self, plan: StepPlan) -> None:
        """Encode what is decided now and, while there is room, what waits behind a reply."""
        batch: list[tuple[AudioQueue, list[QueuedChunk]]] = []
        left = self._limits.chunks
        for stream, count in plan.chunks:
            chunks = [c for c in list(stream.audio.chunks)[:count] if c.embeddings is None]
            batch.append((stream.audio, chunks))
            left -= len(chunks)
        for stream in self._streams.values():
            if stream.state is StreamState.REPLYING and left > 0:
                chunks = stream.audio.unencoded()[:left]
                batch.append((stream.audio, chunks))
                left -= len(chunks)
        if any(chunks for _, chunks in batch):
            encode(batch, self.model.tower, self.model.config.features)


def _ask(stream: Stream, request: Request) -> None:
    if len(stream.requests) >= MAX_REQUESTS:
        raise RuntimeFailure(f"{MAX_REQUESTS} requests of this session wait already; ask later")
    stream.ask(request)


def _say_nothing(event: Event) -> None:
    del event
