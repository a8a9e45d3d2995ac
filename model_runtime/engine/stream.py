"""One session as the engine sees it: what to feed next, and what the results mean.

A stream never touches the network's weights. The engine asks it for a `ForwardInput`, runs those of
many streams together, and tells it the logits. All times are seconds on the engine's clock.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.engine.audio_queue import AudioQueue
from interject.model_runtime.engine.conversation import Conversation
from interject.model_runtime.engine.event_emitter import EventEmitter
from interject.model_runtime.engine.faults import check_finite
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
    Updated,
)
from interject.model_runtime.engine.ledger import Eviction, SpanKind
from interject.model_runtime.engine.session_memory import SessionMemory
from interject.model_runtime.engine.snapshot import Snapshot
from interject.model_runtime.protocol import Cause, FloorMode, Gap, GapReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tokenizers import Tokenizer

    from interject.model_runtime.engine.forward_input import ForwardInput
    from interject.model_runtime.engine.request import Request
    from interject.model_runtime.network.architecture import ModelConfig
    from interject.model_runtime.network.kv_cache import KVCache
    from interject.model_runtime.protocol import CloseReason, Event, SessionOptions


class Stream:
    """The state of one session: its audio, its memory, its conversation and its settings.

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
        restorable: bool = False,
    ) -> None:
        self.options = options
        self.name = name or options.session_id
        self.memory = SessionMemory(
            cache, slot, eviction, session_id=options.session_id, restorable=restorable
        )
        self.audio = AudioQueue(
            options.session_id, config.features, self._report_gap, loudest=loudest
        )
        self.events = EventEmitter(options.session_id, emit, options.mode)
        self.conversation = Conversation(
            options,
            memory=self.memory,
            events=self.events,
            layout=config.layout,
            tokenizer=tokenizer,
        )
        self.requests: deque[Request] = deque()
        self.recomputed_in_step = 0
        self.finishing = False
        self.journal: Callable[[JournalEntry], None] | None = None
        self._prefill = deque([(SpanKind.PREFIX, prefix)])
        if clip is not None:
            self._prefill.append((SpanKind.TEXT_TURN, clip))
        self._threshold = options.threshold
        self._chunk_positions = config.tower.chunk_positions

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
        self.events.mode = mode or self.events.mode

    def cancel(self, reply_id: int, heard_chars: int) -> None:
        """Keep what was heard of a reply, forget the rest, wherever the reply now is."""
        self._note(Cancelled(reply_id, heard_chars))
        self.conversation.cancel(reply_id, heard_chars)

    def heard(self, reply_id: int, chars: int) -> None:
        """Note that a reply was played out up to here."""
        self._note(Played(reply_id, chars))
        self.conversation.heard(reply_id, chars)

    def close(self, reason: CloseReason, detail: str = "") -> None:
        """End the stream; the engine frees the slot."""
        try:
            self.conversation.close()
        finally:
            self.events.closed(reason, detail)

    # What it wants computed

    @property
    def replying(self) -> bool:
        """Whether a reply is in progress: chunks wait for it."""
        return self.conversation.reply is not None

    @property
    def drained(self) -> bool:
        """Whether a finishing stream has nothing left to do."""
        return self.finishing and not (self.wants_text or self.audio.chunks)

    @property
    def wants_text(self) -> bool:
        """Whether the next input is text: the prefix, a reply's next token, or a request."""
        return self.replying or bool(self._prefill) or self._request_is_due

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
        if self.replying:
            return room < len(self.conversation.pending_ids or [0]) + 1
        reserve = self.memory.reserve if self.memory.ledger.ends_in_silence else 0
        if room < self._chunk_rows + reserve:
            return True
        return self._request_is_due and room < self.conversation.rows(self.requests[0]) + 1

    @property
    def _chunk_rows(self) -> int:
        """Positions of the next chunk, and of the token that begins a reply to it."""
        return len(self.conversation.pending_ids) + self._chunk_positions

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
        if self._prefill:
            kind, inputs = self._prefill.popleft()
            if inputs.wants_token:
                self.conversation.open_reply(Cause.ANSWER_NOW, [], emotion=False)
            sound = torch.cat(inputs.embeddings) if inputs.embeddings else None
            self.memory.append(kind, inputs.ids, sound)
            return inputs
        if self.replying:
            return self.conversation.next_input()
        return self.conversation.begin(self.requests.popleft())

    def next_chunks(self, count: int) -> ForwardInput:
        """The oldest queued chunks, at most `count`, as if the model stayed silent in between.

        Exact under greedy decoding: `decided` takes back what follows the first respond. Chunks
        that do not fit into the slot wait, so that when spans are evicted never depends on how many
        chunks were waiting.
        """
        spare = self.memory.room - self._chunk_rows - self.memory.reserve
        count = min(count, 1 + max(0, spare // self._chunk_positions))
        inputs = self.conversation.audio_input(list(islice(self.audio.chunks, count)))
        assert len(inputs.ids) <= self.memory.room, "chunks fit, or there is an eviction first"
        return inputs

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
            self.conversation.decided(chunk.frame.seq)
            self._note(Decided(chunk.frame.seq, silent, respond))
            self.events.decision(chunk, (silent, respond), respond=answered, now=now)
            if answered:
                self.memory.truncate_to_ledger()
                self.conversation.respond()
                return

    def drew(self, token: int, now: float) -> None:
        """Take the token that follows the last text that was fed."""
        self._note(Fed(token))
        self.conversation.drew(token, now)

    # Restoring

    def snapshot(self) -> Snapshot:
        """The stream between two steps."""
        talk = self.conversation
        return Snapshot(
            audio_cursor=self.audio.cursor(),
            spans=self.memory.spans(),
            pending_ids=tuple(talk.pending_ids),
            reply=None if talk.reply is None else talk.reply.snapshot(),
            reply_history=tuple(reply.snapshot() for reply in talk.history),
            heard_chars=dict(talk.history.heard_chars),
            requests=tuple(self.requests),
            reply_count=talk.reply_count,
            decided_seq=talk.decided_seq,
            threshold=self._threshold,
            mode=self.events.mode,
            finishing=self.finishing,
            evictions=self.memory.evictions,
        )

    def resume(self, snapshot: Snapshot) -> None:
        """Become a fresh stream's snapshot; the slot must then be filled from the ledger."""
        self.audio.resume(snapshot.audio_cursor)
        self.memory.resume(snapshot.spans, snapshot.evictions)
        if snapshot.spans:
            self._prefill.clear()
        self.conversation.resume(snapshot)
        self.requests.extend(snapshot.requests)
        self._threshold, self.events.mode = snapshot.threshold, snapshot.mode
        self.finishing = snapshot.finishing

    def replay(self, journal: Iterable[JournalEntry]) -> None:
        """Do again what was done after the snapshot; nothing is fed."""
        for entry in journal:
            entry.replay(self)

    def _note(self, entry: JournalEntry) -> None:
        if self.journal is not None:
            self.journal(entry)

    def _report_gap(self, gap: Gap, encoded: bool) -> None:
        if gap.reason is GapReason.OVERLOAD:
            self._note(Shed(gap.first_seq, encoded))
        self.events.emit(gap)


def log_odds(probability: float) -> float:
    """By how much the respond logit leads at this probability."""
    if probability <= 0.0:
        return -math.inf
    if probability >= 1.0:
        return math.inf
    return math.log(probability / (1.0 - probability))
