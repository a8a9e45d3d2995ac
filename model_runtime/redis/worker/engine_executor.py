"""What the engine's thread does for Redis: inputs go in, batches of what came of them come out."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from interject.model_runtime.names import shown
from interject.model_runtime.protocol import (
    CloseReason,
    Frame,
    RuntimeFailure,
    SessionClosed,
)
from interject.model_runtime.redis.worker.batch import Batch
from interject.model_runtime.redis.worker.intake import Refused
from interject.model_runtime.redis.worker.snapshot_codec import write_journal, write_snapshot
from interject.model_runtime.redis.worker.token_encoding import EncodedText, given
from interject.model_runtime.remote import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.model_runtime.engine.engine import Engine
    from interject.model_runtime.engine.forward_input import ForwardInput
    from interject.model_runtime.engine.snapshot import SavedSession
    from interject.model_runtime.redis.worker.engine_session import EngineSession
    from interject.model_runtime.redis.worker.owned_session import Action, OwnedSession
    from interject.model_runtime.redis.worker.recovery.restore_pool import (
        PendingRestore,
        RestorePool,
    )
    from interject.model_runtime.redis.worker.token_encoding import Input

LONGEST_JOURNAL = 2_000

logger = logging.getLogger(__name__)


class EngineExecutor:
    """Every method is called in the engine's thread, and touches nothing of a session but `engine`
    and what never changes. The engine calls a session by its key: two tenants may have chosen one
    id.

    `model` is the fingerprint of the engine's. `deliver` and `joined` may be called from any
    thread, and so may `put`, which has an action done in this one.
    """

    def __init__(
        self,
        engine: Engine,
        pool: RestorePool,
        *,
        model: str,
        put: Callable[[Action], None],
        deliver: Callable[[list[Batch]], None],
        joined: Callable[[OwnedSession], None],
    ) -> None:
        self._engine = engine
        self._pool = pool
        self._model = model
        self._put = put
        self._deliver = deliver
        self._joined = joined
        self._told: dict[OwnedSession, None] = {}

    # Coming

    def admit(self, session: OwnedSession, prefix: ForwardInput | RuntimeFailure) -> None:
        """Begin a session; its first output says whether that was possible."""
        part = self._expect(session)
        part.here = True
        try:
            with self._engine.contained():
                part.stream = self._engine.open(
                    session.options, part.emit, prefix=given(prefix), name=session.key
                )
                self._engine.attach_journal(session.key, part.note)
        except RuntimeFailure as error:
            part.emit(wire.Opened(str(error)))
            part.end(str(error))
        else:
            part.emit(wire.Opened())

    def restore(
        self, session: OwnedSession, prefix: ForwardInput | RuntimeFailure, known: SavedSession
    ) -> None:
        """Go on with a session of another worker, once what it knew is remembered."""
        part = self._expect(session)
        try:
            with self._engine.contained():
                restoration = self._engine.restore(
                    session.options, known, prefix=given(prefix), name=session.key
                )
        except RuntimeFailure as error:
            self._lose(part, error)
        else:
            part.restore = self._pool.begin(session, restoration, self._restored)

    def _expect(self, session: OwnedSession) -> EngineSession:
        session.engine.has_news = partial(self._has_news, session)
        return session.engine

    def _restored(self, pending: PendingRestore) -> None:
        """In a restorer's thread."""
        self._put(lambda: self._join(pending))

    def _join(self, pending: PendingRestore) -> None:
        session = pending.session
        part = session.engine
        try:
            if not self._pool.arrive(pending):
                return
        except RuntimeFailure as error:
            logger.exception("a session cannot be restored", extra={"session": shown(session.key)})
            self._engine.discard(pending.restoration)
            self._lose(part, error)
            return
        self._engine.join(pending.restoration, part.emit, part.note)
        part.restore = None
        part.stream = pending.restoration.stream
        part.evictions = self._engine.evictions(session.key)
        part.here = True
        self._joined(session)

    def _lose(self, part: EngineSession, error: RuntimeFailure) -> None:
        """End a session that cannot go on: it would fail in every other worker, too."""
        part.restore = None
        part.here = True
        part.end(str(error))

    # What is asked of those that are here

    def take_in(self, inputs: Sequence[Input]) -> None:
        """Frames and controls."""
        for session, entry, item in inputs:
            self._take_in(session, entry, item)

    def _take_in(
        self, session: OwnedSession, entry: str, item: wire.Input | Refused | EncodedText
    ) -> None:
        part = session.engine
        if not part.here or part.closed:
            return
        part.cursor = entry
        if isinstance(item, Refused):
            if item.asked:
                part.answer(entry, item.error)
            return
        if isinstance(item, Frame):
            part.places.setdefault(item.seq, entry)
        try:
            with self._engine.contained(part.stream):
                self._apply(session.key, item)
        except SessionClosed:
            logger.debug("input for a session that has just ended")
        except RuntimeFailure as error:
            part.answer(entry, str(error))
        else:
            if isinstance(item, EncodedText):
                part.answer(entry)

    def _apply(self, name: str, item: wire.Input | EncodedText) -> None:
        engine = self._engine
        match item:
            case Frame():
                engine.push(name, item)
            case EncodedText(wire.Say(emotion=emotion)):
                engine.say(name, given(item.ids), emotion)
            case EncodedText(wire.TextTurn(answer=answer)):
                engine.text_turn(name, given(item.ids), answer=answer)
            case wire.AnswerNow():
                engine.answer_now(name)
            case wire.Cancel(reply_id, heard_chars):
                engine.cancel(name, reply_id, heard_chars)
            case wire.Heard(reply_id, chars):
                engine.heard(name, reply_id, chars)
            case wire.Update(threshold, mode):
                engine.update(name, threshold=threshold, mode=mode)
            case wire.Finish():
                engine.finish(name)
            case wire.Close(reason):
                engine.close(name, reason)

    def close(self, session: OwnedSession, reason: CloseReason, detail: str) -> None:
        """End a session."""
        if session.engine.here:
            self._engine.close(session.key, reason, detail)

    def snapshot(self, session: OwnedSession) -> None:
        """Have the next batch hold a snapshot."""
        part = session.engine
        if part.here and not part.closed:
            part.wants_snapshot = True
            self._has_news(session)

    def leave(self, session: OwnedSession) -> None:
        """Hand out one more batch, with a snapshot, and forget the session."""
        part = session.engine
        if not part.here or part.closed:
            return
        part.wants_snapshot = True
        self._deliver([replace(self._batch(session), last=True)])
        self.abandon(session)

    def abandon(self, session: OwnedSession) -> None:
        """Forget a session, which may be on its way still: it is nobody's here."""
        part = session.engine
        if part.here:
            part.here = False
            self._engine.abandon(session.key)
        elif part.restore is not None:
            self._pool.turn_back(part.restore)
            self._engine.discard(part.restore.restoration)
            part.restore = None

    # What came of it

    def hand_out(self) -> None:
        """Asks only those with news: a thousand may be silent."""
        told, self._told = self._told, {}
        batches = [self._batch(session) for session in told if session.engine.here]
        if not batches:
            return
        for batch in batches:
            if batch.closed:
                batch.session.engine.here = False
        self._deliver(batches)

    def _has_news(self, session: OwnedSession) -> None:
        self._told[session] = None

    def _batch(self, session: OwnedSession) -> Batch:
        part = session.engine
        with contextlib.suppress(RuntimeFailure), self._engine.contained(part.stream):
            if not part.closed:
                return self._going_on(session)
        if not part.closed:
            part.end("the session failed; see the log")
        return Batch(session, tuple(part.outputs), part.cursor, closed=True)

    def _going_on(self, session: OwnedSession) -> Batch:
        """What was done is forgotten here as soon as all of it is written down. A snapshot that
        nobody asked for can wait until the device is done with the session, as a journal does as
        well; but one that is alone with its device always takes part in a step.
        """
        part = session.engine
        evictions = self._engine.evictions(session.key)
        noted = part.noted + len(part.journal)
        due = evictions > part.evictions
        overdue = evictions > part.evictions + 1 or noted > LONGEST_JOURNAL
        idle = not self._engine.in_step(session.key)
        if part.wants_snapshot or overdue or (due and idle):
            batch = self._with_snapshot(session)
            part.evictions, part.noted, part.wants_snapshot = evictions, 0, False
        else:
            journal = write_journal(part.journal, part.cursor, model=self._model)
            batch = Batch(session, tuple(part.outputs), part.cursor, journal)
            part.noted = noted
        part.outputs.clear()
        part.journal.clear()
        return batch

    def _with_snapshot(self, session: OwnedSession) -> Batch:
        part = session.engine
        snapshot = self._engine.snapshot(session.key)
        first = snapshot.audio_cursor.next_seq
        written = write_snapshot(snapshot, part.cursor, model=self._model)
        part.places = {seq: entry for seq, entry in part.places.items() if seq >= first}
        return Batch(
            session,
            tuple(part.outputs),
            part.cursor,
            snapshot=written,
            keep_from=part.places.get(first, part.cursor),
        )
