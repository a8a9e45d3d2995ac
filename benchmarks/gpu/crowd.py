"""Sessions of a real engine that hear in real time, whether or not they are decided for."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from benchmarks.gpu.subject import fill_with_noise
from interject.model_runtime.engine.forward_input import AUDIO
from interject.model_runtime.engine.ledger import SpanKind
from interject.model_runtime.protocol import (
    FRAME_S,
    FRAME_SAMPLES,
    LOOKAHEAD_SAMPLES,
    Closed,
    Decision,
    Frame,
    Gap,
    ReplyDelta,
    ReplyEnded,
    RuntimeFailure,
    Sampling,
    SessionOptions,
)

if TYPE_CHECKING:
    from interject.model_runtime.engine.engine import Engine
    from interject.model_runtime.engine.stream import Stream
    from interject.model_runtime.protocol import Event

GOLDEN = 0.6180339887
"""Multiples of it, without their whole part, are spread evenly whatever their number."""
SOUNDS = 64
REPLY_TOKENS = 60
TOKENS_PER_S = 15.0
REPLYING = 0.15
IDLE_S = 0.0005
SAMPLING = Sampling(temperature=0.7, top_p=0.9, seed=7)


@dataclass
class Session:
    """What one session is owed. Times are seconds since the load began."""

    stream: Stream
    phase_s: float
    asked_at: float | None = None
    first_token_at: float | None = None
    replying: bool = False
    replied_until: float = -1.0
    reply_began: float = -1.0

    def due_s(self, seq: int) -> float:
        """When a frame is complete."""
        return self.phase_s + FRAME_S * seq

    def waits_for_reply(self, due_s: float) -> bool:
        """Whether a frame came while this session's own reply was in progress."""
        return self.reply_began <= due_s <= self.replied_until or (
            self.replying and due_s >= self.reply_began
        )


@dataclass
class Outcome:
    """Waiting times in ms, after the warm-up: of chunks that waited for the engine alone, and from
    asking for a reply to its first token.
    """

    decisions: list[float] = field(default_factory=list)
    first_tokens: list[float] = field(default_factory=list)
    reply_rates: list[float] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    behind_replies: int = 0
    reply_tokens: int = 0
    unheard: int = 0
    undecided: int = 0
    steps: int = 0
    seconds: float = 0.0
    thread_s: float = 0.0


def open_sessions(engine: Engine, count: int, first: int = 0) -> list[Stream]:
    """That never reply of themselves, each with a slot as it is after minutes."""
    prompt = tuple(engine.model.config.layout.online_prefix(()))
    most = min(REPLY_TOKENS, engine.kv_cache.context // 16)

    events: list[Event] = []
    streams = [
        engine.open(
            SessionOptions(
                f"session {number}", prompt_ids=prompt, threshold=1.0, max_reply_tokens=most,
                sampling=SAMPLING,
            ),
            events.append,
        )
        for number in range(first, first + count)
    ]  # fmt: skip
    while engine.step():
        pass
    for event in events:
        if isinstance(event, Closed):
            raise RuntimeFailure(f"a session ended at once: {event.detail}")
    return streams


def fill_slots(engine: Engine, streams: list[Stream]) -> None:
    """As many positions as sessions of minutes have: evenly between what stays when a slot was
    full, and full, so that as many are evicted from at any moment as in service.
    """
    cache, decoder = engine.kv_cache, engine.model.decoder
    fill_with_noise(cache)
    layout, tower = engine.model.config.layout, engine.model.config.tower
    heard = tower.chunk_embeddings
    sound = torch.zeros(heard, decoder.embedding.weight.shape[1], dtype=engine.model.dtype)
    chunk = [layout.keep_silence, layout.audio_begin, *[AUDIO] * heard, layout.assistant]
    for number, stream in enumerate(streams):
        memory = stream.memory
        memory.evictions = 1
        top = cache.context - memory.reserve - 2 * tower.chunk_positions
        share = (number + 1) * GOLDEN % 1.0
        least = float(cache.context // 2)
        target = least + share * (top - least)
        while memory.ledger.length + len(chunk) <= target:
            memory.append(SpanKind.SILENT_CHUNK, chunk, sound)
        cache.lengths[memory.slot] = memory.ledger.length


class Crowd:
    """All of them, on the thread that calls: the engine's."""

    def __init__(self, engine: Engine, streams: list[Stream], *, warm_up_s: float) -> None:
        self._engine = engine
        self._warm_up_s = warm_up_s
        self._begun = time.perf_counter()
        self.outcome = Outcome()
        self._sessions = {
            stream.name: Session(stream, FRAME_S * (number * GOLDEN % 1.0))
            for number, stream in enumerate(streams)
        }
        for stream in streams:
            stream.events.emit = self._take
        self._order = sorted(self._sessions.values(), key=lambda session: session.phase_s)
        self._pushed = 0
        self._asked = 0
        self._reply_tokens = min(REPLY_TOKENS, engine.kv_cache.context // 16)
        self._reply_every_s = self._reply_tokens / (TOKENS_PER_S * REPLYING * len(streams))
        self._pcm = sounds()

    def run(self, seconds: float) -> Outcome:
        """Ends in time, however far behind the engine is."""
        outcome, measured = self.outcome, False
        self._begun, cpu_s, steps = time.perf_counter(), 0.0, 0
        while (now := self._now()) < seconds:
            if not measured and now >= self._warm_up_s:
                measured, cpu_s, steps = True, time.thread_time(), outcome.steps
            self._push_due(now)
            self._ask_due(now)
            if self._engine.step():
                outcome.steps += 1
            else:
                self._sleep()
        outcome.thread_s = time.thread_time() - cpu_s
        outcome.steps -= steps
        outcome.seconds = self._now() - self._warm_up_s
        outcome.undecided = sum(len(s.stream.audio.chunks) for s in self._order if not s.replying)
        return outcome

    def _now(self) -> float:
        return time.perf_counter() - self._begun

    def _next_due(self) -> tuple[Session, int]:
        seq, place = divmod(self._pushed, len(self._order))
        return self._order[place], seq

    def _push_due(self, now: float) -> None:
        while True:
            session, seq = self._next_due()
            due = session.due_s(seq)
            if due > now:
                return
            pcm, lookahead = self._pcm[self._pushed % SOUNDS]
            self._engine.push(session.stream.name, Frame(seq, due, pcm, lookahead))
            self._pushed += 1

    def _ask_due(self, now: float) -> None:
        """One reply after the other, each of a session that has none, at a rate of its own."""
        while self._asked * self._reply_every_s <= now:
            session = self._next_to_reply()
            self._asked += 1
            if session is None:
                continue
            session.asked_at, session.reply_began, session.replying = now, now, True
            session.first_token_at = None
            self._engine.answer_now(session.stream.name)

    def _next_to_reply(self) -> Session | None:
        """The first, from a place that is spread evenly, that neither replies nor waits."""
        count = len(self._order)
        first = int(self._asked * GOLDEN * count)
        for number in range(first, first + count):
            session = self._order[number % count]
            if not session.replying and not session.stream.audio.chunks:
                return session
        return None

    def _sleep(self) -> None:
        session, seq = self._next_due()
        until = min(session.due_s(seq), self._asked * self._reply_every_s)
        time.sleep(min(IDLE_S, max(0.0, until - self._now())))

    def _take(self, event: Event) -> None:
        now, outcome = self._now(), self.outcome
        warm = now >= self._warm_up_s
        if isinstance(event, Closed):
            outcome.closed.append(event.detail)
            return
        session = self._sessions[event.session_id]
        if isinstance(event, Decision):
            due = session.due_s(event.seq)
            if due < self._warm_up_s:
                return
            if session.waits_for_reply(due):
                outcome.behind_replies += 1
            else:
                outcome.decisions.append(1e3 * (now - due))
        elif isinstance(event, Gap):
            outcome.unheard += event.count
        elif isinstance(event, ReplyDelta):
            outcome.reply_tokens += len(event.token_ids) if warm else 0
            if session.first_token_at is None and session.asked_at is not None:
                session.first_token_at = now
                if session.asked_at >= self._warm_up_s:
                    outcome.first_tokens.append(1e3 * (now - session.asked_at))
        elif isinstance(event, ReplyEnded):
            if session.first_token_at is not None and session.reply_began >= self._warm_up_s:
                spoken = max(now - session.first_token_at, 1e-9)
                outcome.reply_rates.append((event.token_count - 1) / spoken)
            session.replying, session.asked_at, session.replied_until = False, None, now


def sounds() -> list[tuple[bytes, bytes]]:
    """Noise of several levels, a frame with its look-ahead each."""
    random = np.random.default_rng(3)
    levels = random.uniform(100.0, 6_000.0, (SOUNDS, 1))
    values = levels * random.standard_normal((SOUNDS, FRAME_SAMPLES + LOOKAHEAD_SAMPLES))
    pcm = values.clip(-32_768, 32_767).astype("<i2")
    return [(row[:FRAME_SAMPLES].tobytes(), row[FRAME_SAMPLES:].tobytes()) for row in pcm]
