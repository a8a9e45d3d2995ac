"""The turns of a session: what is heard, typed and replied, and the control ids between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.engine.forward_input import AUDIO, ForwardInput
from interject.model_runtime.engine.ledger import SpanKind
from interject.model_runtime.engine.reply import Reply, StopCriteria
from interject.model_runtime.engine.reply_history import ReplyHistory
from interject.model_runtime.engine.request import TypedTurn
from interject.model_runtime.engine.sampling import Sampler
from interject.model_runtime.protocol import Cause, Emotion, EndReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import Tokenizer

    from interject.model_runtime.engine.audio_queue import QueuedChunk
    from interject.model_runtime.engine.event_emitter import EventEmitter
    from interject.model_runtime.engine.request import ForcedReply, Request
    from interject.model_runtime.engine.session_memory import SessionMemory
    from interject.model_runtime.engine.snapshot import Snapshot
    from interject.model_runtime.engine.token_draw import TokenDraw
    from interject.model_runtime.network.layout import TokenLayout
    from interject.model_runtime.protocol import SessionOptions


class Conversation:
    """`pending_ids` were decided on or drawn, and go in front of whatever is fed next: KEEP_SILENCE
    after silence, TEXT_END after a reply, and what begins the reply in progress.

    `reply` is the one in progress. `replied_at` is when it began, on the engine's clock.
    """

    def __init__(
        self,
        options: SessionOptions,
        *,
        memory: SessionMemory,
        events: EventEmitter,
        layout: TokenLayout,
        tokenizer: Tokenizer | None,
    ) -> None:
        self.pending_ids: list[int] = []
        self.reply: Reply | None = None
        self.replied_at = 0.0
        self.reply_count = 0
        self.decided_seq = -1
        self.history = ReplyHistory()
        self.sampler = Sampler(options.sampling)
        self._memory = memory
        self._events = events
        self._layout = layout
        self._tokenizer = tokenizer
        self._stop_criteria = StopCriteria(options.max_reply_tokens, layout.text_end)

    # Chunks

    def audio_input(self, chunks: Sequence[QueuedChunk]) -> ForwardInput:
        """Blocks of sound, as if the model stayed silent in between; each wants a decision."""
        ids: list[int] = []
        ends: list[int] = []
        embeddings = []
        control = self.pending_ids
        for chunk in chunks:
            assert chunk.embeddings is not None, "a chunk is encoded before it is decided"
            embeddings.append(chunk.embeddings)
            ids += [*control, self._layout.audio_begin]
            ids += [AUDIO] * len(chunk.embeddings)
            ids.append(self._layout.assistant)
            ends.append(len(ids) - 1)
            control = [self._layout.keep_silence]
        return ForwardInput(tuple(ids), tuple(embeddings), tuple(ends))

    def decided(self, seq: int) -> None:
        """That frame's chunk was; it is followed by silence, unless `respond` says otherwise."""
        self.pending_ids = [self._layout.keep_silence]
        self.decided_seq = seq

    def respond(self) -> None:
        """Reply to the chunk that was just decided."""
        self.open_reply(Cause.MODEL, [self._layout.text_begin])

    # Turns

    def begin(self, request: Request) -> ForwardInput:
        """Open a reply, or return an input after which nothing is drawn."""
        if isinstance(request, TypedTurn):
            return self._take_turn(request)
        lead = self._reply_head()
        if request.ids is not None:
            return self._say(request, request.ids, lead)
        self.open_reply(request.cause, lead)
        return self.next_input()

    def rows(self, request: Request) -> int:
        """The most positions that beginning it takes."""
        asked = self._layout.user_turn(request.ids or ())
        return len(self.pending_ids) + len(asked) + len(self._turn_of_its_own)

    def _take_turn(self, turn: TypedTurn) -> ForwardInput:
        ids = [*self.pending_ids, *self._layout.user_turn(turn.ids)]
        self.pending_ids = [] if turn.answer else [ids.pop()]
        self._memory.append(SpanKind.TEXT_TURN, ids)
        if not turn.answer:
            return ForwardInput(tuple(ids))
        self.open_reply(Cause.TEXT_TURN, self._turn_of_its_own)
        return self.next_input(behind=ids)

    @property
    def _turn_of_its_own(self) -> list[int]:
        return [self._layout.assistant, self._layout.text_begin]

    def _reply_head(self) -> list[int]:
        """The ids that open a reply. Right after a silent decision the model's turn is open."""
        if self.pending_ids == [self._layout.keep_silence]:
            return [self._layout.text_begin]
        return [*self.pending_ids, *self._turn_of_its_own]

    def _say(self, request: ForcedReply, ids: Sequence[int], lead: list[int]) -> ForwardInput:
        stop_criteria = StopCriteria(len(ids) + 1, self._layout.text_end)
        reply = self._new_reply(Cause.SAY, stop_criteria)
        reply.emotion = request.emotion
        self._tell(reply)
        text = "".join(reply.accept(token) for token in (*ids, self._layout.text_end))
        self._events.delta(reply, ids, text)
        self._end_reply(reply, unfed=())
        emotion = [self._layout.emotions[request.emotion]] if self._layout.emotion_slot else []
        inputs = ForwardInput((*lead, *emotion, *ids))
        self._memory.append(SpanKind.REPLY, inputs.ids, reply_id=reply.reply_id)
        return inputs

    # The reply in progress

    def open_reply(self, cause: Cause, ids: list[int], *, emotion: bool = True) -> None:
        """Begin one with these ids; its emotion is drawn first, unless there is to be none."""
        self.reply = self._new_reply(cause, self._stop_criteria)
        self.pending_ids = ids
        if not (emotion and self._layout.emotion_slot):
            self.reply.emotion = Emotion.NORMAL
            if cause is Cause.MODEL:
                self._tell(self.reply)

    def _tell(self, reply: Reply) -> None:
        """That a reply begins; not before the journal knows it, or another engine would say so
        again: a request's with its first token.
        """
        if not reply.told:
            reply.told = True
            self._events.started(reply)

    def next_input(self, *, behind: Sequence[int] = ()) -> ForwardInput:
        """The reply's next rows, after which a token is drawn."""
        reply = self.reply
        assert reply is not None, "only a reply in progress goes on"
        ids = self.pending_ids or [reply.tokens[-1]]
        self.pending_ids = []
        self._memory.append(SpanKind.REPLY, ids, reply_id=reply.reply_id)
        return ForwardInput((*behind, *ids), wants_token=True, emotion=reply.emotion is None)

    def token_draw(self) -> TokenDraw | None:
        """How the reply's next token is drawn; None: the one with the largest logit."""
        reply = self.reply
        assert reply is not None, "only a reply in progress draws tokens"
        if reply.emotion is None:
            return None
        return self.sampler.token_draw(reply_id=reply.reply_id, index=len(reply.tokens))

    def drew(self, token: int, now: float) -> None:
        """Take the token that follows what was fed last."""
        reply = self.reply
        assert reply is not None, "only a reply in progress draws tokens"
        if reply.emotion is None:
            reply.emotion = self._layout.emotion_of(token)
            self.pending_ids = [token]
            self.replied_at = now
            self._tell(reply)
            return
        self._tell(reply)
        before = len(reply.tokens)
        text = reply.accept(token, self.sampler)
        fresh = tuple(reply.tokens[before:])
        self._events.delta(reply, fresh, text)
        if reply.ended is not None:
            self._end_reply(reply, unfed=fresh)

    def close(self) -> None:
        """The session ends: so does the reply in progress, which is nothing to the next one."""
        reply, self.reply = self.reply, None
        if reply is not None and reply.told:
            reply.ended = EndReason.CANCELLED
            self._events.ended(reply)

    def _new_reply(self, cause: Cause, stop_criteria: StopCriteria) -> Reply:
        reply = Reply(self.reply_count, self.decided_seq, cause, stop_criteria, self._tokenizer)
        self.reply_count += 1
        return reply

    def _end_reply(self, reply: Reply, *, unfed: Sequence[int]) -> None:
        """What is `unfed` of it is part of it all the same: its rows are computed."""
        if unfed:
            self._memory.append(SpanKind.REPLY, unfed, reply_id=reply.reply_id)
        self.pending_ids = [self._layout.text_end]
        self.reply = None
        self.history.add(reply)
        self._events.ended(reply)

    # What was heard

    def heard(self, reply_id: int, chars: int) -> None:
        """Note that a reply was played out up to here."""
        if self.history.get(reply_id) or (self.reply and self.reply.reply_id == reply_id):
            self.history.heard(reply_id, chars)

    def cancel(self, reply_id: int, heard_chars: int) -> None:
        """Keep what was heard of a reply, forget the rest, wherever the reply now is."""
        heard_chars = max(heard_chars, self.history.heard_chars.get(reply_id, 0))
        past = self.history.get(reply_id)
        if self.reply is not None and self.reply.reply_id == reply_id:
            if self.reply.told:
                self._cancel_current(self.reply, heard_chars)
        elif past is not None:
            self._cancel_past(past, heard_chars)

    def _cancel_current(self, reply: Reply, heard_chars: int) -> None:
        """Of the tokens drawn so far all but the last were fed."""
        unfed = self.pending_ids or reply.tokens[-1:]
        drawn = len(reply.tokens)
        kept = reply.keep_heard(heard_chars)
        self._end_reply(reply, unfed=unfed)
        self._memory.shorten_reply(reply.reply_id, drawn - kept)

    def _cancel_past(self, reply: Reply, heard_chars: int) -> None:
        if reply.ended is EndReason.CANCELLED or heard_chars >= len(reply.text):
            return
        drawn = len(reply.tokens)
        self._memory.shorten_reply(reply.reply_id, drawn - reply.keep_heard(heard_chars))
        self._events.ended(reply)

    # Restoring

    def resume(self, snapshot: Snapshot) -> None:
        """Become what another engine's session was."""
        self.pending_ids = list(snapshot.pending_ids)
        if snapshot.reply is not None:
            self.reply = Reply.resume(snapshot.reply, self._stop_criteria, self._tokenizer)
        self.history.resume(
            (Reply.resume(r, self._stop_criteria, self._tokenizer) for r in snapshot.reply_history),
            snapshot.heard_chars,
        )
        self.reply_count = snapshot.reply_count
        self.decided_seq = snapshot.decided_seq
