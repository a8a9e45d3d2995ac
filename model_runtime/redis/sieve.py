"""Reading streams into which somebody may have written entries of any size.

Redis cuts a connection whose answer is too large. Who then asks again in the same words is cut
again, for ever; so for a while it asks with a script that leaves out what no reader takes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from interject.model_runtime.redis import scripts
from interject.model_runtime.redis.scripts import Script
from interject.model_runtime.redis.streams import entry_order, read, read_entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from interject.model_runtime.redis.connection import Command, Word
    from interject.model_runtime.redis.streams import Entries

MAX_ENTRY_BYTES = 262_144
"""A legal entry has 79 KB at most: a frame with its sound and its speakers."""
MAX_ANSWER_BYTES = 4_194_304
WARY_S = 10.0
WARY_AT_FIRST_S = 1.0
"""A script cannot wait for news: frames wait some ms longer meanwhile."""
OVERSIZE = b"oversize"


def sift(places: Mapping[str, str], *, count: int) -> Command:
    """As `read`; streams of which nothing is answered may not have been looked at."""
    words: Sequence[Word] = (count, MAX_ANSWER_BYTES, MAX_ENTRY_BYTES, *places.values())
    return scripts.call(Script.SIFT, tuple(places), words)


class Sieve:
    """Whether streams are read warily: at first, when an answer was lost and while it is needed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wary_until = clock() + WARY_AT_FIRST_S
        self._suspects: set[str] = set()

    @property
    def wary(self) -> bool:
        """Whether an answer was lost lately, or would have been."""
        return self._clock() < self._wary_until

    def beware(self) -> None:
        """An answer was lost: perhaps because of what there was to be read.

        If so, it is found in a first round; if not, Redis was away.
        """
        self._be_wary_for(WARY_AT_FIRST_S)

    def question(self, places: Mapping[str, str], *, count: int) -> Command:
        """What `entries` takes the answer of. Streams with large entries keep no other waiting."""
        if not self.wary:
            return read(places, count=count)
        in_order = sorted(places, key=self._suspects.__contains__)
        return sift({stream: places[stream] for stream in in_order}, count=count)

    def entries(self, answer: object) -> Iterator[tuple[str, Entries]]:
        """By the last part of a stream's key, as `read_entries`."""
        if not self.wary:
            self._suspects.clear()
            return read_entries(answer)
        found = list(read_entries(answer))
        names: list[str] = [name.decode() for name, _ in answer] if isinstance(answer, list) else []
        for stream, (_, entries) in zip(names, found, strict=True):
            if any(fields.get(b"k") == OVERSIZE for _, fields in entries):
                self._suspects.add(stream)
                self._be_wary_for(WARY_S)
            else:
                self._suspects.discard(stream)
        return iter(found)

    def _be_wary_for(self, seconds: float) -> None:
        self._wary_until = max(self._wary_until, self._clock() + seconds)


def up_to(entries: Entries, last: str) -> Entries:
    """Those no later than that one."""
    return [entry for entry in entries if entry_order(entry[0]) <= entry_order(last)]
