"""What Redis holds of a session, read back by a worker that takes it over."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import Frame, RuntimeFailure, SessionOptions
from interject.model_runtime.recall import AnyDeed, Recollection
from interject.model_runtime.redis.memo import read_journal, read_snapshot
from interject.model_runtime.redis.streams import Entries, entries
from interject.model_runtime.remote import wire

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from interject.model_runtime.redis.keys import Keys

ENTRIES_A_READ = 64
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
    state, snapshot, journal = await pipeline.execute()
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
        known, cursor = _recollect(snapshot, entries(journal))
        first = 0 if known.snapshot is None else known.snapshot.ear.next_seq
        frames = await _frames(client, keys.input(key), first_seq=first, cursor=cursor)
        known = replace(known, frames=tuple(frames.values()))
        places = {frame.seq: entry for entry, frame in frames.items()}
        return replace(legacy, known=known, cursor=cursor, places=places)
    except (ValueError, KeyError, RuntimeFailure) as error:
        reason = f"what the last worker wrote cannot be read ({type(error).__name__})"
        return replace(blank, failure=reason)


def _recollect(saved: bytes | None, journal: Entries) -> tuple[Recollection, str]:
    """What is known but for the frames, and the last input entry that had been taken in."""
    snapshot, cursor = (None, FIRST_ENTRY) if saved is None else read_snapshot(saved)
    deeds: list[AnyDeed] = []
    for _, fields in journal:
        more, cursor = read_journal(fields[b"j"])
        deeds += more
    return Recollection(snapshot, tuple(deeds), ()), cursor


async def _frames(client: Redis, stream: str, *, first_seq: int, cursor: str) -> dict[str, Frame]:
    """The frames from `first_seq` on, up to the cursor, by the ids of their entries.

    Read in small pieces, because a client may have written entries of any size.
    """
    frames: dict[str, Frame] = {}
    seqs: set[int] = set()
    start = "-"
    while True:
        page = entries(await client.xrange(stream, start, cursor, count=ENTRIES_A_READ))
        for entry, fields in page:
            frame = _frame(fields)
            if frame is not None and frame.seq >= first_seq and frame.seq not in seqs:
                frames[entry] = frame
                seqs.add(frame.seq)
        if len(page) < ENTRIES_A_READ:
            return frames
        start = f"({page[-1][0]}"


def _frame(fields: wire.Fields) -> Frame | None:
    try:
        item = wire.decode_input(fields)
    except wire.WireError:
        return None
    return item if isinstance(item, Frame) else None
