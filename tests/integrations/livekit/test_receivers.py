"""What reaches nobody is told of in the log, once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from interject.agent.cues.checklist import ChecklistItem, ChecklistUpdate
from interject.agent.cues.pipeline import CuePipeline
from interject.agent.outputs import Cue, Posted
from interject.config import load_profile
from interject.integrations.conversation.cues import Cues
from interject.integrations.livekit.room.data_topics import DataTopics
from interject.integrations.livekit.room.posts import Posts
from interject.integrations.livekit.room.reports import Reports
from interject.model_runtime.protocol import Emotion, EndReason
from tests.fakes.livekit_room import FakeRoom

if TYPE_CHECKING:
    import pytest

POSTED = Posted(
    session_id="s", reply_id=0, seq=3, at_s=1.6, emotion=Emotion.NORMAL, text="Secret.",
    reason=EndReason.COMPLETE,
)  # fmt: skip
CUE = Cue(
    session_id="s", id="s-0", chunk=3, at_s=1.6, emotion=Emotion.NORMAL, text="Secret.",
    category="note", priority=500, expires_at_s=31.6,
)  # fmt: skip


async def test_a_reply_that_nobody_is_there_to_read(caplog: pytest.LogCaptureFixture) -> None:
    room = FakeRoom()
    posts = Posts(room.as_room)
    for _ in range(2):
        await posts.emit(POSTED)
    assert [record.getMessage() for record in caplog.records] == [
        "A reply is posted where nobody is known to be in the room"
    ]
    assert posts.sent == 2


async def test_a_reply_that_somebody_reads_is_nothing_to_tell(
    caplog: pytest.LogCaptureFixture,
) -> None:
    room = FakeRoom()
    room.come("ann", "sid")
    await Posts(room.as_room).emit(POSTED)
    assert not caplog.records


async def test_a_cue_whose_addressees_are_away(caplog: pytest.LogCaptureFixture) -> None:
    cues = Cues(DataTopics(FakeRoom().as_room))
    for _ in range(2):
        await cues.emit(CUE)
    assert [record.getMessage() for record in caplog.records] == [
        "A cue reaches nobody: none of those who are shown cues is here"
    ]
    assert (cues.sent, cues.unaddressed) == (0, 2)


async def test_a_checklist_goes_to_those_who_are_shown_cues_and_never_to_everybody() -> None:
    room = FakeRoom()
    update = ChecklistUpdate((ChecklistItem("hello", "Grüßt"),), call="room")
    await Reports(room.as_room).emit(update)
    assert room.local_participant.sent == []
    await Reports(room.as_room).emit(replace(update, identities=("ann",)))
    ((to, text, _),) = room.local_participant.sent
    assert to == ("ann",)
    assert json.loads(text)["items"][0]["text"] == "Grüßt"


async def test_a_summary_goes_to_the_same_people() -> None:
    room = FakeRoom()
    for name in ("default", "podcast_producer"):
        *_, summary = CuePipeline(load_profile(name), "room", lambda: ["ann"]).finish()
        await Reports(room.as_room).emit(summary)
    ((to, text, _),) = room.local_participant.sent
    assert to == ("ann",)
    assert json.loads(text)["markdown"].startswith("# Call room")
