"""A reply that nobody can hear is read: no voice, or one that fails."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any

import pytest
from livekit import rtc
from livekit.agents import Agent, AgentSession
from livekit.agents.voice.room_io import RoomOptions

from interject.config import load_profile
from interject.integrations import livekit as interject
from interject.model_runtime.protocol import Cause
from tests.fakes.runtime import FakeRuntime, Scripted
from tests.fakes.voice import FakeVoice
from tests.waiting import until

if TYPE_CHECKING:
    from tests.live.livekit.server import LiveKitServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

TEXT = "One good clause here. And another one follows."


async def reader(
    server: LiveKitServer, room_name: str, *, auto_subscribe: bool = True
) -> tuple[rtc.Room, list[tuple[str, str]]]:
    """Somebody who reads along; what he reads, by topic."""
    room, read = rtc.Room(), list[tuple[str, str]]()
    tasks: list[asyncio.Task[None]] = []

    async def keep(topic: str, stream: rtc.TextStreamReader) -> None:
        read.append((topic, "".join([piece async for piece in stream])))

    def on_stream(topic: str, stream: rtc.TextStreamReader, _identity: str) -> None:
        tasks.append(asyncio.create_task(keep(topic, stream)))

    for topic in ("lk.chat", "lk.transcription"):
        room.register_text_stream_handler(topic, functools.partial(on_stream, topic))
    subscribing = rtc.RoomOptions(auto_subscribe=auto_subscribe)
    await room.connect(server.url, server.token("ann", room_name), subscribing)
    return room, read


@pytest.mark.parametrize("case", ["no voice", "fails at once", "fails in the middle"])
async def test_what_nobody_can_hear_is_read(shared_livekit: LiveKitServer, case: str) -> None:
    runtime, name = FakeRuntime(deciding=False), case.replace(" ", "-")
    model = interject.RealtimeModel(runtime)
    options: Any = RoomOptions()
    if case == "no voice":
        session: AgentSession[Any] = AgentSession(llm=model)
    else:
        fails_after = {"fails at once": 0, "fails in the middle": 1}.get(case)
        voice = FakeVoice(samples_per_char=100, fails_after=fails_after)
        session = interject.session(model=model, tts=interject.TTS(voice, on_air=model.on_air))
        options = interject.room_options(load_profile("default"))
    ann, read = await reader(shared_livekit, name)
    room = rtc.Room()
    await room.connect(shared_livekit.url, shared_livekit.token("agent", name))
    try:
        await session.start(Agent(instructions=""), room=room, room_options=options, record=False)
        await until(lambda: any(topic == "lk.chat" for topic, _ in read), "the announcement")
        for _ in range(2):
            runtime.sessions[0].reply(Scripted(TEXT), cause=Cause.MODEL)
        for topic in ("lk.chat", "lk.transcription"):
            await until(lambda topic=topic: read.count((topic, TEXT)) == 2, topic)  # type: ignore[misc]
    finally:
        await session.aclose()
        await model.aclose()
        for one in (room, ann):
            await one.disconnect()


async def test_speech_that_waits_for_a_subscriber_is_told_of_once(
    shared_livekit: LiveKitServer, caplog: pytest.LogCaptureFixture
) -> None:
    runtime, name = FakeRuntime(deciding=False), "nobody-subscribes"
    model = interject.RealtimeModel(runtime)
    voice = FakeVoice(samples_per_char=100)
    session = interject.session(model=model, tts=interject.TTS(voice, on_air=model.on_air))
    ann, read = await reader(shared_livekit, name, auto_subscribe=False)
    room = rtc.Room()
    await room.connect(shared_livekit.url, shared_livekit.token("agent", name))
    try:
        options = interject.room_options(load_profile("default"))
        await session.start(Agent(instructions=""), room=room, room_options=options, record=False)
        await until(lambda: any(topic == "lk.chat" for topic, _ in read), "the announcement")
        for _ in range(2):
            runtime.sessions[0].reply(Scripted(TEXT), cause=Cause.MODEL)
        await until(lambda: told(caplog, "Nobody subscribes"), "the log")
        agent = ann.remote_participants["agent"]
        for publication in agent.track_publications.values():
            publication.set_subscribed(True)
        spoken = ("lk.transcription", TEXT)
        await until(lambda: read.count(spoken) == 2, "the words")
        assert told(caplog, "Nobody subscribes") == 1
    finally:
        await session.aclose()
        await model.aclose()
        for one in (room, ann):
            await one.disconnect()


def told(caplog: pytest.LogCaptureFixture, begins: str) -> int:
    return sum(record.getMessage().startswith(begins) for record in caplog.records)
