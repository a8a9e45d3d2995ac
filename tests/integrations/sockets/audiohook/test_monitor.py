"""A silent copilot in a call of Genesys: both are heard apart, and cards go to the agent."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from interject.integrations.sockets.audiohook.platform import AudioHookPlatform
from interject.integrations.sockets.audiohook.request_check import RequestCheck
from interject.integrations.sockets.simulator.audiohook_session import AudioHookSession, offers
from interject.integrations.sockets.socket_endpoint import MOST_STRANGERS_TOLD
from tests.fakes.runtime import FakeRuntime, Scripted
from tests.integrations.log_lines import log_lines
from tests.integrations.sockets.audiohook.calling import (
    ASSIST,
    HOST,
    MONITOR,
    GenesysPeer,
    genesys_server,
)
from tests.integrations.sockets.audiohook.signing import API_KEY, SECRET
from tests.integrations.sockets.stage import socket_server
from tests.integrations.twilio.stage import FakeScreens
from tests.waiting import until

if TYPE_CHECKING:
    from tests.integrations.sockets.stage import SocketStage

LOUD = -30.0
NAME = "audiohook-monitor"
SPEECH = (8_000 * np.sin(np.arange(4_000) / 3)).astype(np.int16)


def heard(stage: SocketStage) -> set[str]:
    """Who spoke, above the noise of the line."""
    frames = stage.model.frames
    return {one.identity for frame in frames for one in frame.speakers if one.level_dbfs > LOUD}


async def test_both_are_heard_and_told_apart_and_a_cue_goes_to_the_agent_s_screen() -> None:
    runtime = FakeRuntime({3: Scripted("Offer the refund.")})
    peer = GenesysPeer()
    async with genesys_server(runtime=runtime, profile=ASSIST) as stage, peer.calls(stage):
        await until(lambda: runtime.sessions and stage.model.frames, "the first frame")
        await peer.say("external", SPEECH)
        await until(lambda: heard(stage) == {"customer"}, "the customer")
        await peer.say("internal", SPEECH)
        await until(lambda: heard(stage) == {"customer", "agent"}, "the agent")
        await until(lambda: stage.screens.cues, "the cue")
        call_id, cue, identities = stage.screens.cues[0]
        assert (call_id, cue.text) == (peer.session.conversation_id, "Offer the refund.")
        assert identities == ["agent"]
    assert peer.kinds()[0] == "opened"
    assert peer.kinds()[-1] == "closed"
    assert peer.received["sound"] == 0, "a monitor answers sound with 415"
    assert peer.wrong == []
    assert stage.board.taken == 0
    assert stage.metric("ended_total", platform=NAME, ending="hung_up") == 1


async def test_the_agent_is_shown_cards_where_only_the_customer_is_heard() -> None:
    runtime = FakeRuntime({1: Scripted("Offer the refund.")})
    peer = GenesysPeer(session=AudioHookSession(media=offers(("external",))))
    async with genesys_server(runtime=runtime, profile=ASSIST) as stage, peer.calls(stage):
        await until(lambda: stage.screens.cues, "the card")
        assert stage.screens.cues[0][2] == ["agent"]


async def test_the_session_is_open_before_there_is_a_model_and_pings_are_answered_meanwhile() -> (
    None
):
    """The platform waits five seconds for `opened`, and closes where a pong is missing."""
    runtime = SlowRuntime()
    peer = GenesysPeer()
    async with genesys_server(runtime=runtime, profile=ASSIST) as stage, peer.calls(stage):
        await until(lambda: "pong" in peer.kinds(), "the pong")
        assert runtime.sessions == []
        await peer.say("external", SPEECH[:3_200])
        runtime.ready.set()
        await until(lambda: runtime.sessions and heard(stage), "what was said meanwhile")
    assert peer.wrong == []


async def test_a_probe_is_answered_and_leaves_nothing_behind() -> None:
    peer = GenesysPeer(session=AudioHookSession.probe())
    async with genesys_server(profile=ASSIST, most_calls=1) as stage:
        stage.board.reserve()
        async with peer.calls(stage):
            await until(lambda: "opened" in peer.kinds(), "its answer")
        assert peer.kinds() == ["opened", "closed"]
        assert stage.runtime.sessions == []
        assert stage.board.taken == 1
    assert peer.wrong == []


@pytest.mark.parametrize(
    ("forged", "why"),
    [
        ({"unsigned": True}, "not signed"),
        ({"secret": b"x" * 32}, "another secret"),
        ({"now": 1_800_000_000.0}, "this machine's clock"),
    ],
)
async def test_a_stranger_is_told_so_and_never_heard(
    forged: dict[str, Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    peer = GenesysPeer()
    headers = peer.signed(**forged)
    async with genesys_server(profile=ASSIST) as stage:
        async with peer.calls(stage, headers):
            await until(peer.ended.is_set, "the end")
        [told] = [told for told in peer.told if told.kind == "disconnect"]
        assert told.fields["reason"] == "unauthorized"
        assert stage.runtime.sessions == []
        assert stage.board.taken == 0
        assert stage.metric("refused_total", platform=NAME) == 1
    assert any(why in vars(record).get("reason", "") for record in caplog.records)


async def test_strangers_who_stay_are_told_only_so_many_at_a_time() -> None:
    """Each holds a socket until he has closed it, and none of them is asked for anything."""
    screens = FakeScreens()
    platform = AudioHookPlatform(MONITOR, RequestCheck({API_KEY: SECRET}, HOST), screens)
    peer = GenesysPeer()
    async with socket_server([platform]) as stage, contextlib.AsyncExitStack() as stack:
        url = stage.url + platform.path
        for _ in range(MOST_STRANGERS_TOLD):
            stranger = await stack.enter_async_context(connect(url, proxy=None))
            assert "unauthorized" in str(await stranger.recv())
        with pytest.raises(InvalidStatus) as refused:
            await stack.enter_async_context(connect(url, proxy=None))
        assert refused.value.response.status_code == 403
        async with peer.calls(stage):
            await until(lambda: stage.board.calls, "the agent of one who is known")


async def test_a_request_that_is_sent_again_is_refused() -> None:
    first = GenesysPeer()
    headers = first.signed()
    second = GenesysPeer(session=AudioHookSession(session_id=first.session.session_id))
    async with genesys_server(profile=ASSIST) as stage, first.calls(stage, headers):
        await until(lambda: stage.board.calls, "the agent")
        async with second.calls(stage, headers):
            await until(second.ended.is_set, "the end")
        assert "disconnect" in second.kinds()
        assert len(stage.board.calls) == 1


async def test_another_organisation_than_was_signed_is_not_let_in() -> None:
    peer = GenesysPeer()
    headers = peer.signed()
    peer.session.organization_id = "d7934305-0972-4844-938e-9060eef73d05"
    async with genesys_server(profile=ASSIST) as stage, peer.calls(stage, headers):
        await until(peer.ended.is_set, "the end")
        assert peer.told[0].fields["reason"] == "unauthorized"
        assert peer.kinds()[-1] == "closed"
        assert stage.runtime.sessions == []


async def test_nothing_of_a_pause_reaches_the_model() -> None:
    peer = GenesysPeer()
    async with genesys_server(profile=ASSIST) as stage, peer.calls(stage):
        await until(lambda: stage.runtime.sessions and stage.model.frames, "the first frame")
        peer.line.pause()
        await until(lambda: not peer.line._answers, "the pause")
        peer.line.paused = False  # A client that goes on sending all the same.
        await peer.say("external", SPEECH)
        for _ in range(100):
            await peer.send(b"\x05" * 320)
        await asyncio.sleep(0.6)
        assert heard(stage) == set()
        peer.line.resume(lost_s=1.0)
        await peer.say("external", SPEECH)
        await until(lambda: heard(stage) == {"customer"}, "the customer")
    assert peer.kinds()[-1] == "closed"
    assert peer.wrong == []
    assert stage.metric("bad_messages_total", platform=NAME) == 0
    assert stage.metric("ended_total", platform=NAME, ending="hung_up") == 1


async def test_a_wish_to_stop_pauses_the_platform_and_a_wish_to_go_on_resumes_it() -> None:
    peer = GenesysPeer()
    async with genesys_server(profile=ASSIST) as stage, peer.calls(stage):
        await until(lambda: stage.runtime.sessions and stage.model.frames, "the first frame")
        stage.agent.consent.stop("customer")
        await until(lambda: peer.line.paused, "the platform's pause")
        stage.agent.consent.resume("customer")
        await until(lambda: not peer.line.paused, "the platform's resumption")
        await peer.say("external", SPEECH)
        await until(lambda: heard(stage) == {"customer"}, "the customer")
    assert peer.wrong == []


async def test_a_hole_in_the_sound_is_counted() -> None:
    peer = GenesysPeer()
    async with genesys_server(profile=ASSIST) as stage, peer.calls(stage):
        await until(lambda: stage.board.calls, "the agent")
        peer.line.say("discarded", start="PT0.2S", discarded="PT0.5S")
        await until(lambda: not peer.line._answers, "it")
    assert stage.metric("missing_seconds_total", platform=NAME) == 0.5


async def test_a_server_that_is_full_says_so_and_a_seat_that_is_free_again_is_given() -> None:
    first, second, third = GenesysPeer(), GenesysPeer(), GenesysPeer()
    async with genesys_server(profile=ASSIST, most_calls=1) as stage:
        async with first.calls(stage):
            await until(lambda: stage.board.calls, "the agent")
            async with second.calls(stage):
                await until(second.ended.is_set, "the end")
            assert second.kinds()[-2:] == ["disconnect", "closed"]
            assert second.told[-2].fields["info"] == "no agent can take this call now"
        await until(lambda: not stage.board.taken, "the seat")
        async with third.calls(stage):
            await until(lambda: stage.board.calls, "the agent")


async def test_an_agent_that_leaves_asks_the_platform_to_close() -> None:
    peer = GenesysPeer()
    async with genesys_server(profile=ASSIST) as stage, peer.calls(stage):
        await until(lambda: stage.board.calls, "the agent")
        await stage.agent.leave()
        await until(peer.ended.is_set, "the end")
        [told] = [told for told in peer.told if told.kind == "disconnect"]
        assert told.fields == {"reason": "completed"}
        assert peer.kinds()[-1] == "closed"
    assert peer.wrong == []


async def test_a_model_that_dies_is_found_again() -> None:
    peer = GenesysPeer()
    async with genesys_server(profile=ASSIST) as stage, peer.calls(stage):
        await until(lambda: stage.runtime.sessions and stage.model.frames, "the first frame")
        stage.model.break_off("the worker died")
        await until(lambda: len(stage.runtime.sessions) == 2, "another session")
        await peer.say("external", SPEECH)
        await until(lambda: heard(stage) == {"customer"}, "the customer")


async def test_a_server_that_is_stopped_asks_the_platform_to_close() -> None:
    peer = GenesysPeer()
    async with genesys_server(profile=ASSIST) as stage, peer.calls(stage):
        await until(lambda: stage.board.calls, "the agent")
        stopping = asyncio.ensure_future(stage.board.drain(0.0))
        await until(peer.ended.is_set, "the end")
        await stopping
    assert peer.kinds()[-2:] == ["disconnect", "closed"]


async def test_a_session_that_is_cut_or_never_closed_gives_its_seat_back() -> None:
    peer = GenesysPeer()
    async with genesys_server(profile=ASSIST) as stage, peer.calls(stage):
        await until(lambda: stage.board.calls, "the agent")
        peer.cut()
        await until(lambda: not stage.board.taken, "the seat")
        await until(lambda: stage.metric("ended_total", platform=NAME, ending="cut"), "its count")


async def test_a_client_that_does_not_answer_a_disconnect_is_left() -> None:
    peer = GenesysPeer()
    async with genesys_server(profile=ASSIST) as stage, peer.calls(stage):
        await until(lambda: stage.board.calls, "the agent")
        peer.line.closing_began = True  # It hears `disconnect` and says nothing.
        await stage.agent.leave()
        await until(peer.ended.is_set, "the end")


async def test_messages_out_of_order_end_the_session_with_the_reason() -> None:
    peer = GenesysPeer()
    async with genesys_server(profile=ASSIST) as stage, peer.calls(stage):
        await until(lambda: stage.board.calls, "the agent")
        peer.session.seq += 1
        await peer.send(peer.session.text("ping"))
        await until(peer.ended.is_set, "the end")
        [told] = [told for told in peer.told if told.kind == "disconnect"]
        assert told.fields["reason"] == "error"
        assert "seq" in told.fields["info"]
        assert peer.kinds()[-1] == "closed"
        await until(lambda: not stage.board.taken, "the seat")


async def test_bad_messages_are_left_out_and_the_call_goes_on() -> None:
    peer = GenesysPeer()
    async with genesys_server(profile=ASSIST) as stage, peer.calls(stage):
        await until(lambda: stage.runtime.sessions and stage.model.frames, "the first frame")
        for bad in ("{", "null", "[" * 10_000, b"\x00", json.dumps({"version": "2"})):
            await peer.send(bad)
        await peer.say("external", SPEECH)
        await until(lambda: heard(stage) == {"customer"}, "the customer")
    assert stage.metric("bad_messages_total", platform=NAME) == 5


async def test_the_log_names_the_conversation_and_nothing_of_the_customer() -> None:
    peer = GenesysPeer()
    with log_lines() as lines:
        async with genesys_server(profile=ASSIST) as stage, peer.calls(stage):
            await until(lambda: stage.board.calls, "the agent")
    assert any(f"call={peer.session.conversation_id}" in line for line in lines)
    assert not any("5550100" in line for line in lines)


class SlowRuntime(FakeRuntime):
    """Opens once a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.ready = asyncio.Event()

    async def open(self, options: object) -> object:  # type: ignore[override]
        await self.ready.wait()
        return await super().open(options)  # type: ignore[arg-type]
