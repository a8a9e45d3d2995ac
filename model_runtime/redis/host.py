"""The engine's thread in a worker: inputs go in, batches of what came of them come out."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Frame,
    RuntimeFailure,
    SessionClosed,
    SessionOptions,
)
from interject.model_runtime.redis.guest import Batch, Guest
from interject.model_runtime.redis.memo import write_journal, write_snapshot
from interject.model_runtime.redis.restorers import Restorers
from interject.model_runtime.remote import wire
from interject.model_runtime.threads import spare_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.model_runtime.engine.engine import Engine
    from interject.model_runtime.engine.recall import Recollection
    from interject.model_runtime.redis.restorers import Action, Newcomer

Input = tuple[str, str, "wire.Input"]
"""A session's key, the id of an entry of its input stream, and what that holds."""
LONGEST_JOURNAL = 2_000
_IDLE_WAIT_S = 0.2

logger = logging.getLogger(__name__)


class EngineHost:
    """Owns the thread that owns the engine. Every method may be called from the event loop."""

    def __init__(self, engine: Engine, deliver: Callable[[list[Batch]], None]) -> None:
        self._engine = engine
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._inbox: queue.SimpleQueue[Action | None] = queue.SimpleQueue()
        self._guests: dict[str, Guest] = {}
        self._told: dict[str, Guest] = {}
        self._restorers = Restorers(spare_threads())
        self.failed: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._work, name="interject-engine", daemon=True)
        self._thread.start()

    async def aclose(self) -> None:
        """Stop the thread; sessions are left as they are."""
        self._inbox.put(None)
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._restorers.close)

    def admit(self, key: str, epoch: int, options: SessionOptions, *, cursor: str) -> None:
        """Begin a session; its first output says whether that was possible."""
        guest = Guest(key, epoch, options, cursor, self._has_news)
        self._inbox.put(lambda: self._admit(guest))

    def restore(
        self,
        key: str,
        epoch: int,
        options: SessionOptions,
        known: Recollection,
        *,
        cursor: str,
        entries: dict[int, str],
    ) -> None:
        """Go on with a session of another worker; `entries` are the ids of the known frames."""
        guest = Guest(key, epoch, options, cursor, self._has_news, entries=entries)
        self._inbox.put(lambda: self._restore(guest, known))

    def put(self, inputs: Sequence[Input]) -> None:
        """Take in frames and controls, all before the next step."""
        self._inbox.put(lambda: self._put_all(inputs))

    def close(self, key: str, reason: CloseReason, detail: str) -> None:
        """End a session."""
        self._inbox.put(lambda: self._close(key, reason, detail))

    def snapshot(self, key: str, *, leave: bool = False) -> None:
        """Have the next batch hold a snapshot; with `leave` it is the last one."""
        self._inbox.put(lambda: self._snapshot(key, leave))

    def abandon(self, key: str) -> None:
        """Forget a session that another worker has."""
        self._inbox.put(lambda: self._abandon(key))

    # In the engine's thread

    def _work(self) -> None:
        try:
            busy = False
            while self._take_in(wait=not busy):
                busy = self._engine.step()
                self._hand_out()
        except Exception as error:
            logger.exception("the engine failed")
            failure = RuntimeFailure(f"the engine failed ({type(error).__name__}); see the log")
            self._loop.call_soon_threadsafe(self.failed.set_exception, failure)

    def _take_in(self, *, wait: bool) -> bool:
        """Everything that was put in; False when nothing more will be."""
        try:
            action = self._inbox.get(block=wait, timeout=_IDLE_WAIT_S if wait else None)
            while action is not None:
                action()
                action = self._inbox.get_nowait()
        except queue.Empty:
            return True
        return False

    def _admit(self, guest: Guest) -> None:
        try:
            self._engine.open(guest.options, guest.emit)
            self._engine.report(guest.session_id, guest.note)
        except RuntimeFailure as error:
            guest.emit(wire.Opened(str(error)))
            guest.emit(Closed(guest.session_id, CloseReason.FAILURE, str(error)))
        else:
            guest.emit(wire.Opened())
        self._guests[guest.key] = guest

    def _restore(self, guest: Guest, known: Recollection) -> None:
        try:
            restoration = self._engine.take_in(guest.options, known)
        except RuntimeFailure as error:
            self._lose(guest, error)
        else:
            self._restorers.begin(guest, restoration, self._restored)

    def _restored(self, newcomer: Newcomer) -> None:
        """In a restorer's thread."""
        self._inbox.put(lambda: self._join(newcomer))

    def _join(self, newcomer: Newcomer) -> None:
        guest = newcomer.guest
        try:
            if not self._restorers.arrive(newcomer):
                return
        except RuntimeFailure as error:
            logger.exception("a session cannot be restored", extra={"session": guest.key})
            self._engine.discard(newcomer.restoration)
            self._lose(guest, error)
            return
        self._engine.join(newcomer.restoration, guest.emit, guest.note)
        guest.evictions = self._engine.evictions(guest.session_id)
        self._guests[guest.key] = guest
        for action in newcomer.later:
            action()

    def _lose(self, guest: Guest, error: RuntimeFailure) -> None:
        """End a session that cannot go on: it would fail in every other worker, too."""
        guest.emit(Closed(guest.session_id, CloseReason.FAILURE, str(error)))
        self._guests[guest.key] = guest

    def _put_all(self, inputs: Sequence[Input]) -> None:
        for key, entry, item in inputs:
            self._put(key, entry, item)

    def _put(self, key: str, entry: str, item: wire.Input) -> None:
        guest = self._guests.get(key)
        if guest is None:
            self._restorers.defer(key, partial(self._put, key, entry, item))
            return
        if guest.closed:
            return
        guest.cursor = entry
        if isinstance(item, Frame):
            guest.entries.setdefault(item.seq, entry)
        try:
            self._apply(guest.session_id, item)
        except SessionClosed:
            logger.debug("input for a session that has just ended")
        except RuntimeFailure as error:
            guest.emit(wire.Answer(entry, str(error)))
        else:
            if isinstance(item, wire.Say | wire.TextTurn):
                guest.emit(wire.Answer(entry))

    def _apply(self, session_id: str, item: wire.Input) -> None:
        engine = self._engine
        match item:
            case Frame():
                engine.push(session_id, item)
            case wire.Say(text, emotion):
                engine.say(session_id, text, emotion)
            case wire.TextTurn(text, answer):
                engine.text_turn(session_id, text, answer=answer)
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
            self._engine.close(self._guests[key].session_id, reason, detail)
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
            self._engine.abandon(guest.session_id)
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
        outputs, deeds = tuple(guest.outputs), tuple(guest.deeds)
        guest.outputs.clear()
        guest.deeds.clear()
        if guest.closed:
            return Batch(guest.key, guest.epoch, outputs, guest.cursor, closed=True)
        guest.noted += len(deeds)
        evictions = self._engine.evictions(guest.session_id)
        if guest.wants_snapshot or evictions > guest.evictions or guest.noted > LONGEST_JOURNAL:
            guest.evictions, guest.noted, guest.wants_snapshot = evictions, 0, False
            return self._with_snapshot(guest, outputs)
        journal = write_journal(deeds, guest.cursor)
        return Batch(guest.key, guest.epoch, outputs, guest.cursor, journal)

    def _with_snapshot(self, guest: Guest, outputs: tuple[wire.Output, ...]) -> Batch:
        snapshot = self._engine.snapshot(guest.session_id)
        first = snapshot.ear.next_seq
        guest.entries = {seq: entry for seq, entry in guest.entries.items() if seq >= first}
        return Batch(
            guest.key,
            guest.epoch,
            outputs,
            guest.cursor,
            snapshot=write_snapshot(snapshot, guest.cursor),
            keep_from=guest.entries.get(first, guest.cursor),
        )
