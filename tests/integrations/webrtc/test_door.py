"""Offers over HTTP, calls over loopback, and a seat that is given back whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from functools import partial
from operator import contains
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest

from interject.agent.outputs import Spoken
from interject.config import Profile
from interject.integrations.conversation.role import Role
from interject.integrations.conversation.switchboard import Switchboard
from interject.integrations.web.app import make_app
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.origins import Origins
from interject.integrations.webrtc.arrivals import OVERDUE_S
from interject.integrations.webrtc.door import WebRtcDoor
from interject.integrations.webrtc.ice_outage import QUIET_S
from interject.integrations.webrtc.settings import WebRtcSettings
from interject.integrations.webrtc.turn_server import TurnServer
from tests.fakes.runtime import FakeRuntime, Scripted
from tests.integrations.log_lines import log_lines
from tests.integrations.webrtc.browser import RATE_HZ, Browser, Microphone
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from interject.agent.outputs import OutputEvent
    from interject.integrations.conversation.call_agent import CallAgent

OWN = "http://testserver"
TOKEN = "a-token-of-some-length"
LEFT = {"type": "signalling", "message": {"type": "peerLeft"}}
TONE = (8_000 * np.sin(np.arange(RATE_HZ * 3) * 2 * np.pi * 300 / RATE_HZ)).astype(np.int16)


class LeapingClock:
    """Real time, which a test moves on."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self._ahead_s

    def leap(self, seconds: float) -> None:
        self._ahead_s += seconds


class Spoke:
    """An output of all calls."""

    def __init__(self) -> None:
        self.events: list[OutputEvent] = []

    async def emit(self, event: OutputEvent) -> None:
        self.events.append(event)


class World:
    def __init__(
        self, runtime: FakeRuntime, switchboard: Switchboard, door: WebRtcDoor, http: Any
    ) -> None:
        self.runtime = runtime
        self.door = door
        self.switchboard = switchboard
        self.http: httpx.AsyncClient = http
        self.spoke = Spoke()
        self.app: Any = None

    @property
    def call(self) -> CallAgent:
        (call,) = self.switchboard.calls
        return call

    async def until_empty(self) -> None:
        await until(lambda: not self.switchboard.taken, "the seat to be given back")


@contextlib.asynccontextmanager
async def world(
    *,
    runtime: FakeRuntime | None = None,
    most_calls: int | None = None,
    settings: WebRtcSettings | None = None,
    bearer: Bearer | None = None,
    clock: Callable[[], float] = time.monotonic,
    **profile: Any,
) -> AsyncIterator[World]:
    model = runtime or FakeRuntime()
    role = Role(Profile(name="test", system_prompt="listen", **profile), runtime=model)
    spoke = Spoke()
    switchboard = Switchboard(role, model, most_calls=most_calls, outputs=(spoke,))
    door = WebRtcDoor(switchboard, settings, bearer=bearer, clock=clock)
    app = make_app([door], origins=Origins([OWN]))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=OWN) as http, door:
        scene = World(model, switchboard, door, http)
        scene.spoke, scene.app = spoke, app
        yield scene
    assert switchboard.taken == 0


async def test_a_browser_talks_and_is_answered_aloud_and_in_words() -> None:
    """As Pipecat's clients do it: offer, client-ready, decisions, words as they are heard."""
    runtime = FakeRuntime({2: Scripted("Good morning to you.")})
    async with world(runtime=runtime) as scene, Browser(scene.http, sound=TONE) as browser:
        response = await browser.connect(requestData={"any": "thing"}, pc_id=None)
        assert set(response.json()) == {"sdp", "type", "pc_id", "call"}
        await browser.open()
        browser.send("client-ready", {"version": "2.1.0", "about": {"library": "test"}})
        assert (await browser.until_told("bot-ready"))["version"].startswith("2.")
        assert (await browser.until_told("notice"))["notice"] == "announcement"
        decision = await browser.until_told("decision")
        assert set(decision) >= {"chunk", "p_respond", "respond", "mode", "queued_s", "speakers"}
        await browser.until_told("heard")
        await until(lambda: any(one["type"] == "bot-stopped-speaking" for one in browser.messages))
        assert browser.loudest > 1_000
        words = "".join(one["text"] for one in browser.told("bot-tts-text"))
        assert words == "Good morning to you."
        statuses = [one["spoken_status"] for one in browser.told("bot-output")]
        assert (statuses[0], statuses[-1]) == ("new", "completed")
        assert [one["heard_chars"] for one in _spoken(scene)] == [len(words)]
        loud = [one for one in browser.told("decision") if one["speakers"]]
        assert loud[0]["speakers"][0]["identity"] == "caller"
        assert loud[0]["speakers"][0]["level_dbfs"] == pytest.approx(-15.3, abs=3)
        (call,) = scene.door._calls.values()
        await until(lambda: call.sink.round_trip_s > 0, "a report by RTCP")
        assert call.sink.delay_s < 0.5


def _spoken(scene: World) -> list[dict[str, Any]]:
    return [
        {"heard_chars": one.heard_chars, "text": one.text}
        for one in scene.spoke.events
        if isinstance(one, Spoken)
    ]


async def test_a_caller_stops_the_listening_and_types_and_interrupts() -> None:
    runtime = FakeRuntime({1: Scripted("A very long story, " * 20)})
    async with world(runtime=runtime) as scene, Browser(scene.http, sound=TONE) as browser:
        await browser.connect()
        await browser.open()
        await until(lambda: browser.loudest > 1_000, "the story")
        browser.send("client-message", {"t": "interrupt"})
        cut = await browser.until_told("heard")
        assert cut["interrupted"]
        assert 0 < cut["chars"] < cut["of"]
        browser.send("send-text", {"content": "a question"})
        await until(lambda: any("a question" in one["text"] for one in browser.told("bot-output")))
        browser.send("client-message", {"t": "stop_listening"}, "s1")
        await until(lambda: len(browser.told("server-response")) == 2)
        interrupted, stopped = browser.told("server-response")
        assert (interrupted["t"], stopped["t"]) == ("interrupt", "stop_listening")
        assert stopped["d"]["listening"] is False
        assert not scene.call.consent.listening


async def test_a_caller_without_a_data_channel_is_heard_and_answered() -> None:
    """A bot of Recall.ai brings sound and no messages."""
    clock, runtime = LeapingClock(), FakeRuntime({3: Scripted("I am listening.")})
    place = world(runtime=runtime, clock=clock)
    async with place as scene, Browser(scene.http, sound=TONE, writes=False) as browser:
        await browser.connect()
        await until(lambda: heard_loud(runtime), "the sound")
        for _ in range(2):
            clock.leap(9.0)
            await asyncio.sleep(0.3)
        await until(lambda: browser.loudest > 1_000, "the answer")
        await until(lambda: _spoken(scene), "the end of the answer")
        assert scene.switchboard.taken == 1


async def test_a_server_of_one_call_has_no_plural() -> None:
    async with world(most_calls=1) as scene, Browser(scene.http) as one, Browser(scene.http) as two:
        await one.connect()
        refused = await two.connect()
        assert refused.json()["detail"] == "the only call of this server is taken"


async def test_seats_are_counted_exactly_and_the_next_is_told_why_and_when() -> None:
    async with world(most_calls=2) as scene, contextlib.AsyncExitStack() as stack:
        browsers = [
            await stack.enter_async_context(Browser(scene.http, pings=False)) for _ in range(6)
        ]
        responses = await asyncio.gather(*(browser.connect() for browser in browsers))
        assert sorted(one.status_code for one in responses) == [200, 200, 503, 503, 503, 503]
        (refused, *_) = [one for one in responses if one.status_code == 503]
        assert refused.json()["detail"] == "all 2 calls of this server are taken"
        assert int(refused.headers["Retry-After"]) > 0


@pytest.mark.parametrize("sdp", ["rubbish", "v=0\r\n", "no audio"])
async def test_an_offer_that_cannot_be_answered_takes_no_seat_and_no_session(sdp: str) -> None:
    async with world() as scene, Browser(scene.http) as browser:
        if sdp == "no audio":
            offer = await browser.offer()
            sdp = offer.split("m=audio")[0] + "m=application" + offer.split("m=application")[1]
            sdp = sdp.replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 1")
        response = await scene.http.post("/api/offer", json={"sdp": sdp, "type": "offer"})
        assert response.status_code == 400, response.text
        assert len(response.json()["detail"].splitlines()) == 1
        await scene.until_empty()
        assert scene.runtime.sessions == []


async def test_a_full_runtime_is_told_with_when_to_come_again() -> None:
    async with world(runtime=FakeRuntime(slots=0)) as scene, Browser(scene.http) as browser:
        response = await browser.connect()
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "1"
        await scene.until_empty()


async def test_a_server_that_drains_takes_no_offer() -> None:
    async with world() as scene, Browser(scene.http) as browser:
        scene.switchboard.draining = True
        response = await browser.connect()
        assert response.status_code == 503
        assert "stopped" in response.json()["detail"]


async def test_an_offer_before_the_door_is_open_is_refused() -> None:
    model = FakeRuntime()
    role = Role(Profile(name="test", system_prompt="listen"), runtime=model)
    door = WebRtcDoor(Switchboard(role, model))
    app = make_app([door], origins=Origins([OWN]))
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OWN)
    async with http, Browser(http) as browser:
        assert (await browser.connect()).status_code == 503


async def test_whoever_never_connects_loses_his_seat() -> None:
    settings = WebRtcSettings(connect_within_s=0.3)
    async with world(settings=settings) as scene, Browser(scene.http) as browser:
        sdp = await browser.offer()
        response = await scene.http.post("/api/offer", json={"sdp": sdp, "type": "offer"})
        assert response.is_success
        assert scene.switchboard.taken == 1
        await scene.until_empty()


async def test_in_a_full_house_an_offer_that_nobody_connects_to_makes_room() -> None:
    clock = LeapingClock()
    async with world(most_calls=2, clock=clock) as scene, contextlib.AsyncExitStack() as stack:
        here, *gone, late = [await stack.enter_async_context(Browser(scene.http)) for _ in range(4)]
        await here.connect()
        await here.open()
        offers = [{"sdp": await one.offer(), "type": "offer"} for one in gone]
        assert (await scene.http.post("/api/offer", json=offers[0])).is_success
        assert (await scene.http.post("/api/offer", json=offers[1])).status_code == 503
        clock.leap(OVERDUE_S)
        assert (await late.connect()).is_success
        await late.open()
        clock.leap(OVERDUE_S)
        assert (await scene.http.post("/api/offer", json=offers[1])).status_code == 503
        here.send("client-ready", {})
        await here.until_told("bot-ready")
        assert scene.switchboard.taken == 2


async def test_one_address_does_not_hold_all_seats_with_offers() -> None:
    async with (
        world(runtime=FakeRuntime(slots=12), most_calls=12) as scene,
        Browser(scene.http) as browser,
    ):
        body = {"sdp": await browser.offer(), "type": "offer"}
        posts = [scene.http.post("/api/offer", json=body) for _ in range(9)]
        codes = [response.status_code for response in await asyncio.gather(*posts)]
        assert sorted(codes) == [200] * 6 + [503] * 3
        elsewhere = httpx.ASGITransport(scene.app, client=("203.0.113.9", 1))
        async with httpx.AsyncClient(transport=elsewhere, base_url=OWN) as http:
            assert (await http.post("/api/offer", json=body)).is_success


async def test_a_closed_connection_ends_the_call_at_once() -> None:
    async with world() as scene:
        async with Browser(scene.http) as browser:
            await browser.connect()
            await browser.open()
        await scene.until_empty()
        assert scene.switchboard.calls == ()


async def test_a_caller_who_is_silent_in_every_way_has_gone() -> None:
    """aiortc itself would notice only after half a minute."""
    clock = LeapingClock()
    async with world(clock=clock) as scene, Browser(scene.http) as browser:
        await browser.connect()
        await browser.open()
        await asyncio.sleep(0.2)
        browser.microphone.stop()
        for task in browser._tasks:
            task.cancel()
        clock.leap(9.0)
        await asyncio.sleep(0.5)
        assert scene.switchboard.taken == 1
        clock.leap(1.0)
        await scene.until_empty()


async def test_hanging_up_by_http_and_by_message_ends_the_call_and_says_so() -> None:
    async with world() as scene:
        for by_message in (True, False):
            async with Browser(scene.http) as browser:
                await browser.connect()
                await browser.open()
                if by_message:
                    browser.send("disconnect-bot")
                else:
                    wish = {"pc_id": browser.pc_id}
                    assert (await scene.http.request("DELETE", "/api/offer", json=wish)).is_success
                    assert (await scene.http.request("DELETE", "/api/offer", json=wish)).is_success
                await scene.until_empty()
                await until(partial(contains, browser.messages, LEFT), "peerLeft")


async def test_a_restarted_connection_goes_on_with_the_same_call() -> None:
    runtime = FakeRuntime({4: Scripted("One moment please, I am thinking about this. " * 4)})
    async with world(runtime=runtime) as scene, Browser(scene.http, sound=TONE) as browser:
        await browser.connect()
        await browser.open()
        call = scene.call
        await until(lambda: browser.loudest > 1_000, "the begin of the reply")
        browser.heard.clear()
        first = browser.pc_id
        response = await browser.reconnect()
        assert response.json()["pc_id"] == first
        await browser.open()
        await until(lambda: browser.loudest > 1_000, "the rest of the reply")
        assert scene.call is call
        assert len(runtime.sessions) == 1
        browser.send("client-ready", {})
        await browser.until_told("bot-ready")


async def test_a_restart_that_cannot_be_answered_leaves_the_call_as_it_was() -> None:
    async with world() as scene, Browser(scene.http) as browser:
        await browser.connect()
        await browser.open()
        body = {"sdp": "rubbish", "type": "offer", "pc_id": browser.pc_id, "restart_pc": True}
        assert (await scene.http.post("/api/offer", json=body)).status_code == 400
        browser.send("client-ready", {})
        await browser.until_told("bot-ready")


async def test_the_same_connection_is_negotiated_again() -> None:
    async with world() as scene, Browser(scene.http) as browser:
        await browser.connect()
        await browser.open()
        call = scene.call
        assert (await browser.connect(pc_id=browser.pc_id)).is_success
        assert scene.call is call
        browser.send("client-ready", {})
        await browser.until_told("bot-ready")


def heard_loud(runtime: FakeRuntime) -> bool:
    """Whether the last frame that the model has was loud."""
    frames = runtime.sessions[-1].frames
    return bool(frames) and int(np.abs(np.frombuffer(frames[-1].pcm, "<i2")).max()) > 1_000


async def test_a_microphone_that_comes_with_a_later_offer_is_heard() -> None:
    runtime = FakeRuntime()
    async with world(runtime=runtime) as scene, Browser(scene.http) as browser:
        (line,) = browser.connection.getTransceivers()
        line.direction = "recvonly"
        line.sender.replaceTrack(None)
        await browser.connect()
        await browser.open()
        line.sender.replaceTrack(Microphone(TONE, again=True))
        line.direction = "sendrecv"
        assert (await browser.connect(pc_id=browser.pc_id)).is_success
        await until(lambda: heard_loud(runtime), "the late microphone")


async def test_a_microphone_on_a_line_of_its_own_takes_the_place_of_the_first() -> None:
    """As Chrome does it after `removeTrack` and `addTrack`."""
    runtime = FakeRuntime()
    async with world(runtime=runtime) as scene, Browser(scene.http) as browser:
        await browser.connect()
        await browser.open()
        (line,) = browser.connection.getTransceivers()
        line.direction = "recvonly"
        line.sender.replaceTrack(None)
        browser.connection.addTransceiver(Microphone(TONE, again=True), direction="sendonly")
        assert (await browser.connect(pc_id=browser.pc_id)).is_success
        await until(lambda: heard_loud(runtime), "the second microphone")


async def test_who_is_about_to_come_back_is_not_taken_for_gone() -> None:
    clock = LeapingClock()
    async with world(clock=clock) as scene, Browser(scene.http) as browser:
        await browser.connect()
        await browser.open()
        call = scene.call
        browser.microphone.stop()
        for task in browser._tasks:
            task.cancel()
        clock.leap(9.0)
        old = browser.connection
        browser._make()
        body = {"sdp": await browser.offer(), "type": "offer", "pc_id": browser.pc_id}
        answer = await scene.http.post("/api/offer", json={**body, "restart_pc": True})
        await old.close()
        clock.leap(9.0)
        await asyncio.sleep(0.5)
        await browser.take(answer.json())
        await browser.open()
        assert scene.call is call


@pytest.mark.parametrize("sdp", ["v=0\r\n", "m=audio" + "a=candidate:" * 101])
async def test_an_offer_of_a_call_in_progress_is_no_better_than_a_first_one(sdp: str) -> None:
    async with world() as scene, Browser(scene.http) as browser:
        await browser.connect()
        body = {"sdp": sdp, "type": "offer", "pc_id": browser.pc_id}
        assert (await scene.http.post("/api/offer", json=body)).status_code == 400


async def test_others_know_a_call_by_another_id_than_its_caller() -> None:
    async with world() as scene, Browser(scene.http) as browser:
        await browser.connect()
        assert scene.call.call_id != browser.pc_id


async def test_an_unknown_call_is_begun_anew_by_an_offer_and_unknown_to_candidates() -> None:
    """A server that was started again knows none of the old ids."""
    async with world() as scene, Browser(scene.http) as browser:
        response = await browser.connect(pc_id="of-yesterday", restart_pc=True)
        assert response.is_success
        assert response.json()["pc_id"] != "of-yesterday"
        body = {"pc_id": "of-yesterday", "candidates": []}
        assert (await scene.http.patch("/api/offer", json=body)).status_code == 404


async def test_candidates_come_later_and_wrong_ones_are_refused() -> None:
    """As a browser does it that does not wait for its own candidates."""
    async with world() as scene, Browser(scene.http) as browser:
        sdp = await browser.offer()
        lines = sdp.splitlines(keepends=True)
        bare = "".join(line for line in lines if not line.startswith(("a=candidate", "a=end-of")))
        found = [line.strip()[2:] for line in lines if line.startswith("a=candidate")]
        response = await scene.http.post("/api/offer", json={"sdp": bare, "type": "offer"})
        await browser.take(response.json())
        candidates = [{"candidate": one, "sdp_mid": "0", "sdp_mline_index": 0} for one in found]
        candidates.append({"candidate": "", "sdp_mid": "0", "sdp_mline_index": 0})
        body: dict[str, Any] = {"pc_id": browser.pc_id, "candidates": candidates}
        assert (await scene.http.patch("/api/offer", json=body)).is_success
        await browser.open()
        for wrong in (
            {"candidate": "candidate:1 nonsense", "sdp_mid": "0"},
            {"candidate": found[0]},
        ):
            body["candidates"] = [wrong]
            assert (await scene.http.patch("/api/offer", json=body)).status_code == 400


async def test_candidates_in_the_first_line_of_a_bundle_are_enough() -> None:
    """With its policy "max-bundle" aiortc would read those of the last line instead."""
    async with world() as scene, Browser(scene.http) as browser:
        sound, line, data = (await browser.offer()).partition("m=application")
        rest = [one for one in data.splitlines(keepends=True) if not one.startswith("a=candidate")]
        body = {"sdp": sound + line + "".join(rest), "type": "offer"}
        answer = (await scene.http.post("/api/offer", json=body)).json()
        assert answer["sdp"].count("a=candidate")
        await browser.take(answer)
        await browser.open()


@pytest.mark.parametrize("ended", [True, False])
async def test_a_client_that_knows_no_way_to_itself_is_reached(ended: bool) -> None:
    """It finds its way to us: whether it has said that no candidate follows is no matter."""
    kept_out = ("a=candidate",) if ended else ("a=candidate", "a=end-of-candidates")
    async with world() as scene, Browser(scene.http) as browser:
        lines = (await browser.offer()).splitlines(keepends=True)
        sdp = "".join(line for line in lines if not line.startswith(kept_out))
        response = await scene.http.post("/api/offer", json={"sdp": sdp, "type": "offer"})
        await browser.take(response.json())
        hidden = "candidate:1 1 udp 2113937151 0c3e6f7a.local 61414 typ host"
        texts = [{"candidate": text, "sdp_mid": "0"} for text in (hidden, "")]
        no_more = {"pc_id": browser.pc_id, "candidates": texts}
        assert (await scene.http.patch("/api/offer", json=no_more)).is_success
        await browser.open()


async def test_pictures_are_declined() -> None:
    """Pipecat's clients offer a camera and a screen, whether there are any or not."""
    async with world() as scene, Browser(scene.http) as browser:
        browser.connection.addTransceiver("video", "sendrecv")
        browser.connection.addTransceiver("video", "sendonly")
        body = {"sdp": await browser.offer(), "type": "offer"}
        answer = (await scene.http.post("/api/offer", json=body)).json()["sdp"].splitlines()
        assert [line.split()[1] == "0" for line in answer if line.startswith("m=")] == [
            False, True, True, False,
        ]  # fmt: skip
        assert "a=group:BUNDLE 0 3" in answer


async def test_every_line_of_the_log_says_of_which_call_it_is_and_none_who_may_have_it() -> None:
    runtime = FakeRuntime({2: Scripted("Good morning to you.")})
    with log_lines() as lines:
        async with (
            world(runtime=runtime) as scene,
            Browser(scene.http, sound=TONE) as one,
            Browser(scene.http, sound=TONE) as other,
        ):
            for browser in (one, other):
                await browser.connect()
                await browser.open()
            names = {call.call_id for call in scene.switchboard.calls}
            await asyncio.gather(one.until_told("heard"), other.until_told("heard"))
            await one.connect(pc_id=one.pc_id)
    assert len(names) == 2
    assert len(lines) > 12, lines
    assert [line for line in lines if not any(f" call={name}" in line for name in names)] == []
    assert [line for line in lines if one.pc_id in line or other.pc_id in line] == []
    for message in ("A call begins", "A reply is written", "A browser has gone"):
        assert sum(message in line for line in lines) == 2, message


async def test_without_the_token_there_is_a_page_and_nothing_else() -> None:
    async with world(bearer=Bearer(TOKEN)) as scene, Browser(scene.http) as browser:
        assert (await scene.http.get("/")).is_success
        assert (await browser.connect()).status_code == 401
        for method in ("PATCH", "DELETE"):
            body = {"pc_id": "x", "candidates": []}
            assert (await scene.http.request(method, "/api/offer", json=body)).status_code == 401
        assert (await scene.http.get("/api/ice")).status_code == 401
        scene.http.headers["Authorization"] = f"Bearer {TOKEN}"
        assert (await scene.http.get("/api/ice")).json() == {"iceServers": []}


async def test_the_page_has_all_that_it_asks_for() -> None:
    async with world() as scene:
        page = (await scene.http.get("/")).text
        names = set(re.findall(r'(?:src|href)="(/page/[^"]+)"', page)) | {"/page/call.js"}
        assert len(names) == 6
        for name in names:
            assert (await scene.http.get(name)).is_success
        assert "://" not in page.replace("http://www.w3.org", "")


async def test_another_web_page_may_not_call() -> None:
    async with world() as scene, Browser(scene.http) as browser:
        scene.http.headers["Origin"] = "https://elsewhere.example.org"
        assert (await browser.connect()).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sdp": "", "type": "offer"},
        {"sdp": "v=0", "type": "answer"},
        {"sdp": "x" * 65_537, "type": "offer"},
        {"sdp": "v=0", "type": "offer", "pc_id": "x" * 65},
        [],
    ],
)
async def test_a_malformed_offer_is_refused_in_one_sentence(body: object) -> None:
    async with world() as scene:
        response = await scene.http.post("/api/offer", json=body)
        assert response.status_code == 422
        assert isinstance(response.json()["detail"], str)
        assert "extract" not in response.json()["detail"]


async def test_a_browser_gets_the_turn_server_with_a_name_that_runs_out() -> None:
    turn = TurnServer(urls=("turn:turn.example.org:3478?transport=udp",), secret="north")
    async with world(settings=WebRtcSettings(turn=turn)) as scene:
        (server,) = (await scene.http.get("/api/ice")).json()["iceServers"]
        assert server["urls"] == ["turn:turn.example.org:3478?transport=udp"]
        assert server["username"].endswith(":interject")
        assert server["credential"]


async def test_a_stun_server_that_is_none_is_told_of_and_not_asked_by_the_next_call() -> None:
    settings, clock = WebRtcSettings(stun=("stun:stun.invalid:3478",)), LeapingClock()
    with log_lines() as lines:
        async with world(settings=settings, clock=clock) as scene:
            for leap_s in (0.0, 0.0, QUIET_S):
                clock.leap(leap_s)
                async with Browser(scene.http) as browser:
                    assert (await browser.connect()).is_success
                    await browser.open()
                    assert (await browser.connect(pc_id=browser.pc_id)).is_success
                await scene.until_empty()
    found = [line for line in lines if "No way was found by STUN or TURN" in line]
    assert len(found) == 2
    assert all("seconds=" in line and "call=" in line for line in found)


async def test_a_runtime_that_dies_ends_the_call_and_nothing_else() -> None:
    async with world() as scene, Browser(scene.http) as one, Browser(scene.http) as other:
        for browser in (one, other):
            await browser.connect()
            await browser.open()
        scene.runtime.slots = 0
        scene.switchboard.calls[0].sessions.ended.set()
        await until(lambda: len(scene.switchboard.calls) == 1)
        other.send("client-ready", {})
        await other.until_told("bot-ready")


async def test_the_end_of_the_server_ends_its_calls() -> None:
    async with Browser(httpx.AsyncClient()) as browser:
        async with world() as scene:
            browser._http = scene.http
            await browser.connect()
            await browser.open()
        await until(lambda: browser.connection.connectionState in ("closed", "failed"))
