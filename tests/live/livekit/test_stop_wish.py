"""A model that says that it will stop listening, in a real room: it is true from then on."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from interject.config import Profile, load_profile
from interject.integrations.conversation.floor_control import LISTENING_ATTRIBUTE
from interject.model_runtime.protocol import Cause
from tests.fakes.runtime import Scripted
from tests.live.livekit.participants import person, tone
from tests.live.livekit.scripted_agent import AGENT, on_stage
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fakes.runtime import FakeRuntimeSession
    from tests.live.livekit.participants import Person
    from tests.live.livekit.scripted_agent import OnStage
    from tests.live.livekit.server import LiveKitServer

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here"),
]

SENTENCE = "I will stop listening."
NEAR_MISS = "I will stop listening to that song."


def changed(*, room: dict[str, Any], **profile: Any) -> Profile:
    """The default profile with changes to it and to its `room` section."""
    base = load_profile("default")
    return base.model_copy(update={**profile, "room": base.room.model_copy(update=room)})


@contextlib.asynccontextmanager
async def talking(who: Person) -> AsyncIterator[None]:
    task = asyncio.create_task(who.visitor.play(tone(300, 200.0)))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def hears(model: FakeRuntimeSession) -> set[str]:
    """Who was loud in the newest frame."""
    speakers = model.frames[-1].speakers if model.frames else ()
    return {speaker.identity for speaker in speakers if speaker.level_dbfs > -40}


async def answer(model: FakeRuntimeSession, text: str) -> None:
    """Reply unprompted to a chunk in which Ann was loud."""
    await until(lambda: hears(model) == {"ann"}, "Ann to be heard")
    model.decide(model.frames[-1])
    model.reply(Scripted(text), cause=Cause.MODEL)


def subscribed(here: OnStage, identity: str) -> bool:
    publications = here.agent.room.remote_participants[identity].track_publications.values()
    return any(publication.subscribed for publication in publications)


def shown(mode: str, who: Person) -> list[str]:
    """The agent's words as this mode brings them to somebody."""
    if mode == "speak":
        return [str(e.fields["text"]) for e in who.found("transcription", identity=AGENT)]
    if mode == "observe":
        return [str(e.fields["text"]) for e in who.found("chat", identity=AGENT)]
    return [str(e.fields["content"]["text"]) for e in who.found("data", topic="interject.cue")]


def shows_deaf(who: Person) -> bool:
    """Whether somebody can see that the agent does not listen."""
    attributes = who.visitor.room.remote_participants[AGENT].attributes
    return attributes.get(LISTENING_ATTRIBUTE) == "false"


def notices(who: Person) -> list[str]:
    told = who.found("chat", identity=AGENT, attributes={LISTENING_ATTRIBUTE: "false"})
    return [str(event.fields["text"]) for event in told]


def announcements(who: Person) -> list[str]:
    told = who.found("chat", identity=AGENT, attributes={"interject.announcement": "true"})
    return [str(event.fields["text"]) for event in told]


@pytest.mark.parametrize("mode", ["speak", "observe", "assist"])
async def test_it_stops_at_its_word_and_goes_on_when_it_is_written_to(
    shared_livekit: LiveKitServer, mode: str
) -> None:
    room = f"wish-{mode}"
    outputs = {"speak": ("spoken",), "observe": ("posted",), "assist": ("cue",)}[mode]
    settings = {"announce": "none", "control": (), "cue_to": ("ben",)}
    profile = changed(mode=mode, outputs=outputs, room=settings)
    async with (
        person(shared_livekit, room, "ann") as ann,
        person(shared_livekit, room, "ben") as ben,
        on_stage(shared_livekit, room, profile=profile) as here,
        talking(ann),
    ):
        model, consent = here.model, here.agent.consent
        await answer(model, NEAR_MISS)
        await until(lambda: NEAR_MISS in shown(mode, ben), "the near miss")
        assert consent.listening
        await answer(model, SENTENCE)
        await until(lambda: not consent.listening, "the agent to stop")
        deaf_from = len(model.frames)
        assert here.agent.sessions.open[0].ear.heard == ()
        await until(lambda: not subscribed(here, "ann"), "the track to be let go")
        for who in (ann, ben):
            await until(lambda who=who: notices(who), "the notice")  # type: ignore[misc]
            assert notices(who) == [profile.room.stop_notice]
            await until(lambda who=who: shows_deaf(who), "the attribute")  # type: ignore[misc]
        await until(lambda: SENTENCE in shown(mode, ben), "the sentence")
        await until(lambda: (1, len(SENTENCE)) in model.heard_reports, "it to be said to its end")
        assert not any(any(frame.pcm) for frame in model.frames[deaf_from:])
        with pytest.raises(PermissionError):
            consent.resume("ben")
        await ann.visitor.write("Start listening.")
        await until(lambda: consent.listening, "the agent to listen again")
        await until(
            lambda: len(model.frames) > deaf_from and hears(model) == {"ann"},
            "Ann to be heard again",
        )
        await until(lambda: announcements(ben), "everybody to be told")


async def test_what_one_asks_of_his_own_ear_holds_for_the_room(
    shared_livekit: LiveKitServer,
) -> None:
    room = "wish-each"
    profile = changed(mode="observe", outputs=(), room={"ear": "each", "control": ()})
    async with (
        person(shared_livekit, room, "ann") as ann,
        on_stage(shared_livekit, room, profile=profile) as here,
        person(shared_livekit, room, "ben") as ben,
    ):
        heard = here.agent.sessions
        for identity, who in (("ann", ann), ("ben", ben)):
            await who.visitor.open_microphone()
            await until(
                lambda identity=identity: (one := heard.of(identity)) and one.ear.heard,  # type: ignore[misc]
                f"{identity} to be heard",
            )
        here.model.reply(Scripted(SENTENCE), cause=Cause.TEXT_TURN)
        await until(lambda: not here.agent.consent.listening, "the agent to stop")
        assert [session.ear.heard for session in heard.open] == [(), ()]
        await until(lambda: notices(ben), "the notice")
        with pytest.raises(PermissionError):
            here.agent.consent.resume("ben")
        await ann.visitor.write("start listening")
        await until(lambda: here.agent.consent.listening, "the agent to listen again")


async def test_who_comes_while_it_does_not_listen_is_told_so(shared_livekit: LiveKitServer) -> None:
    room = "wish-late"
    async with (
        person(shared_livekit, room, "ann") as ann,
        on_stage(shared_livekit, room, profile=load_profile("default")) as here,
    ):
        await until(lambda: announcements(ann), "the announcement")
        await ann.visitor.write("stop listening")
        await until(lambda: notices(ann), "the notice")
        async with person(shared_livekit, room, "ben") as ben:
            await until(lambda: notices(ben), "the notice")
            assert announcements(ben) == []
            await ann.visitor.write("start listening")
            await until(lambda: here.agent.consent.listening, "the agent to listen again")
            for who, count in ((ann, 2), (ben, 1)):
                await until(lambda: len(announcements(who)) == count, "to be told")  # noqa: B023
