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

from interject.model_runtime.engine.faults import OWN_FAULTS, check_finite, failure
from interject.model_runtime.engine.feed import AUDIO, Feed, ForcedReply, TypedTurn
from interject.model_runtime.engine.forward import forward
from interject.model_runtime.engine.hearing import MAX_BACKLOG_FRAMES, HeardChunk, Hearing, encode
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.engine.offline import embed_clip
from interject.model_runtime.engine.restoration import Restoration
from interject.model_runtime.engine.sampling import TokenMasks
from interject.model_runtime.engine.scheduler import StepLimits, StepPlan, plan_step
from interject.model_runtime.engine.stream import Stream, StreamState
from interject.model_runtime.engine.wording import Wording
from interject.model_runtime.network.architecture import CHUNK_POSITIONS
from interject.model_runtime.network.slots import SlotMemory
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
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.engine.recall import AnyDeed, Recollection, Snapshot
    from interject.model_runtime.protocol import Event

BUSY_RETRY_S = 5.0
BACKLOG_FRAMES_A_SLOT = 75
"""Half a minute. A file is read at most 64 frames ahead."""

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
        self.memory = SlotMemory(
            model.config.decoder, slots, dtype=model.dtype, device=model.device
        )
        quarter = model.config.decoder.context // 4
        self._words = Wording(model, longest=quarter)
        limits = limits or StepLimits()
        drain = max(1, min(limits.drain, quarter // CHUNK_POSITIONS))
        refill = limits.refill or model.config.decoder.context // 16
        self._limits = replace(limits, drain=drain, refill=refill)
        fair = max(MAX_BACKLOG_FRAMES, BACKLOG_FRAMES_A_SLOT * slots)
        self._backlog_frames = backlog_frames or fair
        self._clock = clock
        self._eviction = eviction
        self._streams: dict[str, Stream] = {}
        layout = model.config.layout
        self._masks = TokenMasks(layout, model.config.decoder.vocabulary, model.device)
        self._decision_ids = torch.tensor(
            [layout.keep_silence, layout.text_begin], device=model.device
        )

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
        loudest: float = -math.inf,
    ) -> None:
        """Begin a session. `loudest` is the log-mel maximum that it starts from.

        :raises RuntimeBusy: when every slot is taken.
        :raises RuntimeFailure: when the id is in use or the prompt does not fit.
        """
        self._start(options, emit, self._words.prefix(options), loudest)

    def take_in(self, options: SessionOptions, known: Recollection) -> Restoration:
        """Begin to go on with a session that another engine had; its slot is taken from now on.

        Exact only between engines with `Eviction.EXACT` and the same model.

        :raises RuntimeBusy: when every slot is taken.
        :raises RuntimeFailure: when the id is in use or the prompt does not fit.
        """
        stream = self._new_stream(options, _say_nothing, self._words.prefix(options), -math.inf)
        return Restoration(
            stream,
            known,
            model=self.model,
            memory=self.memory,
            now=self._clock(),
        )

    def join(
        self,
        restoration: Restoration,
        emit: Callable[[Event], None],
        journal: Callable[[AnyDeed], None],
    ) -> None:
        """A restoration has run: from now on its session takes part. Nothing is said twice."""
        stream = restoration.stream
        self._streams[stream.options.session_id] = stream
        stream.report(emit, journal)

    def discard(self, restoration: Restoration) -> None:
        """A restoration that does not run, or no longer, is not to take part."""
        self.memory.give_back(restoration.stream.memory.slot)

    def snapshot(self, session_id: str) -> Snapshot:
        """A session between two steps."""
        return self._stream(session_id).snapshot()

    def evictions(self, session_id: str) -> int:
        """How often a session's slot was full."""
        return self._stream(session_id).memory.evictions

    def open_clip(
        self, options: SessionOptions, clip: Tensor, question: str, emit: Callable[[Event], None]
    ) -> None:
        """Answer a typed question about a whole clip (float32 [n], 16 kHz), then close.

        :raises RuntimeFailure: when the clip does not fit into a slot.
        """
        options = self._words.bounded(options)
        embeddings = embed_clip(self.model, clip)
        slots = len(embeddings)
        layout = self.model.config.layout
        ids = layout.offline_prompt(
            self._words.ids(options.system_prompt),
            self._words.ids(question),
            audio_slots=slots,
        )
        room = self.memory.context - options.max_reply_tokens - 1
        if len(ids) > room:
            most_s = max(0, room - len(ids) + slots) * 0.04
            raise RuntimeFailure(
                f"the clip lasts {slots * 0.04:.1f} s, this model takes at most {most_s:.1f} s "
                "at once; cut it into parts"
            )
        placed = [AUDIO if i == layout.offline_audio_slot else i for i in ids]
        feed = Feed(tuple(placed), (embeddings,), wants_token=True)
        self._start(options, emit, feed, -math.inf)
        self._streams[options.session_id].finishing = True

    def _start(
        self,
        options: SessionOptions,
        emit: Callable[[Event], None],
        prefix: Feed,
        loudest: float,
    ) -> None:
        self._streams[options.session_id] = self._new_stream(options, emit, prefix, loudest)

    def _new_stream(
        self,
        options: SessionOptions,
        emit: Callable[[Event], None],
        prefix: Feed,
        loudest: float,
    ) -> Stream:
        if options.session_id in self._streams:
            raise RuntimeFailure(f"session {options.session_id} is open already")
        slot = self.memory.take()
        if slot is None:
            raise RuntimeBusy(
                f"all {len(self.memory.lengths)} slots are taken", retry_after_s=BUSY_RETRY_S
            )
        return Stream(
            self._words.bounded(options),
            config=self.model.config,
            memory=self.memory,
            slot=slot,
            tokenizer=self.model.tokenizer,
            emit=emit,
            prefix=prefix,
            loudest=loudest,
            eviction=self._eviction,
        )

    def report(self, session_id: str, journal: Callable[[AnyDeed], None]) -> None:
        """Note a new session's deeds, for `restore`."""
        self._stream(session_id).journal = journal

    def push(self, session_id: str, frame: Frame) -> None:
        """Queue a frame."""
        self._stream(session_id).hearing.hear(frame, self._clock())

    def finish(self, session_id: str) -> None:
        """No frame follows: close once everything is decided and said."""
        self._stream(session_id).finish()

    def text_turn(self, session_id: str, text: str, *, answer: bool) -> None:
        """Put typed text into the memory, behind what was heard before it."""
        stream = self._stream(session_id)
        stream.ask(TypedTurn(self._words.short_ids(text), answer, stream.hearing.next_seq))

    def say(self, session_id: str, text: str, emotion: Emotion) -> None:
        """Say given words as soon as the session listens and what it heard is decided."""
        stream = self._stream(session_id)
        ids = self._words.short_ids(text)
        stream.ask(ForcedReply(Cause.SAY, ids, emotion, stream.hearing.next_seq))

    def answer_now(self, session_id: str) -> None:
        """Reply once what was heard is decided, whatever the decision would be."""
        stream = self._stream(session_id)
        stream.ask(ForcedReply(Cause.ANSWER_NOW, after_seq=stream.hearing.next_seq))

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
        """End a session and free its slot."""
        stream = self._streams.pop(session_id, None)
        if stream is not None:
            self.memory.give_back(stream.memory.slot)
            stream.close(reason, detail)

    def abandon(self, session_id: str) -> None:
        """Free a session's slot without a word: it is another engine's now."""
        stream = self._streams.pop(session_id, None)
        if stream is not None:
            self.memory.give_back(stream.memory.slot)

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
        plan = plan_step(self._streams.values(), now=self._clock(), limits=self._limits)
        if plan.empty:
            return False
        self._encode_chunks(plan)
        work = list(self._feeds(plan))
        if work:
            hidden = forward(self.model, self.memory, [(s.memory.slot, feed) for s, feed in work])
            self._decide(work, hidden)
            self._draw(work, hidden)
        return True

    @contextlib.contextmanager
    def _alone(self, stream: Stream) -> Iterator[None]:
        """What goes wrong with one session ends that one: another engine would fail as well."""
        try:
            yield
        except OWN_FAULTS as error:
            session_id = stream.options.session_id
            logger.exception("a session failed", extra={"session": session_id})
            self.close(session_id, CloseReason.FAILURE, failure(error))

    def _feeds(self, plan: StepPlan) -> Iterator[tuple[Stream, Feed]]:
        for stream in plan.texts:
            with self._alone(stream):
                yield stream, stream.next_text()
        for stream in plan.refills:
            with self._alone(stream):
                yield stream, stream.next_refill(self._limits.refill)
        for stream, count in plan.chunks:
            with self._alone(stream):
                yield stream, stream.next_chunks(count)

    def _shed_overload(self) -> None:
        hearings = [stream.hearing for stream in self._streams.values()]
        excess = sum(len(hearing.queue) for hearing in hearings) - self._backlog_frames
        if excess <= 0:
            return
        arrivals = (
            (chunk.arrived_at, number)
            for number, hearing in enumerate(hearings)
            for chunk in hearing.queue
        )
        for _, number in heapq.nsmallest(excess, arrivals):
            hearings[number].shed()

    def _encode_chunks(self, plan: StepPlan) -> None:
        """Encode what is decided now and, while there is room, what waits behind a reply."""
        work: list[tuple[Hearing, list[HeardChunk]]] = []
        left = self._limits.chunks
        for stream, count in plan.chunks:
            chunks = [c for c in list(stream.hearing.queue)[:count] if c.embeddings is None]
            work.append((stream.hearing, chunks))
            left -= len(chunks)
        for stream in self._streams.values():
            if stream.state is StreamState.REPLYING and left > 0:
                chunks = stream.hearing.unencoded()[:left]
                work.append((stream.hearing, chunks))
                left -= len(chunks)
        if any(chunks for _, chunks in work):
            encode(work, self.model.tower, self.model.config.features)

    def _decide(self, work: Sequence[tuple[Stream, Feed]], hidden: Tensor) -> None:
        ends: list[int] = []
        first = 0
        for _, feed in work:
            ends += [first + end for end in feed.block_ends]
            first += len(feed.ids)
        if not ends:
            return
        pairs = self.model.decoder.logits(hidden[ends], self._decision_ids).float().tolist()
        now = self._clock()
        taken = 0
        for stream, feed in work:
            if feed.block_ends:
                mine = pairs[taken : taken + len(feed.block_ends)]
                with self._alone(stream):
                    stream.decided(feed, mine, now)
                taken += len(feed.block_ends)

    def _draw(self, work: Sequence[tuple[Stream, Feed]], hidden: Tensor) -> None:
        drawing: list[tuple[Stream, Feed]] = []
        lasts: list[int] = []
        first = 0
        for stream, feed in work:
            first += len(feed.ids)
            if feed.wants_token:
                drawing.append((stream, feed))
                lasts.append(first - 1)
        if not drawing:
            return
        masks = [self._masks.emotion if feed.emotion else self._masks.text for _, feed in drawing]
        logits = self.model.decoder.logits(hidden[lasts]).float() + torch.stack(masks)
        largest = logits.max(-1)
        best, scores = largest.indices.tolist(), largest.values.tolist()
        now = self._clock()
        for (stream, feed), row, token, score in zip(drawing, logits, best, scores, strict=True):
            greedy = stream.sampler.greedy or feed.emotion
            with self._alone(stream):
                check_finite(score)
                stream.drew(token if greedy else stream.draw(row), now)


def _say_nothing(event: Event) -> None:
    del event
