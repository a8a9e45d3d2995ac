"""One session as the engine sees it: what to feed next, and what the results mean.

A stream never touches the network's weights. The engine asks it for a `ForwardInput`, runs those of
many streams together, and tells it the logits. All times are seconds on the engine's clock.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from enum import Enum, auto
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.engine.audio_queue import AudioQueue
from interject.model_runtime.engine.event_emitter import EventEmitter
from interject.model_runtime.engine.faults import check_finite
from interject.model_runtime.engine.forward_input import (
    AUDIO,
    ForcedReply,
    ForwardInput,
    Request,
    TypedTurn,
)
from interject.model_runtime.engine.journal import (
    Asked,
    Cancelled,
    Decided,
    Evicted,
    Fed,
    Finished,
    JournalEntry,
    Played,
    Shed,
    Snapshot,
    Updated,
)
from interject.model_runtime.engine.ledger import Eviction, SpanKind
from interject.model_runtime.engine.reply import Reply, ReplyLimits
from interject.model_runtime.engine.reply_history import ReplyHistory
from interject.model_runtime.engine.sampling import Sampler
from interject.model_runtime.engine.session_memory import SessionMemory
from interject.model_runtime.network.architecture import CHUNK_POSITIONS
from interject.model_runtime.protocol import (
    Cause,
    CloseReason,
    Emotion,
    EndReason,
    FloorMode,
    Gap,
    GapReason,
    SessionOptions,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tokenizers import Tokenizer
    from torch import Tensor

    from interject.model_runtime.network.architecture import ModelConfig
    from interject.model_runtime.network.kv_cache import KVCache
    from interject.model_runtime.protocol import Event


class StreamState(Enum):
    """What a stream does next."""

    LISTENING = auto()
    REPLYING = auto()
    CLOSED = auto()


class Stream:
    """The state of one session.

    `carry` holds the control that was decided on but not yet fed: it goes in front of whatever is
    fed next. After silence that is KEEP_SILENCE, after a reply TEXT_END.

    `prefix` is what a session begins with, `clip` a clip and a question that are answered at once.
    """

    def __init__(
        self,
        options: SessionOptions,
        *,
        config: ModelConfig,
        cache: KVCache,
        slot: int,
        tokenizer: Tokenizer | None,
        emit: Callable[[Event], None],
        prefix: ForwardInput,
        name: str = "",
        clip: ForwardInput | None = None,
        loudest: float = -math.inf,
        eviction: Eviction = Eviction.ROTATE,
    ) -> None:
        self.options = options
        self.name = name or options.session_id
        self.memory = SessionMemory(cache, slot, eviction, session_id=options.session_id)
        self.state = StreamState.LISTENING
        self.audio = AudioQueue(
            options.session_id, config.features, self._announce_gap, loudest=loudest
        )
        self.requests: deque[Request] = deque()
        self.reply: Reply | None = None
        self.replied_at = 0.0
        self.recomputed_in_step = 0
        self.finishing = False
        self.journal: Callable[[JournalEntry], None] | None = None
        self._layout = config.layout
        self._tokenizer = tokenizer
        self._events = EventEmitter(options.session_id, emit)
        self.sampler = Sampler(options.sampling)
        self._beginning = deque([(SpanKind.PREFIX, prefix)])
        if clip is not None:
            self._beginning.append((SpanKind.TEXT_TURN, clip))
        self._carry: list[int] = []
        self._opening: list[int] = []
        self._decided_seq = -1
        self._reply_count = 0
        self._threshold = options.threshold
        self._mode = options.mode
        self._reply_history = ReplyHistory()

    # What is asked of it

    def ask(self, request: Request) -> None:
        """Type text, or force a reply, once what came before it is decided."""
        self._note(Asked(request))
        self.requests.append(request)

    def finish(self) -> None:
        """No frame follows."""
        self._note(Finished())
        self.finishing = True

    def update(self, *, threshold: float | None, mode: FloorMode | None) -> None:
        """Change settings from the next decision on."""
        self._note(Updated(threshold, mode))
        self._threshold = self._threshold if threshold is None else threshold
        self._mode = mode or self._mode

    def cancel(self, reply_id: int, heard_chars: int) -> None:
        """Keep what was heard of a reply, forget the rest, wherever the reply now is."""
        self._note(Cancelled(reply_id, heard_chars))
        heard_chars = max(heard_chars, self._reply_history.heard_chars.get(reply_id, 0))
        past = self._reply_history.get(reply_id)
        if self.reply is not None and self.reply.reply_id == reply_id:
            if self.reply.emotion is not None:
                self._cancel_current(self.reply, heard_chars)
        elif past is not None:
            self._cancel_past(past, heard_chars)

    def heard(self, reply_id: int, chars: int) -> None:
        """Note that a reply was played out up to here."""
        self._note(Played(reply_id, chars))
        if self._reply_history.get(reply_id) or (self.reply and self.reply.reply_id == reply_id):
            self._reply_history.heard(reply_id, chars)

    def close(self, reason: CloseReason, detail: str = "") -> None:
        """End the stream; the engine frees the slot."""
        reply, self.reply = self.reply, None
        self.state = StreamState.CLOSED
        try:
            if reply is not None and reply.emotion is not None:
                reply.ended = EndReason.CANCELLED
                self._events.ended(reply)
        finally:
            self._events.closed(reason, detail)

    # What it wants computed

    @property
    def drained(self) -> bool:
        """Whether a finishing stream has nothing left to do."""
        return self.finishing and not (self.wants_text or self.audio.chunks)

    @property
    def wants_text(self) -> bool:
        """Whether the next input is text: the prefix, a reply's next token, or a request."""
        replying = self.state is StreamState.REPLYING
        return replying or bool(self._beginning) or self._request_is_due

    @property
    def _request_is_due(self) -> bool:
        """Requests take their turn among the frames."""
        if not self.requests or not self.audio.chunks:
            return bool(self.requests)
        return self.requests[0].after_seq <= self.audio.chunks[0].frame.seq

    @property
    def full(self) -> bool:
        """Whether spans must be evicted, or rows recomputed, before anything else is fed.

        That is done piece by piece, so that nobody else waits for long.
        """
        return self.memory.unfilled > 0 or self._lacks_room

    @property
    def _lacks_room(self) -> bool:
        """Room for a chunk is made before that chunk comes; after a silent one there is time to
        make room for a reply, too. After an eviction there is room (see `ContextBudget`).
        """
        room = self.memory.room
        if self.state is StreamState.REPLYING:
            return room < len(self._opening or [0]) + 1
        reserve = self.memory.reserve if self.memory.ledger.ends_in_silence else 0
        if room < self._block + reserve:
            return True
        return self._request_is_due and room < self._request_rows + 1

    @property
    def _request_rows(self) -> int:
        ids = self.requests[0].ids or ()
        return len(self._carry) + len(self._layout.user_turn(ids)) + len(self._turn_of_its_own)

    @property
    def _block(self) -> int:
        """Positions of the next chunk, and of the token that begins a reply to it."""
        return len(self._carry) + CHUNK_POSITIONS

    def evict(self) -> None:
        """Make room in a full slot; what moved is then to be recomputed."""
        self.memory.evict()
        self._note(Evicted())

    def next_recompute(self, rows: int) -> ForwardInput:
        """The next rows to be recomputed, at most so many, after an eviction if one is due."""
        if self._lacks_room:
            self.evict()
            assert not self._lacks_room, "an eviction makes room"
        return self.memory.recompute(rows)

    def next_text(self) -> ForwardInput:
        """The next rows of text."""
        inputs = self._next_text()
        if not inputs.wants_token:
            self._note(Fed(None))
        return inputs

    def _next_text(self) -> ForwardInput:
        if self._beginning:
            kind, inputs = self._beginning.popleft()
            if inputs.wants_token:
                self._open_reply(Cause.ANSWER_NOW, [], emotion=False)
            sound = torch.cat(inputs.embeddings) if inputs.embeddings else None
            self.memory.append(kind, inputs.ids, sound)
            return inputs
        if self.state is StreamState.LISTENING:
            return self._begin(self.requests.popleft())
        return self._next_of_reply()

    def _next_of_reply(self, *, behind: Sequence[int] = ()) -> ForwardInput:
        reply = self.reply
        assert reply is not None, "a replying stream has a reply"
        ids = self._opening or [reply.tokens[-1]]
        self._opening = []
        self.memory.append(SpanKind.REPLY, ids, reply_id=reply.reply_id)
        return ForwardInput((*behind, *ids), wants_token=True, emotion=reply.emotion is None)

    def next_chunks(self, count: int) -> ForwardInput:
        """The oldest queued chunks, at most `count`, as if the model stayed silent in between.

        Exact under greedy decoding: `decided` takes back what follows the first respond. Chunks
        that do not fit into the slot wait, so that when spans are evicted never depends on how many
        chunks were waiting.
        """
        spare = self.memory.room - self._block - self.memory.reserve
        count = min(count, 1 + max(0, spare // CHUNK_POSITIONS))
        ids: list[int] = []
        ends: list[int] = []
        embeddings = []
        carry = self._carry
        for index in range(count):
            chunk = self.audio.chunks[index]
            assert chunk.embeddings is not None, "a chunk is encoded before it is decided"
            embeddings.append(chunk.embeddings)
            ids += [*carry, self._layout.audio_begin]
            ids += [AUDIO] * len(chunk.embeddings)
            ids.append(self._layout.assistant)
            ends.append(len(ids) - 1)
            carry = [self._layout.keep_silence]
        assert len(ids) <= self.memory.room, "chunks fit, or there is an eviction first"
        return ForwardInput(tuple(ids), tuple(embeddings), tuple(ends))

    # What came of it

    def decided(self, inputs: ForwardInput, logits: Sequence[Sequence[float]], now: float) -> None:
        """Take the (silent, respond) logits of the blocks, up to the first respond."""
        filled = 0
        for end, (silent, respond) in zip(inputs.block_ends, logits, strict=True):
            check_finite(silent, respond)
            chunk = self.audio.chunks.popleft()
            answered = respond - silent > log_odds(self._threshold)
            kind = SpanKind.ANSWERED_CHUNK if answered else SpanKind.SILENT_CHUNK
            self.memory.append(kind, inputs.ids[filled : end + 1], chunk.embeddings)
            filled = end + 1
            self._carry = [self._layout.keep_silence]
            self._note(Decided(chunk.frame.seq, silent, respond))
            self._decided_seq = chunk.frame.seq
            self._events.decision(
                chunk, (silent, respond), respond=answered, mode=self._mode, now=now
            )
            if answered:
                self.memory.truncate_to_ledger()
                self._open_reply(Cause.MODEL, [self._layout.text_begin])
                return

    def drew(self, token: int, now: float) -> None:
        """Take the token that follows the last text that was fed."""
        reply = self.reply
        assert reply is not None, "only a replying stream draws tokens"
        self._note(Fed(token))
        if reply.emotion is None:
            reply.emotion = self._layout.emotion_of(token)
            self._opening = [token]
            self.replied_at = now
            self._events.started(reply, self._mode)
            return
        before = len(reply.tokens)
        text = reply.accept(token, self.sampler)
        fresh = tuple(reply.tokens[before:])
        self._events.delta(reply, fresh, text)
        if reply.ended is not None:
            self._end_reply(reply, unfed=fresh)

    def draw(self, logits: Tensor) -> int:
        """The reply's next token, from masked logits [vocabulary]."""
        reply = self.reply
        assert reply is not None, "only a replying stream draws tokens"
        return self.sampler.draw(logits, reply_id=reply.reply_id, place=len(reply.tokens))

    # Replies

    def _begin(self, request: Request) -> ForwardInput:
        """Open a reply, or return an input after which nothing is drawn."""
        if isinstance(request, TypedTurn):
            return self._take_turn(request)
        lead = self._reply_head()
        if request.ids is not None:
            return self._say(request, request.ids, lead)
        self._open_reply(request.cause, lead)
        return self._next_of_reply()

    def _take_turn(self, turn: TypedTurn) -> ForwardInput:
        ids = [*self._carry, *self._layout.user_turn(turn.ids)]
        self._carry = [] if turn.answer else [ids.pop()]
        self.memory.append(SpanKind.TEXT_TURN, ids)
        if not turn.answer:
            return ForwardInput(tuple(ids))
        self._open_reply(Cause.TEXT_TURN, self._turn_of_its_own)
        return self._next_of_reply(behind=ids)

    @property
    def _turn_of_its_own(self) -> list[int]:
        return [self._layout.assistant, self._layout.text_begin]

    def _reply_head(self) -> list[int]:
        """The ids that open a reply. Right after a silent decision the model's turn is open."""
        if self._carry == [self._layout.keep_silence]:
            return [self._layout.text_begin]
        return [*self._carry, *self._turn_of_its_own]

    def _say(self, request: ForcedReply, ids: Sequence[int], lead: list[int]) -> ForwardInput:
        reply = self._new_reply(Cause.SAY, max_tokens=len(ids) + 1)
        reply.emotion = request.emotion
        self._events.started(reply, self._mode)
        text = "".join(reply.accept(token) for token in (*ids, self._layout.text_end))
        self._events.delta(reply, ids, text)
        self._end_reply(reply, unfed=())
        emotion = [self._layout.emotions[request.emotion]] if self._layout.emotion_slot else []
        inputs = ForwardInput((*lead, *emotion, *ids))
        self.memory.append(SpanKind.REPLY, inputs.ids, reply_id=reply.reply_id)
        return inputs

    def _open_reply(self, cause: Cause, opening: list[int], *, emotion: bool = True) -> None:
        self.state = StreamState.REPLYING
        self.reply = self._new_reply(cause, max_tokens=self.options.max_reply_tokens)
        self._opening = opening
        self._carry = []
        if not (emotion and self._layout.emotion_slot):
            self.reply.emotion = Emotion.NORMAL
            self._events.started(self.reply, self._mode)

    def _new_reply(self, cause: Cause, *, max_tokens: int) -> Reply:
        limits = ReplyLimits(max_tokens, self._layout.text_end)
        reply = Reply(self._reply_count, self._decided_seq, cause, limits, self._tokenizer)
        self._reply_count += 1
        return reply

    def _end_reply(self, reply: Reply, *, unfed: Sequence[int]) -> None:
        """What is `unfed` of it is part of it all the same: the slot is filled up."""
        if unfed:
            self.memory.append(SpanKind.REPLY, unfed, reply_id=reply.reply_id)
        self._carry = [self._layout.text_end]
        self._opening = []
        self.reply = None
        self.state = StreamState.LISTENING
        self._reply_history.add(reply)
        self._events.ended(reply)

    def _cancel_current(self, reply: Reply, heard_chars: int) -> None:
        """Of the tokens drawn so far all but the last were fed."""
        unfed = self._opening or reply.tokens[-1:]
        drawn = len(reply.tokens)
        kept = reply.keep_heard(heard_chars)
        self._end_reply(reply, unfed=unfed)
        self.memory.shorten_reply(reply.reply_id, drawn - kept)

    def _cancel_past(self, reply: Reply, heard_chars: int) -> None:
        if reply.ended is EndReason.CANCELLED or heard_chars >= len(reply.text):
            return
        drawn = len(reply.tokens)
        self.memory.shorten_reply(reply.reply_id, drawn - reply.keep_heard(heard_chars))
        self._events.ended(reply)

    # Taking over

    def snapshot(self) -> Snapshot:
        """The stream between two steps."""
        return Snapshot(
            audio_cursor=self.audio.cursor(),
            spans=tuple(replace(span, ids=list(span.ids)) for span in self.memory.ledger.spans),
            carry=tuple(self._carry),
            opening=tuple(self._opening),
            reply=None if self.reply is None else self.reply.snapshot(),
            reply_history=tuple(reply.snapshot() for reply in self._reply_history),
            heard_chars=dict(self._reply_history.heard_chars),
            requests=tuple(self.requests),
            reply_count=self._reply_count,
            decided_seq=self._decided_seq,
            threshold=self._threshold,
            mode=self._mode,
            finishing=self.finishing,
            evictions=self.memory.evictions,
        )

    def resume(self, snapshot: Snapshot) -> None:
        """Become a fresh stream's snapshot; the slot must then be filled from the ledger."""
        self.audio.resume(snapshot.audio_cursor)
        spans = (replace(span, ids=list(span.ids)) for span in snapshot.spans)
        self.memory.resume(spans, snapshot.evictions)
        if snapshot.spans:
            self._beginning.clear()
        self._carry, self._opening = list(snapshot.carry), list(snapshot.opening)
        limits = ReplyLimits(self.options.max_reply_tokens, self._layout.text_end)
        if snapshot.reply is not None:
            self.reply = Reply.resume(snapshot.reply, limits, self._tokenizer)
            self.state = StreamState.REPLYING
        past = (Reply.resume(reply, limits, self._tokenizer) for reply in snapshot.reply_history)
        self._reply_history.resume(past, snapshot.heard_chars)
        self.requests.extend(snapshot.requests)
        self._reply_count = snapshot.reply_count
        self._decided_seq = snapshot.decided_seq
        self._threshold, self._mode = snapshot.threshold, snapshot.mode
        self.finishing = snapshot.finishing

    def replay(self, journal: Iterable[JournalEntry]) -> None:
        """Do again what was done after the snapshot; nothing is fed."""
        for entry in journal:
            entry.replay(self)

    def report(
        self, emit: Callable[[Event], None], journal: Callable[[JournalEntry], None]
    ) -> None:
        """Tell these from now on what happens, and what was done."""
        self._events.emit, self.journal = emit, journal

    def _note(self, entry: JournalEntry) -> None:
        if self.journal is not None:
            self.journal(entry)

    def _announce_gap(self, gap: Gap, encoded: bool) -> None:
        if gap.reason is GapReason.OVERLOAD:
            self._note(Shed(gap.first_seq, encoded))
        self._events.emit(gap)


def log_odds(probability: float) -> float:
    """By how much the respond logit leads at this probability."""
    if probability <= 0.0:
        return -math.inf
    if probability >= 1.0:
        return math.inf
    return math.log(probability / (1.0 - probability))
