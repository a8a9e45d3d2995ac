"""What workers write down for each other is read back the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.engine.journal import (
    Asked,
    Cancelled,
    Decided,
    Evicted,
    Fed,
    Finished,
    Played,
    Shed,
    Updated,
)
from interject.model_runtime.engine.request import ForcedReply, TypedTurn
from interject.model_runtime.protocol import Cause, Emotion, FloorMode
from interject.model_runtime.redis.worker.snapshot_codec import read_journal, write_journal

if TYPE_CHECKING:
    from interject.model_runtime.engine.journal import JournalEntry

ENTRIES: list[JournalEntry] = [
    Fed(None),
    Fed(7),
    Decided(3, 0.1, -2.5),
    Evicted(),
    Shed(4, encoded=False),
    Asked(TypedTurn((1, 2), True, 5)),
    Asked(ForcedReply(Cause.SAY, (3,), Emotion.URGENT)),
    Cancelled(0, 12),
    Played(1, 3),
    Updated(0.3, FloorMode.ASSIST),
    Finished(),
]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: type(entry).__name__)
def test_an_entry_is_read_back_the_same(entry: JournalEntry) -> None:
    written = write_journal([entry], "5-1", model="m")
    assert read_journal(written, model="m") == ([entry], "5-1")


def test_entries_keep_the_names_that_workers_of_an_earlier_version_read() -> None:
    written = write_journal([Evicted(), Cancelled(0, 12), Fed(7)], "5-1", model="m")
    assert written == (
        b'["5-1",[["Tidied",{}],["Cut",{"reply_id":0,"heard_chars":12}],["Fed",{"token":7}]],"m"]'
    )
