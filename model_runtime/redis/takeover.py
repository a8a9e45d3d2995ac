"""What Redis holds of a session, read back by a worker that takes it over."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import Frame, RuntimeFailure, SessionOptions
from interject.model_runtime.recall import AnyDeed, Recollection
from interject.model_runtime.redis import wire
from interject.model_runtime.redis.memo import read_journal, read_snapshot
from interject.model_runtime.redis.streams import Entries, entries, entry_order

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from interject.model_runtime.redis.keys import Keys

FIRST_ENTRY = "0-1"
"""Every input stream begins with an entry that says nothing, so that it exists."""


@dataclass(frozen=True, slots=True)
class Legacy:
    """A session as it was left.

    `known` is None where no worker has noted anything; `failure` says why it cannot go on.
    """

    key: str
    options: SessionOptions
    epoch: int
    number: int
    written: int
    cursor: str = FIRST_ENTRY
    known: Recollection | None = None
    places: dict[int, str] = field(default_factory=dict)
    failure: str = ""


async def load(client: Redis, keys: Keys, key: str, *, token: str) -> Legacy | None:
    """Everything about a session, or None when it is not this worker's any more."""
    pipeline = client.pipeline(transaction=False)
    pipeline.hgetall(keys.session(key))
    pipeline.get(keys.snapshot(key))
    pipeline.xrange(keys.journal(key))
    pipeline.xrange(keys.input(key))
    state, snapshot, journal, inputs = await pipeline.execute()
    if state.get(b"state") != b"open" or state.get(b"worker") != token.encode():
        return None
    blank = Legacy(
        key, SessionOptions(key), int(state[b"epoch"]),
        int(state.get(b"number", 0)), int(state[b"written"]),
    )  # fmt: skip
    try:
        legacy = replace(blank, options=wire.decode_options(state[b"options"]))
        if legacy.written <= 0:
            return legacy
        known, cursor, places = _recollect(snapshot, entries(journal), entries(inputs))
        return replace(legacy, known=known, cursor=cursor, places=places)
    except (ValueError, KeyError, RuntimeFailure) as error:
        reason = f"what the last worker wrote cannot be read ({type(error).__name__})"
        return replace(blank, failure=reason)


def _recollect(
    saved: bytes | None, journal: Entries, inputs: Entries
) -> tuple[Recollection, str, dict[int, str]]:
    snapshot, cursor = (None, FIRST_ENTRY) if saved is None else read_snapshot(saved)
    deeds: list[AnyDeed] = []
    for _, fields in journal:
        more, cursor = read_journal(fields[b"j"])
        deeds += more
    first = 0 if snapshot is None else snapshot.ear.next_seq
    frames: list[Frame] = []
    places: dict[int, str] = {}
    for entry, fields in inputs:
        if entry_order(entry) > entry_order(cursor):
            break
        frame = _frame(fields)
        if frame is not None and frame.seq >= first and frame.seq not in places:
            frames.append(frame)
            places[frame.seq] = entry
    return Recollection(snapshot, tuple(deeds), tuple(frames)), cursor, places


def _frame(fields: wire.Fields) -> Frame | None:
    try:
        item = wire.decode_input(fields)
    except wire.WireError:
        return None
    return item if isinstance(item, Frame) else None
