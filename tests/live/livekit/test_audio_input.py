"""One ear for a real room: people come, go, fall silent and say no, and the stream has no hole."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from livekit import api, rtc

from interject.agent.framing import Framer, Pacing
from interject.integrations.audio.source_queue import BLOCK_S
from interject.integrations.livekit.audio_frames import CAPTURED_KEY, SPEAKERS_KEY
from interject.integrations.livekit.room.audio_input import RoomAudioInput
from interject.model_runtime.protocol import FRAME_S, Frame
from tests.live.livekit.participants import person, tone
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.live.livekit.participants import Person
    from tests.live.livekit.server import LiveKitServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]

ROOM = "ear"


class Listening:
    """An ear, and everything that came out of it."""

    def __init__(self, ear: RoomAudioInput, room: rtc.Room) -> None:
        self.ear = ear
        self.room = room
        self.blocks: list[rtc.AudioFrame] = []

    async def read(self) -> None:
        async for block in self.ear:
            self.blocks.append(block)

    def speaking(self, *, last: int = 10) -> set[str]:
        """Who was loud in the newest blocks (20 ms each)."""
        return {
            speaker.identity
            for block in self.blocks[-last:]
            for speaker in block.userdata[SPEAKERS_KEY]
            if speaker.level_dbfs > -40
        }

    async def until_heard(self, *identities: str) -> None:
        await until(lambda: self.speaking() == set(identities), f"only {identities} to be heard")

    def knows(self, identity: str) -> bool:
        """Whether the room has told of a track of his."""
        participant = self.room.remote_participants.get(identity)
        return participant is not None and bool(participant.track_publications)

    def frames(self) -> list[Frame]:
        framer = Framer(Pacing.SAMPLES)
        out: list[Frame] = []
        for block in self.blocks:
            samples = np.frombuffer(block.data, np.int16)
            out += framer.push(samples, block.userdata[CAPTURED_KEY])
        return out


@contextlib.asynccontextmanager
async def listening(server: LiveKitServer) -> AsyncIterator[Listening]:
    room = rtc.Room()
    await room.connect(
        server.url, server.token("agent", ROOM), rtc.RoomOptions(auto_subscribe=False)
    )
    try:
        async with RoomAudioInput(room) as ear, asyncio.TaskGroup() as group:
            heard = Listening(ear, room)
            reading = group.create_task(heard.read())
            yield heard
            reading.cancel()
    finally:
        await room.disconnect()


@contextlib.asynccontextmanager
async def speaking(server: LiveKitServer, identity: str, hz: float) -> AsyncIterator[Person]:
    """Somebody who talks without a pause."""
    async with person(server, ROOM, identity) as someone:
        await someone.visitor.open_microphone()
        talking = asyncio.create_task(someone.visitor.play(tone(hz, 120.0)))
        yield someone
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)


async def test_three_people_one_mutes_one_leaves_one_comes_back(
    livekit_server: LiveKitServer,
) -> None:
    async with listening(livekit_server) as heard:
        async with (
            speaking(livekit_server, "ann", 300),
            speaking(livekit_server, "ben", 500) as ben,
        ):
            await heard.until_heard("ann", "ben")
            async with speaking(livekit_server, "cat", 700):
                await heard.until_heard("ann", "ben", "cat")
                ben.visitor.mute(True)
                await heard.until_heard("ann", "cat")
            await heard.until_heard("ann")
            ben.visitor.mute(False)
            await heard.until_heard("ann", "ben")
            async with speaking(livekit_server, "cat", 700):
                await heard.until_heard("ann", "ben", "cat")
            await ben.visitor.close_microphone()
            await heard.until_heard("ann")
            await ben.visitor.open_microphone()
            await heard.until_heard("ann", "ben")
        await until(lambda: not heard.speaking(), "silence once all have left")
    captured = [block.userdata[CAPTURED_KEY] for block in heard.blocks]
    steps = [later - earlier for earlier, later in itertools.pairwise(captured)]
    assert all(step == pytest.approx(BLOCK_S, abs=1e-6) for step in steps), "a block is missing"
    frames = heard.frames()
    assert [frame.seq for frame in frames] == list(range(len(frames)))
    assert len(frames) == pytest.approx(len(captured) * BLOCK_S / FRAME_S, abs=2)
    assert heard.ear.dropped_blocks == 0


@contextlib.asynccontextmanager
async def speaking_encrypted(server: LiveKitServer, identity: str) -> AsyncIterator[None]:
    key = rtc.KeyProviderOptions(shared_key=b"the room's own")
    room = rtc.Room()
    options = rtc.RoomOptions(encryption=rtc.E2EEOptions(key_provider_options=key))
    await room.connect(server.url, server.token(identity, ROOM), options)
    source = rtc.AudioSource(16_000, 1)
    track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
    try:
        await room.local_participant.publish_track(track)
        yield
    finally:
        await room.disconnect()
        await source.aclose()


async def test_what_is_encrypted_end_to_end_is_not_even_received(
    livekit_server: LiveKitServer,
) -> None:
    async with (
        listening(livekit_server) as heard,
        speaking_encrypted(livekit_server, "eve"),
        speaking(livekit_server, "ann", 300),
    ):
        await until(lambda: heard.knows("eve"), "Eve's track")
        await heard.until_heard("ann")
        assert heard.ear.heard == ("ann",)


async def test_who_says_no_is_not_even_received(livekit_server: LiveKitServer) -> None:
    async with (
        listening(livekit_server) as heard,
        speaking(livekit_server, "ann", 300),
        speaking(livekit_server, "ben", 500),
    ):
        await heard.until_heard("ann", "ben")
        heard.ear.exclude("ben")
        mark = len(heard.blocks)
        await until(lambda: len(heard.blocks) > mark + 50, "a second of sound")
        after = [s.identity for b in heard.blocks[mark + 1 :] for s in b.userdata[SPEAKERS_KEY]]
        assert set(after) == {"ann"}
        assert heard.ear.heard == ("ann",)
        heard.ear.include("ben")
        await heard.until_heard("ann", "ben")


async def test_nothing_flows_while_nobody_is_listened_to(livekit_server: LiveKitServer) -> None:
    async with listening(livekit_server) as heard, speaking(livekit_server, "ann", 300):
        await heard.until_heard("ann")
        heard.ear.stop_listening()
        await asyncio.sleep(0)
        mark = len(heard.blocks)
        async with speaking(livekit_server, "ben", 500) as ben:
            await until(lambda: ben.found("play_started"), "another one to speak")
            await asyncio.sleep(1.0)
        assert len(heard.blocks) <= mark + 1
        assert heard.ear.heard == ()
        heard.ear.resume_listening()
        await heard.until_heard("ann")


async def test_the_ear_hears_again_after_a_restart_of_the_server(
    livekit_server: LiveKitServer,
) -> None:
    async with listening(livekit_server) as heard, speaking(livekit_server, "ann", 300):
        await heard.until_heard("ann")
        livekit_server.kill()
        await until(lambda: not heard.speaking(), "silence")
        livekit_server.start()
        await heard.until_heard("ann")


async def test_agents_are_not_heard(livekit_server: LiveKitServer) -> None:
    room = rtc.Room()
    token = (
        api.AccessToken(livekit_server.key, livekit_server.secret)
        .with_identity("other-agent")
        .with_kind("agent")
        .with_grants(api.VideoGrants(room_join=True, room=ROOM, agent=True))
        .to_jwt()
    )
    await room.connect(livekit_server.url, token)
    source = rtc.AudioSource(16_000, 1, queue_size_ms=60)
    track = rtc.LocalAudioTrack.create_audio_track("voice", source)
    await room.local_participant.publish_track(track)
    async with listening(livekit_server) as heard, speaking(livekit_server, "ann", 300):
        await heard.until_heard("ann")
        assert heard.ear.heard == ("ann",)
    await room.disconnect()
    await source.aclose()
