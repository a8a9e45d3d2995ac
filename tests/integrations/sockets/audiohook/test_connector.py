"""A bot in a call of Genesys: it speaks in packets, falls silent when told, and hears keys."""

from __future__ import annotations

import asyncio

import numpy as np

from interject.config import Profile
from tests.fakes.runtime import FakeRuntime, Scripted
from tests.integrations.sockets.audiohook.calling import CONNECTOR, GenesysPeer, genesys_server
from tests.waiting import until

SPEECH = (8_000 * np.sin(np.arange(4_000) / 3)).astype(np.int16)
STORY = "One two three, four five six. Seven eight nine ten, and so on, until it is all over."
LOUD = 500


def sounds(peer: GenesysPeer) -> int:
    return sum(bool(np.abs(piece).max() > LOUD) for piece in peer.heard)


async def test_a_caller_is_heard_and_hears_the_reply_in_packets_of_200_ms() -> None:
    words = "Good morning."
    runtime = FakeRuntime({1: Scripted(words)})
    peer = GenesysPeer(CONNECTOR)
    async with genesys_server(runtime=runtime) as stage, peer.calls(stage):
        await until(lambda: runtime.sessions and stage.model.heard_reports, "the reply")
        await until(lambda: (0, len(words)) in stage.model.heard_reports, "all of it")
        await peer.say("external", SPEECH)
        await until(lambda: any(frame.speakers for frame in stage.model.frames), "the caller")
        [loud] = {one.identity for frame in stage.model.frames for one in frame.speakers}
        assert loud == "caller"
        assert sounds(peer) > 5
        assert peer.most_held_s <= 0.6
        [call] = stage.board.calls
        assert call.call_id == f"{peer.session.conversation_id}-bot"
    assert peer.wrong == []
    assert peer.kinds()[-1] == "closed"


async def test_what_is_cut_off_was_not_heard_and_the_platform_forgets_it() -> None:
    runtime = FakeRuntime({1: Scripted(STORY)})
    peer = GenesysPeer(CONNECTOR)
    async with genesys_server(runtime=runtime) as stage, peer.calls(stage):
        await until(lambda: sounds(peer) > 20, "the reply")
        await stage.agent.interrupt()
        await until(lambda: peer.received["clear"], "barge_in")
        await until(lambda: stage.model.cancelled, "the cut")
        assert 0 < stage.model.cancelled[0].heard_chars < len(STORY)
        await asyncio.sleep(0.5)
        settled = sounds(peer)
        await asyncio.sleep(0.5)
        assert sounds(peer) == settled
    assert peer.wrong == [], "also the numbers of what was sent"


async def test_a_caller_is_told_aloud_that_an_agent_listens_and_stops_it_with_a_key() -> None:
    peer = GenesysPeer(CONNECTOR)
    room = {"spoken_announcement": "A machine listens.", "spoken_stop_notice": "No more."}
    profile = Profile.model_validate({"name": "test", "system_prompt": "listen", "room": room})
    async with genesys_server(profile=profile) as stage, peer.calls(stage):
        await until(lambda: sounds(peer), "the announcement")
        peer.line.say("dtmf", digit="5")
        await until(lambda: stage.model.told == ["caller pressed 5."], "the key")
        peer.line.say("dtmf", digit=profile.room.listening_digit)
        await until(lambda: not stage.agent.consent.listening, "its end")
        await until(lambda: peer.line.paused, "the platform's pause")
        peer.line.say("dtmf", digit=profile.room.listening_digit)
        await until(lambda: not peer.line.paused, "the platform's resumption")
    assert peer.wrong == []


async def test_a_platform_that_wants_fewer_messages_gets_none_for_a_while() -> None:
    runtime = FakeRuntime({1: Scripted(STORY)})
    peer = GenesysPeer(CONNECTOR)
    async with genesys_server(runtime=runtime) as stage, peer.calls(stage):
        await until(lambda: sounds(peer) > 5, "the reply")
        peer.line.say("error", code=429, message="rate limit", retryAfter="PT1.5S")
        await until(lambda: not peer.line._answers, "it")
        await asyncio.sleep(0.2)
        packets = peer.received["sound"]
        await asyncio.sleep(0.8)
        assert peer.received["sound"] == packets
        await until(lambda: peer.received["sound"] > packets, "the rest")
        assert not peer.ended.is_set()


async def test_a_bot_that_leaves_says_that_it_has_completed() -> None:
    peer = GenesysPeer(CONNECTOR)
    async with genesys_server() as stage, peer.calls(stage):
        await until(lambda: stage.board.calls, "the agent")
        await stage.agent.leave()
        await until(peer.ended.is_set, "the end")
        assert [told.fields for told in peer.told if told.kind == "disconnect"] == [
            {"reason": "completed"}
        ]


async def test_a_bot_and_a_copilot_may_be_in_one_conversation() -> None:
    bot = GenesysPeer(CONNECTOR)
    copilot = GenesysPeer()
    copilot.session.conversation_id = bot.session.conversation_id
    async with genesys_server() as stage, bot.calls(stage), copilot.calls(stage):
        await until(lambda: len(stage.board.calls) == 2, "both")
