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
from interject.model_runtime.redis.worker.engine_session import Batch, Guest
from interject.model_runtime.redis.worker.intake import Refused
from interject.model_runtime.redis.worker.recovery.restorers import Restorers
from interject.model_runtime.redis.worker.snapshot_codec import write_journal, write_snapshot
from interject.model_runtime.redis.worker.token_encoding import Spelt, given
from interject.model_runtime.remote import wire
from interject.model_runtime.threads import spare_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.model_runtime.engine.engine import Engine
    from interject.model_runtime.engine.forward_input import ForwardInput
    from interject.model_runtime.engine.snapshot import SavedSession
    from interject.model_runtime.redis.worker.recovery.restorers import Action, Newcomer
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
        self._guests: dict[str, Guest] = {}
        self._told: dict[str, Guest] = {}
        self._restorers = Restorers(spare_threads())
        self.failed: asyncio.Future[None] = self._loop.create_future()
        self._thread = EngineThread(engine, stepped=self._hand_out, ended=self._end)

    async def aclose(self) -> None:
        """Stop the thread; sessions are left as they are."""
        self._thread.stop()
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._restorers.close)

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
        guest = Guest(key, epoch, options, cursor, self._has_news)
        self._put(lambda: self._admit(guest, prefix))

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
        guest = Guest(key, epoch, options, cursor, self._has_news, entries=entries)
        self._put(lambda: self._restore(guest, prefix, known))

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

    def _admit(self, guest: Guest, prefix: ForwardInput | RuntimeFailure) -> None:
        self._guests[guest.key] = guest
        try:
            with self._engine.contained():
                guest.stream = self._engine.open(
                    guest.options, guest.emit, prefix=given(prefix), name=guest.key
                )
                self._engine.attach_journal(guest.key, guest.note)
        except RuntimeFailure as error:
            guest.emit(wire.Opened(str(error)))
            guest.end(str(error))
        else:
            guest.emit(wire.Opened())

    def _restore(
        self, guest: Guest, prefix: ForwardInput | RuntimeFailure, known: SavedSession
    ) -> None:
        try:
            with self._engine.contained():
                restoration = self._engine.restore(
                    guest.options, known, prefix=given(prefix), name=guest.key
                )
        except RuntimeFailure as error:
            self._lose(guest, error)
        else:
            self._restorers.begin(guest, restoration, self._restored)

    def _restored(self, newcomer: Newcomer) -> None:
        """In a restorer's thread."""
        self._put(lambda: self._join(newcomer))

    def _join(self, newcomer: Newcomer) -> None:
        guest = newcomer.guest
        try:
            if not self._restorers.arrive(newcomer):
                return
        except RuntimeFailure as error:
            logger.exception("a session cannot be restored", extra={"session": shown(guest.key)})
            self._engine.discard(newcomer.restoration)
            self._lose(guest, error)
            return
        self._engine.join(newcomer.restoration, guest.emit, guest.note)
        guest.stream = newcomer.restoration.stream
        guest.evictions = self._engine.evictions(guest.key)
        self._guests[guest.key] = guest
        for action in newcomer.later:
            action()

    def _lose(self, guest: Guest, error: RuntimeFailure) -> None:
        """End a session that cannot go on: it would fail in every other worker, too."""
        guest.end(str(error))
        self._guests[guest.key] = guest

    def _take_in_all(self, inputs: Sequence[Input]) -> None:
        for key, entry, item in inputs:
            self._take_in(key, entry, item)

    def _take_in(self, key: str, entry: str, item: wire.Input | Refused | Spelt) -> None:
        guest = self._guests.get(key)
        if guest is None:
            self._restorers.defer(key, partial(self._take_in, key, entry, item))
            return
        if guest.closed:
            return
        guest.cursor = entry
        if isinstance(item, Refused):
            if item.asked:
                guest.answer(entry, item.error)
            return
        if isinstance(item, Frame):
            guest.entries.setdefault(item.seq, entry)
        try:
            with self._engine.contained(guest.stream):
                self._apply(guest.key, item)
        except SessionClosed:
            logger.debug("input for a session that has just ended")
        except RuntimeFailure as error:
            guest.answer(entry, str(error))
        else:
            if isinstance(item, Spelt):
                guest.answer(entry)

    def _apply(self, session_id: str, item: wire.Input | Spelt) -> None:
        engine = self._engine
        match item:
            case Frame():
                engine.push(session_id, item)
            case Spelt(wire.Say(emotion=emotion)):
                engine.say(session_id, given(item.ids), emotion)
            case Spelt(wire.TextTurn(answer=answer)):
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
        if key in self._guests:
            self._engine.close(key, reason, detail)
        else:
            self._restorers.defer(key, partial(self._close, key, reason, detail))

    def _snapshot(self, key: str, leave: bool) -> None:
        guest = self._guests.get(key)
        if guest is None:
            self._restorers.defer(key, partial(self._snapshot, key, leave))
            return
        if guest.closed:
            return
        guest.wants_snapshot = True
        self._has_news(guest)
        if leave:
            last = replace(self._batch(guest), last=True)
            self._loop.call_soon_threadsafe(self._deliver, [last])
            self._abandon(key)

    def _abandon(self, key: str) -> None:
        guest = self._guests.pop(key, None)
        restoration = self._restorers.turn_back(key)
        if guest is not None:
            self._engine.abandon(guest.key)
        elif restoration is not None:
            self._engine.discard(restoration)

    def _has_news(self, guest: Guest) -> None:
        self._told[guest.key] = guest

    def _hand_out(self) -> None:
        """Asks only those with news: a thousand may be silent."""
        told, self._told = self._told, {}
        batches = [self._batch(guest) for key, guest in told.items() if self._is_here(key, guest)]
        if not batches:
            return
        for batch in batches:
            if batch.closed:
                del self._guests[batch.key]
        self._loop.call_soon_threadsafe(self._deliver, batches)

    def _is_here(self, key: str, guest: Guest) -> bool:
        """Neither abandoned nor closed since it had news."""
        return self._guests.get(key) is guest

    def _batch(self, guest: Guest) -> Batch:
        with contextlib.suppress(RuntimeFailure), self._engine.contained(guest.stream):
            if not guest.closed:
                return self._going_on(guest)
        if not guest.closed:
            guest.end("the session failed; see the log")
        return Batch(guest.key, guest.epoch, tuple(guest.outputs), guest.cursor, closed=True)

    def _going_on(self, guest: Guest) -> Batch:
        """What was done is forgotten here as soon as all of it is written down."""
        evictions = self._engine.evictions(guest.key)
        noted = guest.noted + len(guest.deeds)
        if guest.wants_snapshot or evictions > guest.evictions or noted > LONGEST_JOURNAL:
            batch = self._with_snapshot(guest)
            guest.evictions, guest.noted, guest.wants_snapshot = evictions, 0, False
        else:
            journal = write_journal(guest.deeds, guest.cursor, model=self._model)
            outputs = tuple(guest.outputs)
            batch = Batch(guest.key, guest.epoch, outputs, guest.cursor, journal)
            guest.noted = noted
        guest.outputs.clear()
        guest.deeds.clear()
        return batch

    def _with_snapshot(self, guest: Guest) -> Batch:
        snapshot = self._engine.snapshot(guest.key)
        first = snapshot.audio_cursor.next_seq
        written = write_snapshot(snapshot, guest.cursor, model=self._model)
        guest.entries = {seq: entry for seq, entry in guest.entries.items() if seq >= first}
        return Batch(
            guest.key,
            guest.epoch,
            tuple(guest.outputs),
            guest.cursor,
            snapshot=written,
            keep_from=guest.entries.get(first, guest.cursor),
        )
