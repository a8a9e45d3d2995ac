"""A whole agent in a real room, with a runtime whose decisions the test has written."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from livekit import rtc

from interject.config import ChecklistSettings, load_profile
from interject.integrations.conversation.role import Role
from interject.integrations.livekit.room.room_agent import RoomAgent
from interject.model_runtime.protocol import Cause, Emotion, FloorMode, Speaker
from tests.fakes.runtime import FakeRuntime, FakeRuntimeSession, Scripted
from tests.live.livekit.participants import person, tone
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.live.livekit.participants import Person
    from tests.live.livekit.server import LiveKitServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

ROOM = "room"
AGENT = "interject"


@contextlib.asynccontextmanager
async def agent(
    server: LiveKitServer,
    runtime: FakeRuntime | str,
    *,
    room: dict[str, Any] | None = None,
    **profile: Any,
) -> AsyncIterator[RoomAgent]:
    """`profile` and `room` are changes to the default profile and its `room` section."""
    base = load_profile("default")
    settings = base.room.model_copy(update=room or {})
    role = Role(base.model_copy(update={**profile, "room": settings}), runtime)
    connection = rtc.Room()
    options = rtc.RoomOptions(auto_subscribe=False)
    await connection.connect(server.url, server.token(AGENT, ROOM), options)
    try:
        async with RoomAgent(connection, role) as one:
            yield one
    finally:
        await connection.disconnect()


def hears(session: FakeRuntimeSession) -> set[str]:
    """Who was loud in the newest frame."""
    speakers: tuple[Speaker, ...] = session.frames[-1].speakers if session.frames else ()
    return {speaker.identity for speaker in speakers if speaker.level_dbfs > -40}


async def test_a_reply_is_said_posted_and_shown_to_whom_it_concerns(
    livekit_server: LiveKitServer,
) -> None:
    runtime = FakeRuntime(script={6: Scripted("Somebody is at the door.", Emotion.HAPPY)})
    async with (
        person(livekit_server, ROOM, "ann") as ann,
        person(livekit_server, ROOM, "ben") as ben,
        agent(
            livekit_server,
            runtime,
            outputs=("spoken", "posted", "cue"),
            room={"cue_to": ("ben", "nobody"), "telemetry": True},
        ),
    ):
        for who in (ann, ben):
            await until(lambda who=who: who.found("transcription"), "the words")  # type: ignore[misc]
            assert who.found("transcription")[0].fields["text"] == "Somebody is at the door."
            chats = who.found("chat", identity=AGENT)
            assert chats[0].fields["attributes"] == {"interject.announcement": "true"}
            assert chats[-1].fields["text"] == "Somebody is at the door."
            await until(lambda who=who: who.found("voice_started", identity=AGENT), "the voice")  # type: ignore[misc]
        await until(lambda: ben.found("data", topic="interject.cue"), "the cue")
        assert ann.found("data", topic="interject.cue") == []
        await until(lambda: len(ann.found("data", topic="interject.decision")) > 8, "decisions")
        chunks = [
            e.fields["content"]["chunk"] for e in ann.found("data", topic="interject.decision")
        ]
        assert chunks == sorted(set(chunks))


def reports(someone: Person, topic: str) -> list[dict[str, Any]]:
    """What comes to somebody under a topic from now on."""
    found: list[dict[str, Any]] = []
    reading: set[asyncio.Task[None]] = set()

    async def read(reader: rtc.TextStreamReader) -> None:
        found.append(json.loads(await reader.read_all()))

    def take(reader: rtc.TextStreamReader, _identity: str) -> None:
        reading.add(asyncio.create_task(read(reader)))

    someone.visitor.room.register_text_stream_handler(topic, take)
    return found


async def test_the_checklist_and_the_summary_go_to_those_who_are_shown_cues(
    livekit_server: LiveKitServer,
) -> None:
    runtime = FakeRuntime()
    items = ChecklistSettings(items={"hello": "Greets", "bye": "Thanks"})
    async with (
        person(livekit_server, ROOM, "ann") as ann,
        person(livekit_server, ROOM, "ben") as ben,
    ):
        his, hers = reports(ben, "interject.checklist"), reports(ann, "interject.checklist")
        last = reports(ben, "interject.summary")
        async with agent(
            livekit_server,
            runtime,
            checklist=items,
            room={"cue_to": ("ben", "eve"), "announce": "none"},
        ):
            await until(lambda: his, "the open list")
            (session,) = runtime.sessions
            session.reply(Scripted("[done hello]"), cause=Cause.MODEL)
            await until(lambda: len(his) == 2, "the tick")
            async with person(livekit_server, ROOM, "eve") as eve:
                late = reports(eve, "interject.checklist")
                await until(lambda: len(his) == 3, "what is told again")
                session.reply(Scripted("[done bye] Goodbye."), cause=Cause.MODEL)
                await until(lambda: late, "the second tick")
                reply = "[done bye] Goodbye."
                await until(lambda: (1, len(reply)) in session.heard_reports, "its last word")
        await until(lambda: last, "the summary")
    assert [one["ticked"] for one in his[:4]] == [[], ["hello"], [], ["bye"]]
    assert hers == []
    (summary,) = last
    assert summary["call"] == ROOM
    assert [(reply["text"], reply["became"]) for reply in summary["replies"]] == [
        ("Goodbye.", "said")
    ]
    assert all(item["done"] for item in summary["checklist"])


async def test_written_words_stop_it_start_it_and_reach_the_model(
    livekit_server: LiveKitServer,
) -> None:
    runtime = FakeRuntime()
    async with (
        person(livekit_server, ROOM, "ann") as ann,
        agent(livekit_server, runtime, outputs=("posted",), mode="observe") as one,
    ):
        talking = asyncio.create_task(ann.visitor.play(tone(300, 200.0)))
        (session,) = runtime.sessions
        await until(lambda: hears(session) == {"ann"}, "Ann to be heard")
        await ann.visitor.write("What is the time?")
        await until(lambda: len(ann.found("chat")) > 1, "an answer")
        assert ann.found("chat")[-1].fields["text"] == "You wrote What is the time?."
        await ann.visitor.write("Stop listening!")
        await until(lambda: not one.consent.listening, "the agent to stop")
        silent_from = len(session.frames) + 1
        await asyncio.sleep(2.0)
        assert not any(frame.speakers for frame in session.frames[silent_from:])
        assert not any(any(frame.pcm) for frame in session.frames[silent_from:])
        await ann.visitor.write("What did I say?")
        await ann.visitor.write("start listening")
        await until(lambda: hears(session) == {"ann"}, "Ann to be heard again")
        assert "What did I say?" not in str([chat.fields for chat in ann.found("chat")])
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)


async def test_the_mode_changes_while_it_runs(livekit_server: LiveKitServer) -> None:
    runtime = FakeRuntime()
    async with (
        person(livekit_server, ROOM, "ann") as ann,
        agent(livekit_server, runtime, mode="observe", outputs=("spoken",)) as one,
    ):
        (session,) = runtime.sessions
        await until(lambda: session.frames, "the first frame")
        session.reply(Scripted("Nobody hears this."), cause=Cause.MODEL)
        await ann.visitor.call(AGENT, "interject.set_mode", mode="speak")
        await until(lambda: session.updates, "the model to know")
        assert one.controls.mode is FloorMode.SPEAK
        session.reply(Scripted("But this."), cause=Cause.MODEL)
        await until(lambda: ann.found("transcription"), "the words")
        assert ann.found("transcription")[0].fields["text"] == "But this."
        assert len(ann.found("transcription")) == 1


async def test_one_session_for_each_speaker(livekit_server: LiveKitServer) -> None:
    runtime = FakeRuntime()
    async with (
        person(livekit_server, ROOM, "ann") as ann,
        agent(livekit_server, runtime, mode="observe", outputs=("posted",), room={"ear": "each"}),
    ):
        await until(lambda: len(runtime.sessions) == 1, "a session for Ann")
        talking = [asyncio.create_task(ann.visitor.play(tone(300, 200.0)))]
        async with person(livekit_server, ROOM, "ben") as ben:
            talking.append(asyncio.create_task(ben.visitor.play(tone(500, 200.0))))
            await until(lambda: len(runtime.sessions) == 2, "a session for Ben")
            of_ann, of_ben = runtime.sessions
            await until(lambda: hears(of_ann) == {"ann"}, "Ann to be heard")
            await until(lambda: hears(of_ben) == {"ben"}, "Ben to be heard")
            await ben.visitor.write("hello")
            await until(lambda: len(ann.found("chat", identity=AGENT)) > 1, "the answer")
            assert (of_ann.replies, of_ben.replies) == (0, 1)
            for task in talking:
                task.cancel()
            await asyncio.gather(*talking, return_exceptions=True)
        frames = len(of_ann.frames)
        await until(lambda: len(of_ann.frames) > frames + 3, "Ann's session to go on")


async def test_a_runtime_that_is_not_there_is_a_clear_failure(
    livekit_server: LiveKitServer, tmp_path: Path
) -> None:
    nowhere = f"local:unix:{tmp_path}/nobody.sock"
    async with agent(livekit_server, nowhere) as one:
        await until(one.sessions.ended.is_set, "the session to end")
        assert "no server listens there" in str(one.sessions.failure)
