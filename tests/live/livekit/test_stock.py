"""The model in a session that uses LiveKit's own ear: one participant, one track."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import Agent, AgentSession
from livekit.agents.voice.room_io import RoomOptions

from interject.config import load_profile
from interject.integrations import livekit as interject
from interject.model_runtime.protocol import FRAME_SAMPLES, Cause
from tests.fakes.runtime import MAX_TEXT_CHARS, FakeRuntime, FakeRuntimeSession, Scripted
from tests.live.livekit.participants import person, tone
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.live.livekit.participants import Person
    from tests.live.livekit.server import LiveKitServer

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(180),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here"),
]

ROOM = "stock"


@contextlib.asynccontextmanager
async def stock_agent(
    server: LiveKitServer, *, name: str = ROOM, built: bool = True, folder: Path | None = None
) -> AsyncIterator[FakeRuntimeSession]:
    """With our builder, or as LiveKit's documentation has it and without a voice."""
    runtime = FakeRuntime(deciding=False)
    model = interject.RealtimeModel(runtime, consent_folder=folder)
    session = interject.session(model=model) if built else AgentSession(llm=model)
    options = interject.room_options(load_profile("default")) if built else RoomOptions()
    room = rtc.Room()
    await room.connect(server.url, server.token("agent", name))
    try:
        await session.start(Agent(instructions=""), room=room, room_options=options, record=False)
        await until(lambda: runtime.sessions, "the model")
        yield runtime.sessions[0]
    finally:
        await session.aclose()
        await model.aclose()
        await room.disconnect()


def loud(model: FakeRuntimeSession) -> int:
    """Samples that cannot be silence, in all frames."""
    heard = (np.frombuffer(frame.pcm, "<i2") for frame in model.frames)
    return sum(int((np.abs(pcm.astype(np.int32)) > 1_000).sum()) for pcm in heard)


async def test_it_hears_whom_it_is_linked_to_and_goes_on_while_he_is_muted(
    livekit_server: LiveKitServer,
) -> None:
    async with (
        person(livekit_server, ROOM, "ann") as ann,
        stock_agent(livekit_server) as model,
    ):
        await ann.visitor.open_microphone()
        await until(lambda: model.frames, "the ear")
        await ann.visitor.play(tone(440.0, 2.0))
        await until(lambda: loud(model) > 0.7 * 32_000, "the tone")
        ann.visitor.mute(True)
        muted_at = len(model.frames)
        await until(lambda: len(model.frames) >= muted_at + 5, "frames of silence")
        ann.visitor.mute(False)
        before = loud(model)
        await ann.visitor.play(tone(440.0, 2.0))
        await until(lambda: loud(model) - before > 0.7 * 32_000, "the tone again")
        assert [frame.seq for frame in model.frames] == list(range(len(model.frames)))
        assert all(len(frame.pcm) == 2 * FRAME_SAMPLES for frame in model.frames)


async def test_what_is_written_in_the_chat_is_answered_aloud(
    livekit_server: LiveKitServer,
) -> None:
    async with (
        person(livekit_server, ROOM, "ann") as ann,
        stock_agent(livekit_server) as model,
    ):
        await until(lambda: ann.found("participant_joined", identity="agent"), "the agent")
        await ann.visitor.write("good morning")
        await until(lambda: ann.found("transcription"), "the answer's words")
        assert ann.found("transcription")[0].fields["text"].strip() == "You wrote good morning."
        await until(lambda: model.heard_reports, "the report")


def notices(who: Person, **attributes: str) -> int:
    return len(who.found("chat", identity="agent", attributes=attributes))


@pytest.mark.parametrize("built", [True, False])
async def test_consent_holds_whoever_built_the_session(
    shared_livekit: LiveKitServer, built: bool
) -> None:
    name = f"hosted-{built}"
    async with (
        person(shared_livekit, name, "ann") as ann,
        stock_agent(shared_livekit, name=name, built=built) as model,
        person(shared_livekit, name, "ben") as ben,
    ):
        for who in (ann, ben):
            await until(
                lambda who=who: notices(who, **{"interject.announcement": "true"}),  # type: ignore[misc]
                "the announcement",
            )
        await ann.visitor.write("x" * (MAX_TEXT_CHARS + 1))
        await until(lambda: notices(ann, **{"interject.error": "true"}), "the refusal")
        assert notices(ben, **{"interject.error": "true"}) == 0
        talking = asyncio.create_task(ann.visitor.play(tone(440.0, 200.0)))
        await until(lambda: loud(model), "Ann to be heard")

        await ben.visitor.write("stop listening")
        for who in (ann, ben):
            await until(
                lambda who=who: notices(who, **{"interject.listening": "false"}),  # type: ignore[misc]
                "the notice",
            )
        deaf_from = len(model.frames)
        status = await ann.visitor.call("agent", "interject.status")
        assert status["listening"] is False
        assert len(model.frames) == deaf_from
        await ben.visitor.write("start listening")
        before = loud(model)
        await until(lambda: loud(model) > before, "Ann to be heard again")

        await ann.visitor.room.local_participant.set_attributes({"interject.listening": "false"})
        await until(lambda: heard_no_more(model), "silence")
        await ann.visitor.room.local_participant.set_attributes({"interject.listening": "true"})
        before = loud(model)
        await until(lambda: loud(model) > before, "Ann to be heard again")

        model.reply(Scripted("I will stop listening."), cause=Cause.MODEL)
        await until(lambda: notices(ben, **{"interject.listening": "false"}) == 2, "the notice")
        await ann.visitor.write("start listening")
        before = loud(model)
        await until(lambda: loud(model) > before, "Ann to be heard again")
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)


async def test_what_was_stopped_stays_stopped_for_the_next_process(
    shared_livekit: LiveKitServer, tmp_path: Path
) -> None:
    name, stopped = "kept-by-a-folder", {"interject.listening": "false"}
    async with (
        person(shared_livekit, name, "ann") as ann,
        person(shared_livekit, name, "ben") as ben,
    ):
        async with stock_agent(shared_livekit, name=name, folder=tmp_path):
            await until(lambda: notices(ann, **{"interject.announcement": "true"}), "the news")
            await ben.visitor.call("agent", "interject.stop_listening", who="me")
            await ann.visitor.write("stop listening")
            await until(lambda: notices(ann, **stopped), "the notice")
        async with stock_agent(shared_livekit, name=name, folder=tmp_path, built=False):
            await until(lambda: notices(ann, **stopped) == 2, "the notice again")
            status = await ann.visitor.call("agent", "interject.status")
            assert (status["listening"], status["withdrawn"]) == (False, ["ben"])
            assert notices(ann, **{"interject.announcement": "true"}) == 1
            await ann.visitor.write("start listening")
            await until(lambda: notices(ann, **{"interject.announcement": "true"}) == 2, "news")


def heard_no_more(model: FakeRuntimeSession) -> bool:
    return len(model.frames) > 2 and not any(any(frame.pcm) for frame in model.frames[-2:])
