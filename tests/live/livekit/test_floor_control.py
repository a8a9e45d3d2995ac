"""Switching the agent from the room: RPC methods, attributes, and who may do it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from livekit import api, rtc

from interject.agent.outputs import Cue, Posted
from interject.integrations.conversation.consent import Consent
from interject.integrations.conversation.cues import Cues
from interject.integrations.conversation.decision_message import DecisionFeed
from interject.integrations.conversation.floor_control import LISTENING_ATTRIBUTE, MODE_ATTRIBUTE
from interject.integrations.livekit.room.data_topics import DataTopics
from interject.integrations.livekit.room.posts import Posts
from interject.integrations.livekit.room.rpc_control import BAD_REQUEST, FORBIDDEN, RpcControl
from interject.model_runtime.protocol import Decision, Emotion, EndReason, FloorMode
from tests.fakes.room_controls import FakeControls, FakeListener
from tests.live.livekit.participants import person
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.live.livekit.server import LiveKitServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]

ROOM = "control"
AGENT = "agent"


class Agent:
    """A room's agent without a model."""

    def __init__(self, room: rtc.Room) -> None:
        self.room = room
        self.controls = FakeControls()
        self.ear = FakeListener()
        self.consent = Consent(may_control=may_control)
        self.consent.attach(self.ear)


def may_control(identity: str) -> bool:
    return identity == "host"


@contextlib.asynccontextmanager
async def agent(server: LiveKitServer) -> AsyncIterator[Agent]:
    room = rtc.Room()
    await room.connect(server.url, server.token(AGENT, ROOM))
    one = Agent(room)
    try:
        async with RpcControl(room, one.controls, one.consent, may_control=may_control):
            yield one
    finally:
        await room.disconnect()


def shown(room: rtc.Room) -> dict[str, str]:
    """The agent's attributes as another participant sees them."""
    them = room.remote_participants.get(AGENT)
    return {} if them is None else them.attributes


async def test_methods_switch_and_answer_with_the_state(livekit_server: LiveKitServer) -> None:
    async with agent(livekit_server) as one, person(livekit_server, ROOM, "host") as host:
        call = host.visitor.call
        await until(lambda: shown(host.visitor.room).get(MODE_ATTRIBUTE) == "observe", "the mode")
        await call(AGENT, "interject.set_mode", mode="speak")
        await call(AGENT, "interject.set_threshold", threshold=0.7)
        status = await call(AGENT, "interject.set_cap", per_minute=3)
        assert status == {
            "mode": "speak", "threshold": 0.7, "per_minute": 3, "listening": True, "withdrawn": [],
        }  # fmt: skip
        assert one.controls.mode == FloorMode.SPEAK
        await until(lambda: shown(host.visitor.room).get(MODE_ATTRIBUTE) == "speak", "the mode")
        assert (await call(AGENT, "interject.set_cap", per_minute=None))["per_minute"] is None
        assert await call(AGENT, "interject.status") == {**status, "per_minute": None}


async def test_who_may_not_control_is_refused_but_may_always_say_no(
    livekit_server: LiveKitServer,
) -> None:
    async with agent(livekit_server) as one, person(livekit_server, ROOM, "guest") as guest:
        call = guest.visitor.call
        with pytest.raises(rtc.RpcError) as refused:
            await call(AGENT, "interject.set_mode", mode="speak")
        assert refused.value.code == FORBIDDEN
        await call(AGENT, "interject.stop_listening", who="me")
        assert one.ear.excluded == {"guest"}
        await call(AGENT, "interject.stop_listening")
        assert not one.ear.hears()
        await until(
            lambda: shown(guest.visitor.room).get(LISTENING_ATTRIBUTE) == "false", "the attribute"
        )
        async with person(livekit_server, ROOM, "other") as other:
            with pytest.raises(rtc.RpcError) as refused:
                await other.visitor.call(AGENT, "interject.resume_listening")
            assert refused.value.code == FORBIDDEN
        await call(AGENT, "interject.resume_listening")
        assert one.ear.hears()
        assert one.controls.mode is FloorMode.OBSERVE


@pytest.mark.parametrize(
    ("method", "payload", "says"),
    [
        ("set_mode", {"mode": "shout"}, "mode"),
        ("set_mode", {}, "mode"),
        ("set_threshold", {"threshold": 2}, "threshold"),
        ("set_cap", {"per_minute": "x"}, "per_minute"),
        ("stop_listening", {"whom": "me"}, "whom"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(
    livekit_server: LiveKitServer, method: str, payload: dict[str, object], says: str
) -> None:
    async with agent(livekit_server), person(livekit_server, ROOM, "host") as host:
        await until(lambda: shown(host.visitor.room), "the agent's attributes")
        with pytest.raises(rtc.RpcError) as refused:
            await host.visitor.call(AGENT, f"interject.{method}", **payload)
        assert refused.value.code == BAD_REQUEST
        assert says in refused.value.message


async def test_attributes_are_wishes_of_who_carries_them(livekit_server: LiveKitServer) -> None:
    async with (
        agent(livekit_server) as one,
        person(livekit_server, ROOM, "host") as host,
        person(livekit_server, ROOM, "guest") as guest,
    ):
        await guest.visitor.room.local_participant.set_attributes({MODE_ATTRIBUTE: "speak"})
        await guest.visitor.room.local_participant.set_attributes({LISTENING_ATTRIBUTE: "false"})
        await until(lambda: one.ear.excluded == {"guest"}, "the guest to be excluded")
        assert one.controls.mode is FloorMode.OBSERVE
        await host.visitor.room.local_participant.set_attributes({MODE_ATTRIBUTE: "assist"})
        await until(lambda: one.controls.mode is FloorMode.ASSIST, "the host's mode")
        await guest.visitor.room.local_participant.set_attributes({LISTENING_ATTRIBUTE: "true"})
        await until(lambda: one.ear.excluded == set(), "the guest to be heard again")
        assert one.ear.hears()


async def test_the_operator_sets_the_agents_own_attributes(livekit_server: LiveKitServer) -> None:
    server = livekit_server
    async with agent(server) as one, api.LiveKitAPI(server.url, server.key, server.secret) as admin:

        async def set_attribute(name: str, value: str) -> None:
            request = api.UpdateParticipantRequest(
                room=ROOM, identity=AGENT, attributes={name: value}
            )
            await admin.room.update_participant(request)

        await until(lambda: one.room.local_participant.attributes, "the attributes")
        await set_attribute(MODE_ATTRIBUTE, "speak")
        await until(lambda: one.controls.mode is FloorMode.SPEAK, "the operator's mode")
        await set_attribute(LISTENING_ATTRIBUTE, "false")
        await until(lambda: not one.ear.hears(), "the agent to stop listening")
        await set_attribute(LISTENING_ATTRIBUTE, "true")
        await until(lambda: one.ear.hears(), "the agent to listen again")


@pytest.mark.parametrize(
    ("name", "holds"), [(MODE_ATTRIBUTE, "observe"), (LISTENING_ATTRIBUTE, "true")]
)
async def test_an_attribute_that_makes_no_sense_is_set_back(
    livekit_server: LiveKitServer, caplog: pytest.LogCaptureFixture, name: str, holds: str
) -> None:
    server = livekit_server
    async with agent(server) as one, api.LiveKitAPI(server.url, server.key, server.secret) as admin:
        seen: list[str] = []
        one.room.on(
            "participant_attributes_changed",
            lambda changed, who: seen.append(changed[name]) if name in changed else None,
        )
        await until(lambda: one.room.local_participant.attributes.get(name) == holds, "the state")
        await admin.room.update_participant(
            api.UpdateParticipantRequest(room=ROOM, identity=AGENT, attributes={name: "banana"})
        )
        await until(lambda: "banana" in seen and seen[-1] == holds, "what holds")
        assert one.controls.mode is FloorMode.OBSERVE
        assert one.ear.hears()
    assert [record.levelname for record in caplog.records if "refused" in record.msg] == ["WARNING"]


async def test_a_cue_reaches_its_addressee_only_and_a_post_everybody(
    livekit_server: LiveKitServer,
) -> None:
    async with (
        agent(livekit_server) as one,
        person(livekit_server, ROOM, "ann") as ann,
        person(livekit_server, ROOM, "ben") as ben,
    ):
        cues, posts = Cues(DataTopics(one.room)), Posts(one.room)
        card = Cue("s", "s-1", "note", 500, "Ask for it.", Emotion.NORMAL, 9, 4.0, 34.0)
        await until(lambda: len(one.room.remote_participants) == 2, "both to be there")
        await cues.emit(card)
        assert (cues.sent, cues.unaddressed) == (0, 1)
        await cues.emit(replace(card, identities=("ann",)))
        await posts.emit(
            Posted("s", 2, 9, 4.0, Emotion.HAPPY, "Noted for everybody.", EndReason.COMPLETE)
        )
        for one_of_them in (ann, ben):
            await until(lambda who=one_of_them: who.found("chat"), "the post")  # type: ignore[misc]
            (post,) = one_of_them.found("chat")
            assert post.fields["text"] == "Noted for everybody."
            assert post.fields["attributes"] == {
                "interject.emotion": "happy", "interject.chunk": "9",
            }  # fmt: skip
        await until(lambda: ann.found("data", topic="interject.cue"), "the cue")
        (cue,) = ann.found("data", topic="interject.cue")
        assert cue.fields["content"]["text"] == "Ask for it."
        assert cue.fields["content"]["chunk"] == 9
        assert ben.found("data") == []


async def test_decisions_are_sent_to_who_watches(livekit_server: LiveKitServer) -> None:
    async with agent(livekit_server) as one, person(livekit_server, ROOM, "ann") as ann:
        await until(lambda: one.room.remote_participants, "somebody to watch")
        topic = DecisionFeed(DataTopics(one.room))
        for _ in range(100):
            topic.put(Decision("s", 3, 1.2, 0.0, 1.0, 0.7, True, FloorMode.SPEAK))
        assert topic.dropped == 36
        running = asyncio.create_task(topic.run())
        await until(lambda: ann.found("data", topic="interject.decision"), "a decision")
        running.cancel()
        assert ann.found("data")[0].fields["content"]["respond"] is True
