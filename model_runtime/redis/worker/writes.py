"""What a worker has done to its sessions, as calls of the write script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.redis import scripts
from interject.model_runtime.redis.scripts import Script

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from interject.model_runtime.redis.connection import Command, Word
    from interject.model_runtime.redis.keys import Keys
    from interject.model_runtime.redis.worker.output_log import Write
    from interject.model_runtime.redis.worker.owned_session import OwnedSession

    Writing = tuple[OwnedSession, Write]

LONGEST_OUTPUT = 2_000
AT_ONCE = 32
"""While a script runs, Redis does nothing else."""


def calls(
    writing: Sequence[Writing], keys: Keys, token: str, *, retention_ms: int, apart: bool = False
) -> Iterator[tuple[Sequence[Writing], Command]]:
    """Each call with what it writes; its answer holds a verdict on each.

    With `apart` each session has a call of its own: an error in one is no other's.
    """
    count = 1 if apart else AT_ONCE
    for first in range(0, len(writing), count):
        some = writing[first : first + count]
        words: list[Word] = [keys.prefix, LONGEST_OUTPUT]
        for session, write in some:
            words += _arguments(session, write, retention_ms)
        yield some, scripts.call(Script.WRITE, [keys.owned(token)], words)


def _arguments(session: OwnedSession, write: Write, retention_ms: int) -> list[Word]:
    words: list[Word] = [
        session.key,
        session.epoch,
        write.number,
        write.snapshot,
        write.keep_from,
        retention_ms if write.closed else "",
        int(write.whole),
        len(write.journals),
        len(write.events),
        *write.journals,
    ]
    for event in write.events:
        words += (event.number, event.kind, event.data, event.cursor)
    return words
