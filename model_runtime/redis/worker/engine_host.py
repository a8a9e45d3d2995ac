"""The engine's thread in a worker: inputs go in, batches of what came of them come out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from interject.model_runtime.engine.thread import EngineThread
from interject.model_runtime.names import shown
from interject.model_runtime.protocol import (
    CloseReason,
    Frame,
    RuntimeFailure,
    SessionClosed,
    SessionOptions,
)
from interject.model_runtime.redis.worker.engine_session import Batch, EngineSession
from interject.model_runtime.redis.worker.intake import Refused
from interject.model_runtime.redis.worker.recovery.restore_pool import RestorePool
from interject.model_runtime.redis.worker.snapshot_codec import write_journal, write_snapshot
from interject.model_runtime.redis.worker.token_encoding import EncodedText, given
from interject.model_runtime.remote import wire
from interject.model_runtime.threads import spare_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.model_runtime.engine.engine import Engine
    from interject.model_runtime.engine.forward_input import ForwardInput
    from interject.model_runtime.engine.snapshot import SavedSession
    from interject.model_runtime.redis.worker.recovery.restore_pool import Action, PendingRestore
    from interject.model_runtime.redis.worker.token_encoding import Input

LONGEST_JOURNAL = 2_000

logger = logging.getLogger(__name__)


class EngineHost:
    """What the engine's thread does for Redis. Every method may be called from the event loop.

    `model` is the fingerprint of the engine's.
    """

    def __init__(
        self, engine: Engine, deliver: Callable[[list[Batch]], None], *, model: str
    ) -> None:
        self._engine = engine
        self._model = model
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._sessions: dict[str, EngineSession] = {}
        self._told: dict[str, EngineSession] = {}
        self._pool = RestorePool(spare_threads())
        self.failed: asyncio.Future[None] = self._loop.create_future()
        self._thread = EngineThread(engine, stepped=self._hand_out, ended=self._end)

    async def aclose(self) -> None:
        """Stop the thread; sessions are left as they are."""
        self._thread.stop()
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._pool.close)

    def admit(
        self,
        key: str,
        epoch: int,
        options: SessionOptions,
        prefix: ForwardInput | RuntimeFailure,
        *,
        cursor: str,
    ) -> None:
        """Begin a session; its first output says whether that was possible."""
        session = EngineSession(key, epoch, options, cursor, self._has_news)
        self._put(lambda: self._admit(session, prefix))

    def restore(
        self,
        key: str,
        epoch: int,
        options: SessionOptions,
        prefix: ForwardInput | RuntimeFailure,
        known: SavedSession,
        *,
        cursor: str,
        entries: dict[int, str],
    ) -> None:
        """Go on with a session of another worker; `entries` are the ids of the known frames."""
        session = EngineSession(key, epoch, options, cursor, self._has_news, entries=entries)
        self._put(lambda: self._restore(session, prefix, known))

    def put(self, inputs: Sequence[Input]) -> None:
        """Take in frames and controls, all before the next step."""
        self._put(lambda: self._take_in_all(inputs))

    def close(self, key: str, reason: CloseReason, detail: str) -> None:
        """End a session."""
        self._put(lambda: self._close(key, reason, detail))

    def snapshot(self, key: str, *, leave: bool = False) -> None:
        """Have the next batch hold a snapshot; with `leave` it is the last one."""
        self._put(lambda: self._snapshot(key, leave))

    def abandon(self, key: str) -> None:
        """Forget a session that another worker has."""
        self._put(lambda: self._abandon(key))

    def _put(self, action: Action) -> None:
        """An engine that has ended says so by `failed`."""
        with contextlib.suppress(SessionClosed):
            self._thread.put(action)

    # In the engine's thread

    def _end(self, error: Exception | None) -> None:
        if error is None:
            return
        failure = RuntimeFailure(f"the engine failed ({type(error).__name__}); see the log")
        with contextlib.suppress(RuntimeError):  # The loop has ended before.
            self._loop.call_soon_threadsafe(self.failed.set_exception, failure)

    def _admit(self, session: EngineSession, prefix: ForwardInput | RuntimeFailure) -> None:
        self._sessions[session.key] = session
        try:
            with self._engine.contained():
                session.stream = self._engine.open(
                    session.options, session.emit, prefix=given(prefix), name=session.key
                )
                self._engine.attach_journal(session.key, session.note)
        except RuntimeFailure as error:
            session.emit(wire.Opened(str(error)))
            session.end(str(error))
        else:
            session.emit(wire.Opened())

    def _restore(
        self, session: EngineSession, prefix: ForwardInput | RuntimeFailure, known: SavedSession
    ) -> None:
        try:
            with self._engine.contained():
                restoration = self._engine.restore(
                    session.options, known, prefix=given(prefix), name=session.key
                )
        except RuntimeFailure as error:
            self._lose(session, error)
        else:
            self._pool.begin(session, restoration, self._restored)

    def _restored(self, pending: PendingRestore) -> None:
        """In a restorer's thread."""
        self._put(lambda: self._join(pending))

    def _join(self, pending: PendingRestore) -> None:
        session = pending.session
        try:
            if not self._pool.arrive(pending):
                return
        except RuntimeFailure as error:
            logger.exception("a session cannot be restored", extra={"session": shown(session.key)})
            self._engine.discard(pending.restoration)
            self._lose(session, error)
            return
        self._engine.join(pending.restoration, session.emit, session.note)
        session.stream = pending.restoration.stream
        session.evictions = self._engine.evictions(session.key)
        self._sessions[session.key] = session
        for action in pending.later:
            action()

    def _lose(self, session: EngineSession, error: RuntimeFailure) -> None:
        """End a session that cannot go on: it would fail in every other worker, too."""
        session.end(str(error))
        self._sessions[session.key] = session

    def _take_in_all(self, inputs: Sequence[Input]) -> None:
        for key, entry, item in inputs:
            self._take_in(key, entry, item)

    def _take_in(self, key: str, entry: str, item: wire.Input | Refused | EncodedText) -> None:
        session = self._sessions.get(key)
        if session is None:
            self._pool.defer(key, partial(self._take_in, key, entry, item))
            return
        if session.closed:
            return
        session.cursor = entry
        if isinstance(item, Refused):
            if item.asked:
                session.answer(entry, item.error)
            return
        if isinstance(item, Frame):
            session.entries.setdefault(item.seq, entry)
        try:
            with self._engine.contained(session.stream):
                self._apply(session.key, item)
        except SessionClosed:
            logger.debug("input for a session that has just ended")
        except RuntimeFailure as error:
            session.answer(entry, str(error))
        else:
            if isinstance(item, EncodedText):
                session.answer(entry)

    def _apply(self, session_id: str, item: wire.Input | EncodedText) -> None:
        engine = self._engine
        match item:
            case Frame():
                engine.push(session_id, item)
            case EncodedText(wire.Say(emotion=emotion)):
                engine.say(session_id, given(item.ids), emotion)
            case EncodedText(wire.TextTurn(answer=answer)):
                engine.text_turn(session_id, given(item.ids), answer=answer)
            case wire.AnswerNow():
                engine.answer_now(session_id)
            case wire.Cancel(reply_id, heard_chars):
                engine.cancel(session_id, reply_id, heard_chars)
            case wire.Heard(reply_id, chars):
                engine.heard(session_id, reply_id, chars)
            case wire.Update(threshold, mode):
                engine.update(session_id, threshold=threshold, mode=mode)
            case wire.Finish():
                engine.finish(session_id)
            case wire.Close(reason):
                engine.close(session_id, reason)

    def _close(self, key: str, reason: CloseReason, detail: str) -> None:
        if key in self._sessions:
            self._engine.close(key, reason, detail)
        else:
            self._pool.defer(key, partial(self._close, key, reason, detail))

    def _snapshot(self, key: str, leave: bool) -> None:
        session = self._sessions.get(key)
        if session is None:
            self._pool.defer(key, partial(self._snapshot, key, leave))
            return
        if session.closed:
            return
        session.wants_snapshot = True
        self._has_news(session)
        if leave:
            last = replace(self._batch(session), last=True)
            self._loop.call_soon_threadsafe(self._deliver, [last])
            self._abandon(key)

    def _abandon(self, key: str) -> None:
        session = self._sessions.pop(key, None)
        restoration = self._pool.turn_back(key)
        if session is not None:
            self._engine.abandon(session.key)
        elif restoration is not None:
            self._engine.discard(restoration)

    def _has_news(self, session: EngineSession) -> None:
        self._told[session.key] = session

    def _hand_out(self) -> None:
        """Asks only those with news: a thousand may be silent."""
        told, self._told = self._told, {}
        batches = [
            self._batch(session) for key, session in told.items() if self._is_here(key, session)
        ]
        if not batches:
            return
        for batch in batches:
            if batch.closed:
                del self._sessions[batch.key]
        self._loop.call_soon_threadsafe(self._deliver, batches)

    def _is_here(self, key: str, session: EngineSession) -> bool:
        """Neither abandoned nor closed since it had news."""
        return self._sessions.get(key) is session

    def _batch(self, session: EngineSession) -> Batch:
        with contextlib.suppress(RuntimeFailure), self._engine.contained(session.stream):
            if not session.closed:
                return self._going_on(session)
        if not session.closed:
            session.end("the session failed; see the log")
        return Batch(
            session.key, session.epoch, tuple(session.outputs), session.cursor, closed=True
        )

    def _going_on(self, session: EngineSession) -> Batch:
        """What was done is forgotten here as soon as all of it is written down."""
        evictions = self._engine.evictions(session.key)
        noted = session.noted + len(session.deeds)
        if session.wants_snapshot or evictions > session.evictions or noted > LONGEST_JOURNAL:
            batch = self._with_snapshot(session)
            session.evictions, session.noted, session.wants_snapshot = evictions, 0, False
        else:
            journal = write_journal(session.deeds, session.cursor, model=self._model)
            outputs = tuple(session.outputs)
            batch = Batch(session.key, session.epoch, outputs, session.cursor, journal)
            session.noted = noted
        session.outputs.clear()
        session.deeds.clear()
        return batch

    def _with_snapshot(self, session: EngineSession) -> Batch:
        snapshot = self._engine.snapshot(session.key)
        first = snapshot.audio_cursor.next_seq
        written = write_snapshot(snapshot, session.cursor, model=self._model)
        session.entries = {seq: entry for seq, entry in session.entries.items() if seq >= first}
        return Batch(
            session.key,
            session.epoch,
            tuple(session.outputs),
            session.cursor,
            snapshot=written,
            keep_from=session.entries.get(first, session.cursor),
        )
