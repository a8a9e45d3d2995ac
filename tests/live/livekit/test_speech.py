"""What the agent says in a real room: who hears it, what cuts it, and what its memory keeps."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from livekit import api

from interject.config import load_profile
from interject.model_runtime.protocol import Cause, Emotion, FloorMode
from tests.fakes.runtime import Scripted
from tests.live.livekit.participants import Person, person, tone
from tests.live.livekit.scripted_agent import AGENT, OnStage, on_stage
from tests.waiting import until

if TYPE_CHECKING:
    from tests.live.livekit.server import LiveKitServer

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(180),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here"),
]

ROOM = "speech"
LOUD = 500
STORY = (
    "First we take the flour, and then we add the water. After that comes the salt, and at last "
    "the yeast. Then it has to rest for an hour, and the oven must be as hot as it can be."
)

LONG_STORY = f"{STORY} {STORY} {STORY}"
"""Half a minute: a busy machine still has time to cut it."""


def hears_a_voice(who: Person) -> bool:
    return any(np.abs(piece).max() > LOUD for piece in who.heard)


def words(who: Person) -> str:
    return "".join(str(e.fields["text"]) for e in who.found("transcription_piece", identity=AGENT))


def loud_frames(stage: OnStage) -> int:
    return sum(
        bool(np.abs(np.frombuffer(frame.pcm, "<i2")).max() > LOUD) for frame in stage.model.frames
    )


async def test_everybody_hears_a_reply_and_reads_its_words(livekit_server: LiveKitServer) -> None:
    async with (
        person(livekit_server, ROOM, "ann") as ann,
        person(livekit_server, ROOM, "ben") as ben,
        on_stage(livekit_server, ROOM) as stage,
    ):
        await until(lambda: stage.model.frames, "the ear")
        stage.model.reply(Scripted("The bread is burning.", Emotion.URGENT), cause=Cause.MODEL)
        for who in (ann, ben):
            await until(lambda who=who: hears_a_voice(who), "a voice")  # type: ignore[misc]
            await until(
                lambda who=who: words(who).strip() == "The bread is burning.",  # type: ignore[misc]
                "the words",
            )
        await until(lambda: stage.model.heard_reports, "the report")
        assert stage.model.heard_reports == [(0, len("The bread is burning."))]


async def test_an_agent_that_may_publish_again_is_heard_again(
    livekit_server: LiveKitServer,
) -> None:
    async with (
        person(livekit_server, ROOM, "ann") as ann,
        on_stage(livekit_server, ROOM) as stage,
    ):
        await until(lambda: stage.model.frames, "the ear")
        stage.model.reply(Scripted("One."), cause=Cause.MODEL)
        await until(lambda: hears_a_voice(ann), "a voice")
        tracks = ann.visitor.room.remote_participants[AGENT].track_publications
        await permit(livekit_server, publishing=False)
        await until(lambda: not tracks, "no track")
        await permit(livekit_server, publishing=True)
        await until(lambda: tracks, "a track")
        await until(lambda: len(ann.heard) and not hears_a_voice_now(ann), "silence")
        ann.heard.clear()
        stage.model.reply(Scripted("Two."), cause=Cause.MODEL)
        await until(lambda: hears_a_voice(ann), "a voice")


async def permit(server: LiveKitServer, *, publishing: bool) -> None:
    permission = api.ParticipantPermission(
        can_subscribe=True,
        can_publish=publishing,
        can_publish_data=True,
        can_update_metadata=True,
        agent=True,
    )
    change = api.UpdateParticipantRequest(room=ROOM, identity=AGENT, permission=permission)
    async with api.LiveKitAPI(server.url, server.key, server.secret) as livekit:
        await livekit.room.update_participant(change)


def hears_a_voice_now(who: Person) -> bool:
    return any(np.abs(piece).max() > LOUD for piece in who.heard[-50:])


async def test_talking_over_it_is_heard_and_cuts_nothing(livekit_server: LiveKitServer) -> None:
    async with (
        person(livekit_server, ROOM, "ann") as ann,
        on_stage(livekit_server, ROOM) as stage,
    ):
        await ann.visitor.open_microphone()
        await until(lambda: stage.model.frames, "the ear")
        stage.model.reply(Scripted(STORY), cause=Cause.MODEL)
        await until(lambda: hears_a_voice(ann), "a voice")
        await ann.visitor.play(tone(440.0, 4.0))
        await until(lambda: loud_frames(stage) >= 6, "the tone in the model's ear")
        await until(lambda: stage.model.heard_reports, "the end of the story")
        assert stage.model.cancelled == []
        assert words(ann).split() == STORY.split()


async def test_barge_in_cuts_it_and_the_memory_keeps_what_was_played(
    livekit_server: LiveKitServer,
) -> None:
    async with (
        person(livekit_server, ROOM, "ann") as ann,
        on_stage(livekit_server, ROOM, barge_in=True) as stage,
    ):
        await ann.visitor.open_microphone()
        await until(lambda: stage.model.frames, "the ear")
        stage.model.reply(Scripted(LONG_STORY), cause=Cause.MODEL)
        await until(lambda: len(words(ann).split()) >= 4, "its first words")
        await ann.visitor.play(tone(440.0, 3.0))
        await until(lambda: stage.model.cancelled, "the cut")
        heard = LONG_STORY[: stage.model.cancelled[0].heard_chars]
        assert 2 <= len(heard.split()) < len(LONG_STORY.split())
        assert heard.endswith(" ")


async def test_observe_publishes_no_sound_and_posts(livekit_server: LiveKitServer) -> None:
    async with (
        person(livekit_server, ROOM, "ann") as ann,
        on_stage(livekit_server, ROOM, profile=load_profile("meeting_assistant")) as stage,
    ):
        await until(lambda: stage.model.frames, "the ear")
        stage.model.reply(Scripted("The plan has no owner."), cause=Cause.MODEL)
        await until(lambda: ann.found("chat", text="The plan has no owner."), "the post")
        before = len(ann.heard)
        await until(lambda: len(ann.heard) > before + 100, "two seconds of listening")
        assert not hears_a_voice(ann)
        assert words(ann) == ""


async def test_switching_to_observe_and_back_while_it_speaks(
    livekit_server: LiveKitServer,
) -> None:
    async with (
        person(livekit_server, ROOM, "ann") as ann,
        on_stage(livekit_server, ROOM) as stage,
    ):
        await until(lambda: stage.model.frames, "the ear")
        stage.model.reply(Scripted(LONG_STORY), cause=Cause.MODEL)
        await until(lambda: len(words(ann).split()) >= 3, "its first words")
        stage.agent.controls.set_mode(FloorMode.OBSERVE)
        await until(lambda: stage.model.cancelled, "the cut")
        stage.agent.controls.set_mode(FloorMode.SPEAK)
        said = words(ann)
        stage.model.reply(Scripted("Here I am again."), cause=Cause.MODEL)
        await until(lambda: words(ann)[len(said) :].strip().endswith("again."), "its words")
        await until(lambda: stage.model.heard_reports, "the report")


async def test_an_alarm_cuts_small_talk(livekit_server: LiveKitServer) -> None:
    async with (
        person(livekit_server, ROOM, "ann") as ann,
        on_stage(livekit_server, ROOM) as stage,
    ):
        await until(lambda: stage.model.frames, "the ear")
        stage.model.reply(Scripted(LONG_STORY), cause=Cause.MODEL)
        stage.model.reply(Scripted("And another thing."), cause=Cause.MODEL)
        await until(lambda: len(words(ann).split()) >= 3, "its first words")
        stage.model.reply(Scripted("Fire!", Emotion.URGENT), cause=Cause.MODEL)
        await until(lambda: "another thing." in words(ann), "what had waited")
        assert words(ann).index("Fire!") < words(ann).index("And another")
        assert stage.model.cancelled[0].heard_chars < len(LONG_STORY)
