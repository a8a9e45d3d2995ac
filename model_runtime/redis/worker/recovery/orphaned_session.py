"""What Redis holds of a session, read back by a worker that takes it over."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError, ResponseError

from interject.model_runtime.engine.journal import Decided, Fed, JournalEntry
from interject.model_runtime.engine.snapshot import SavedSession
from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Frame,
    RuntimeFailure,
    SessionOptions,
)
from interject.model_runtime.redis.errors import Handling, handling, raise_errors
from interject.model_runtime.redis.sieve import sift, up_to
from interject.model_runtime.redis.streams import Entries, entries, entry_order, read_entries
from interject.model_runtime.redis.worker.snapshot_codec import read_journal, read_snapshot
from interject.model_runtime.remote import options_codec, wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.model_runtime.redis.connection import RedisClient
    from interject.model_runtime.redis.keys import Keys

ENTRIES_A_READ = 64
_UNREADABLE = (ValueError, LookupError, RuntimeFailure, ResponseError)
MOST_LOST = 2
"""Leases in a row that workers may lose which had taken a session over and did nothing for it.

Three are lost in all, since nobody can say why the first was: kill -9 of a worker with a hundred
sessions looks the same for all of them. Were one more enough, each session of every dead worker
would have to be tried alone, one after the other, or two kills within a minute would end whatever
was being restored at the second. So only what has lost two is tried alone (`assignments`).
"""
GONE = b"!"
"""Ends the epoch of a worker that was no longer connected when it lost its lease."""
BEFORE_ALL = "0-0"
FIRST_ENTRY = "0-1"
"""Every input stream begins with an entry that says nothing, so that it exists."""


@dataclass(frozen=True, slots=True)
class OrphanedSession:
    """A session as it was left.

    `known` is None where no worker has noted anything; `failure` says why it cannot go on. About
    `waiting` input entries had not been dealt with. So many workers as `lost` says had it since
    anything was done for it, and lost their leases without having been starved (`Lease`). Where
    they are too many it is to be closed, but one of them that was stopped or starved, and not
    dead, may still come back: then it is `acquittable`.
    """

    key: str
    options: SessionOptions
    epoch: int
    number: int
    written: int
    cursor: str = FIRST_ENTRY
    known: SavedSession | None = None
    places: dict[int, str] = field(default_factory=dict)
    waiting: int = 0
    has_journal: bool = False
    has_snapshot: bool = False
    failure: str = ""
    lost: int = 0
    acquittable: bool = False

    @property
    def suspect(self) -> bool:
        """Whether one more lost lease ends it."""
        return self.lost == MOST_LOST and not self.failure

    @property
    def urgency(self) -> tuple[int, bool, bool, int]:
        """Larger is more urgent: what takes no time, then a reply in progress, then a backlog.

        What may be why workers lost their leases comes behind all others.
        """
        if self.known is None:
            return -self.lost, True, False, 0
        deeds = self.known.journal
        return -self.lost, False, bool(deeds) and isinstance(deeds[-1], Fed), self.waiting

    @property
    def farewell(self) -> tuple[wire.Output, ...]:
        """What the client of a session that cannot go on is told; it may still wait for it."""
        end = Closed(self.options.session_id, CloseReason.FAILURE, self.failure)
        return (end,) if self.written > 0 else (wire.Opened(self.failure), end)


async def survey(
    client: RedisClient, keys: Keys, arrived: Sequence[str], *, token: str, model: str
) -> dict[str, OrphanedSession]:
    """Those of the sessions that are this worker's, each without its snapshot and frames."""
    pipeline = client.pipeline(transaction=False)
    for key in arrived:
        pipeline.hgetall(keys.session(key))
        pipeline.xrange(keys.journal(key))
        pipeline.xlen(keys.input(key))
    answers = iter(await pipeline.execute(raise_on_error=False))
    found = zip(arrived, answers, answers, answers, strict=True)
    return {
        key: _begin(key, state, journal, length, model)
        for key, state, journal, length in found
        if _is_for(token, state)
    }


def _is_for(token: str, state: wire.Fields | RedisError) -> bool:
    """Whether a session is this worker's.

    :raises RedisError: when that cannot be said now.
    """
    if isinstance(state, RedisError):
        if handling(state) is not Handling.SESSION:
            raise state
        return False
    whole = all(state.get(name, b"").lstrip(b"-").isdigit() for name in (b"epoch", b"written"))
    return whole and (state.get(b"state"), state.get(b"worker")) == (b"open", token.encode())


def _count(state: wire.Fields, name: bytes) -> int:
    """0 where nobody wrote it, or somebody wrote something else."""
    found = state.get(name, b"")
    return int(found) if found.isdigit() else 0


def _begin(key: str, state: wire.Fields, noted: Any, length: Any, model: str) -> OrphanedSession:
    """A snapshot trims both streams: input holds what was decided since then, and what waits."""
    data = state.get(b"options", b"")
    losses = state.get(b"lost_epochs", b"").split()
    blank = OrphanedSession(
        key, SessionOptions(options_codec.session_id_in(data) or key), int(state[b"epoch"]),
        _count(state, b"number"), int(state[b"written"]), has_snapshot=b"snapshot" in state,
        lost=len(losses),
    )  # fmt: skip
    try:
        orphan = replace(blank, options=options_codec.decode_options(data))
    except wire.WireError as error:
        return replace(blank, failure=str(error))
    if orphan.lost > MOST_LOST:
        return replace(
            blank,
            failure=f"{MOST_LOST} workers that took it over lost their leases",
            acquittable=not all(loss.endswith(GONE) for loss in losses),
        )
    if orphan.written <= 0:
        return orphan
    try:
        raise_errors((noted, length))
        journal = entries(noted)
        if len(journal) != int(state.get(b"journal", len(journal))):
            raise LookupError("a part of the journal is gone")
        deeds, cursor = _deeds(journal, model)
    except _UNREADABLE as error:
        return _lost(blank, error)
    waiting = length - sum(isinstance(deed, Decided) for deed in deeds)
    known = SavedSession(None, deeds, ())
    return replace(orphan, known=known, cursor=cursor, waiting=waiting, has_journal=bool(journal))


async def load(
    client: RedisClient, keys: Keys, orphan: OrphanedSession, *, token: str, model: str
) -> OrphanedSession | None:
    """What is still missing; None when the session has been given to somebody since."""
    if orphan.known is None:
        return orphan
    pipeline = client.pipeline(transaction=False)
    pipeline.get(keys.snapshot(orphan.key))
    pipeline.hget(keys.session(orphan.key), "epoch")
    pipeline.hget(keys.session(orphan.key), "worker")
    try:
        saved, epoch, worker = await pipeline.execute()
        if (epoch, worker) != (str(orphan.epoch).encode(), token.encode()):
            return None
        if saved is None and orphan.has_snapshot:
            raise LookupError("the snapshot is gone")
        snapshot, cursor = (
            (None, FIRST_ENTRY) if saved is None else read_snapshot(saved, model=model)
        )
        cursor = cursor if orphan.cursor == FIRST_ENTRY else orphan.cursor
        first = 0 if snapshot is None else snapshot.audio_cursor.next_seq
        frames = await _frames(client, keys.input(orphan.key), first_seq=first, cursor=cursor)
    except _UNREADABLE as error:
        return _lost(orphan, error)
    known = SavedSession(snapshot, orphan.known.journal, tuple(frames.values()))
    places = {frame.seq: entry for entry, frame in frames.items()}
    return replace(orphan, known=known, cursor=cursor, places=places)


def _lost(orphan: OrphanedSession, error: Exception) -> OrphanedSession:
    """:raises RedisError: when Redis could not be asked."""
    if isinstance(error, RedisError) and handling(error) is not Handling.SESSION:
        raise error
    reason = f"what the last worker wrote cannot be read ({type(error).__name__})"
    if isinstance(error, RuntimeFailure):
        reason = str(error)
    return replace(orphan, known=None, cursor=FIRST_ENTRY, failure=reason)


def _deeds(journal: Entries, model: str) -> tuple[tuple[JournalEntry, ...], str]:
    """Also the last input entry that had been taken in; the first one where nothing is noted."""
    deeds: list[JournalEntry] = []
    cursor = FIRST_ENTRY
    for _, fields in journal:
        more, cursor = read_journal(fields[b"j"], model=model)
        deeds += more
    return tuple(deeds), cursor


async def _frames(
    client: RedisClient, stream: str, *, first_seq: int, cursor: str
) -> dict[str, Frame]:
    """The frames from `first_seq` on, up to the cursor, by the ids of their entries."""
    frames: dict[str, Frame] = {}
    seqs: set[int] = set()
    place = BEFORE_ALL
    while page := await _page(client, stream, place):
        for entry, fields in up_to(page, cursor):
            frame = _frame(fields)
            if frame is not None and frame.seq >= first_seq and frame.seq not in seqs:
                frames[entry] = frame
                seqs.add(frame.seq)
        place = page[-1][0]
        if entry_order(place) >= entry_order(cursor):
            break
    return frames


async def _page(client: RedisClient, stream: str, place: str) -> Entries:
    answer = await client.ask(sift({stream: place}, count=ENTRIES_A_READ))
    return next((page for _, page in read_entries(answer)), [])


def _frame(fields: wire.Fields) -> Frame | None:
    try:
        item = wire.decode_input(fields)
    except wire.WireError:
        return None
    return item if isinstance(item, Frame) else None
