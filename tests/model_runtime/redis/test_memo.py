"""What workers write down for each other is read back the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.engine.forward_input import ForcedReply, TypedTurn
from interject.model_runtime.engine.journal import (
    Asked,
    Cut,
    Decided,
    Fed,
    Finished,
    Played,
    Shed,
    Tidied,
    Updated,
)
from interject.model_runtime.protocol import Cause, Emotion, FloorMode
from interject.model_runtime.redis.memo import read_journal, write_journal

if TYPE_CHECKING:
    from interject.model_runtime.engine.journal import AnyDeed

DEEDS: list[AnyDeed] = [
    Fed(None),
    Fed(7),
    Decided(3, 0.1, -2.5),
    Tidied(),
    Shed(4, encoded=False),
    Asked(TypedTurn((1, 2), True, 5)),
    Asked(ForcedReply(Cause.SAY, (3,), Emotion.URGENT)),
    Cut(0, 12),
    Played(1, 3),
    Updated(0.3, FloorMode.ASSIST),
    Finished(),
]


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: type(deed).__name__)
def test_a_deed_is_read_back_the_same(deed: AnyDeed) -> None:
    written = write_journal([deed], "5-1", model="m")
    assert read_journal(written, model="m") == ([deed], "5-1")
