"""Who comes late, comes back or only writes is told, and is heard when he says no."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interject.config import load_profile
from interject.integrations.conversation.chat_rules import NOT_READ
from tests.fakes.runtime import MAX_TEXT_CHARS
from tests.live.livekit.participants import person
from tests.live.livekit.scripted_agent import AGENT, on_stage
from tests.waiting import until

if TYPE_CHECKING:
    from tests.live.livekit.participants import Person
    from tests.live.livekit.server import LiveKitServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]


def announcements(who: Person) -> int:
    return len(who.found("chat", identity=AGENT, attributes={"interject.announcement": "true"}))


async def test_who_only_writes_may_do_so_as_soon_as_he_has_come(
    shared_livekit: LiveKitServer,
) -> None:
    """LiveKit tells the others up to three seconds later of somebody without a microphone."""
    room = "late-news"
    async with (
        person(shared_livekit, room, "host"),
        on_stage(shared_livekit, room, profile=load_profile("default")) as here,
    ):
        for identity in ("ann", "ben", "cem"):
            async with person(shared_livekit, room, identity) as who:
                await who.visitor.write("stop listening")
                await until(lambda: not here.agent.consent.listening, "the agent to stop")
                await who.visitor.write("start listening")
                await until(lambda: here.agent.consent.listening, "the agent to listen again")


async def test_who_comes_back_is_told_again(shared_livekit: LiveKitServer) -> None:
    room = "come-back"
    async with (
        person(shared_livekit, room, "host") as host,
        on_stage(shared_livekit, room, profile=load_profile("default")),
    ):
        for _ in range(2):
            async with person(shared_livekit, room, "ann") as ann:
                await until(lambda: announcements(ann), "the announcement")
        async with person(shared_livekit, room, "ann") as ann:
            await until(lambda: announcements(ann), "the announcement")
            async with person(shared_livekit, room, "ann") as other:
                await until(ann.visitor.gone.is_set, "the former to be thrown out")
                await until(lambda: announcements(other), "the announcement")
        assert announcements(host) == 1


async def test_who_writes_what_the_model_refuses_is_told(shared_livekit: LiveKitServer) -> None:
    room = "too-much"
    async with (
        person(shared_livekit, room, "ann") as ann,
        person(shared_livekit, room, "ben") as ben,
        on_stage(shared_livekit, room, profile=load_profile("default")),
    ):
        await until(lambda: announcements(ann), "the announcement")
        await ann.visitor.write("x" * (MAX_TEXT_CHARS + 1))
        await until(lambda: ann.found("chat", text=NOT_READ), "the refusal")
        assert ben.found("chat", text=NOT_READ) == []
