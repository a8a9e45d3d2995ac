"""A meeting by Attendee: who is let in, names and chat beside the sound, what is not believed."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from interject.integrations.sockets.attendee.platform import CHAT_API, AttendeePlatform
from interject.integrations.sockets.attendee.roster import MOST_MEETINGS, MOST_PEOPLE, Roster
from interject.integrations.sockets.attendee.settings import AttendeeSettings
from interject.integrations.sockets.attendee.webhooks import PATH, signature
from interject.integrations.sockets.bot_chat import BotChat, writable
from interject.integrations.sockets.meeting_control import ChatRefused
from interject.integrations.sockets.platform_settings import PlatformSettingsFailure
from interject.integrations.sockets.simulator.attendee import AttendeeDialect, posted
from interject.integrations.sockets.simulator.peer import SimulatedPeer
from interject.model_runtime.protocol import Cause
from tests.fakes.runtime import Scripted
from tests.integrations.sockets.attendee_api import KEY, AttendeeApi
from tests.integrations.sockets.stage import SocketStage, socket_server
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECRET = "secret-of-the-url-1"
WEBHOOK_SECRET = base64.b64encode(bytes(range(32))).decode()
BOT = "bot_1"
SOCKET = f"/sockets/attendee/{SECRET}"
JOIN, CHAT, STATE = "participant_events.join_leave", "chat_messages.update", "bot.state_change"


def settings_of(url: str = "https://attendee.invalid", **changes: Any) -> AttendeeSettings:
    given = {"secret": SECRET, "url": url, "api_key": KEY, "webhook_secret": WEBHOOK_SECRET}
    return AttendeeSettings(**(given | changes))


@contextlib.asynccontextmanager
async def meeting(
    profile: dict[str, Any] | None = None, **changes: Any
) -> AsyncIterator[tuple[SocketStage, AttendeeApi]]:
    """A server that a bot may dial in to, and Attendee's. `changes` are of the settings."""
    async with AttendeeApi().serving() as api:
        platform = AttendeePlatform(settings_of(api.url, **changes))
        async with socket_server([platform], profile=profile) as stage:
            yield stage, api


async def tell(
    stage: SocketStage, trigger: str, secret: str = WEBHOOK_SECRET, **data: Any
) -> httpx.Response:
    body, headers = posted(BOT, trigger, secret, **data)
    return await send(stage, body, headers)


async def send(stage: SocketStage, body: bytes, headers: dict[str, str]) -> httpx.Response:
    async with httpx.AsyncClient(base_url=stage.http, trust_env=False) as client:
        return await client.post(PATH, content=body, headers=headers)


def joins(uuid: str, name: str, event: str = "join") -> dict[str, Any]:
    return {"id": "e1", "participant_name": name, "participant_uuid": uuid, "event_type": event,
            "event_data": {}, "timestamp_ms": 1}  # fmt: skip


def writes(uuid: str, text: str, name: str = "Ann") -> dict[str, Any]:
    return {"id": "c1", "to": "everyone", "text": text, "sender_name": name, "sender_uuid": uuid,
            "timestamp": 1, "timestamp_ms": 1_000, "additional_data": None}  # fmt: skip


def tone(seconds: float) -> np.ndarray[Any, np.dtype[np.int16]]:
    return np.full(round(seconds * 16_000), 6_000, np.int16)


def named(stage: SocketStage) -> set[str]:
    frames = [frame for session in stage.runtime.sessions for frame in session.frames]
    return {speaker.identity for frame in frames for speaker in frame.speakers}


@pytest.mark.parametrize("secret", ["guess", "", f"{SECRET}x", "%00"])
async def test_a_socket_without_the_secret_in_its_url_is_not_opened(secret: str) -> None:
    async with meeting() as (stage, _):
        with pytest.raises(InvalidStatus):
            async with connect(f"{stage.url}/sockets/attendee/{secret}", proxy=None):
                pass
        assert stage.board.taken == 0


async def test_each_is_heard_by_the_name_that_a_webhook_has_told() -> None:
    async with meeting() as (stage, _):
        assert (await tell(stage, JOIN, **joins("u1", "Ann"))).status_code == 204
        peer = SimulatedPeer(AttendeeDialect(BOT), speakers=("u1", "u2"), sends_silence=False)
        async with peer.dialled(stage.url + SOCKET):
            await asyncio.sleep(0.1)
            assert stage.board.calls == (), "a bot says nothing before anybody does"
            await peer.say("u1", tone(0.6))
            await until(lambda: stage.board.calls, "the agent")
            await tell(stage, JOIN, **joins("u2", "Bob"))
            async with asyncio.TaskGroup() as group:
                group.create_task(peer.say("u1", tone(0.8)))
                group.create_task(peer.say("u2", tone(0.8)))
            await until(lambda: named(stage) == {"Ann", "Bob"}, "both names")
            await tell(stage, JOIN, **joins("u2", "Bob", "leave"))
            assert stage.metric("departures_total") == 1


async def test_who_listens_is_written_into_the_chat_and_whoever_writes_may_stop_it() -> None:
    profile: dict[str, Any] = {"room": {"announcement": "I listen.", "stop_notice": "I stopped."}}
    async with meeting(profile) as (stage, api):
        await tell(stage, JOIN, **joins("u1", "Ann"))
        peer = SimulatedPeer(AttendeeDialect(BOT), speakers=("u1",))
        async with peer.dialled(stage.url + SOCKET):
            await until(lambda: api.texts == ["I listen."], "the announcement")
            await tell(stage, CHAT, **writes("u1", "stop listening"))
            await until(lambda: api.texts == ["I listen.", "I stopped."], "the notice")
            assert not stage.agent.consent.listening
            assert {bot for bot, _ in api.chat} == {BOT}


async def test_what_it_wrote_itself_is_no_question_to_it() -> None:
    profile: dict[str, Any] = {"room": {"announcement": "I listen.", "answer_chat": False}}
    async with meeting(profile) as (stage, api):
        peer = SimulatedPeer(AttendeeDialect(BOT), speakers=("u1",))
        async with peer.dialled(stage.url + SOCKET):
            await until(lambda: api.texts, "the announcement")
            await tell(stage, CHAT, **writes("bot", "I listen.", "Interject"))
            await tell(stage, CHAT, **writes("u1", "Who are you?"))
            await until(lambda: stage.runtime.sessions and stage.model.told, "the question")
            assert len(stage.model.told) == 1
            assert "Who are you?" in stage.model.told[0]


async def test_a_reply_to_be_read_is_written_without_what_the_chat_does_not_take() -> None:
    profile = {"outputs": ("posted",), "mode": "observe", "room": {"announce": "none"}}
    async with meeting(profile) as (stage, api):
        peer = SimulatedPeer(AttendeeDialect(BOT), speakers=("u1",))
        async with peer.dialled(stage.url + SOCKET):
            await until(lambda: stage.runtime.sessions and stage.model.frames, "the ear")
            stage.model.reply(Scripted("Well done! \U0001f389"), cause=Cause.MODEL)
            await until(lambda: api.texts == ["Well done!"], "the text")


async def test_a_webhook_that_comes_twice_is_one() -> None:
    async with meeting({"room": {"announce": "none", "answer_chat": False}}) as (stage, _):
        peer = SimulatedPeer(AttendeeDialect(BOT), speakers=("u1",))
        async with peer.dialled(stage.url + SOCKET):
            await until(lambda: stage.board.calls, "the agent")
            again = posted(BOT, CHAT, WEBHOOK_SECRET, **writes("u1", "Hello?"))
            for _ in range(3):
                assert (await send(stage, *again)).status_code == 204
            await until(lambda: stage.runtime.sessions and stage.model.told, "it")
            await asyncio.sleep(0.05)
            assert len(stage.model.told) == 1


async def test_a_meeting_that_is_over_ends_the_call_at_once() -> None:
    async with meeting() as (stage, _):
        peer = SimulatedPeer(AttendeeDialect(BOT), speakers=("u1",))
        async with peer.dialled(stage.url + SOCKET):
            await until(lambda: stage.board.calls, "the agent")
            await tell(stage, STATE, new_state="joined_recording", old_state="joining")
            assert stage.board.calls
            await tell(stage, STATE, new_state="ended", old_state="post_processing")
            await until(lambda: not stage.board.calls, "the end")
            await until(peer.ended.is_set, "the socket's end")


async def test_a_bot_that_is_cut_off_comes_back_to_the_same_agent() -> None:
    async with meeting() as (stage, _):
        first = SimulatedPeer(AttendeeDialect(BOT), speakers=("u1",))
        async with first.dialled(stage.url + SOCKET):
            await until(lambda: stage.board.calls, "the agent")
            agent = stage.agent
            first.cut()
        await until(lambda: stage.metric("ended_total", platform="attendee", ending="cut"))
        again = SimulatedPeer(AttendeeDialect(BOT), speakers=("u1",))
        async with again.dialled(stage.url + SOCKET):
            await again.say("u1", tone(0.8))
            assert stage.agent is agent
            await until(lambda: named(stage) == {"u1"}, "its sound")
        assert len(stage.runtime.sessions) == 1


# Who may post


async def test_only_what_attendee_has_signed_is_believed() -> None:
    async with meeting() as (stage, _):
        body, headers = posted(BOT, JOIN, WEBHOOK_SECRET, **joins("u1", "Ann"))
        other = base64.b64encode(bytes(32)).decode()
        assert (await tell(stage, JOIN, other, **joins("u1", "Ann"))).status_code == 403
        assert (await tell(stage, JOIN, "", **joins("u1", "Ann"))).status_code == 403
        changed = body.replace(b"Ann", b"Eve")
        assert (await send(stage, changed, headers)).status_code == 403
        assert (await send(stage, body, headers)).status_code == 204


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 50_000,
        b"null",
        b"NaN",
        b"1" * 5_000,
        b'{"bot_id":7}',
        b"\xff\xfe",
        b'"\\ud800"',
    ],
)
async def test_a_body_that_is_no_event_is_refused_in_one_sentence(body: bytes) -> None:
    async with meeting(webhook_secret="", insecure_dev=True) as (stage, _):
        answer = await send(stage, body, {"Content-Type": "application/json"})
        assert answer.status_code == 422
        assert answer.json() == {"detail": "this is no event of Attendee's"}


async def test_without_its_secret_no_webhook_is_taken_and_the_answer_says_what_to_do() -> None:
    async with meeting(webhook_secret="") as (stage, _):
        answer = await tell(stage, JOIN, **joins("u1", "Ann"))
        assert answer.status_code == 503
        assert "set INTERJECT_ATTENDEE_WEBHOOK_SECRET" in answer.json()["detail"]


def test_a_signature_is_that_of_the_sorted_json() -> None:
    """Made with openssl: printf '%s' "$json" | openssl dgst -sha256 -hmac "$key" -binary."""
    payload = json.loads('{"b": {"y": 1, "x": "Zo\\u00eb"}, "a": [true, null, 1.5]}')
    key = base64.b64encode(b"0123456789abcdef").decode()
    assert signature(payload, key) == "EorrE1OlE16uVJ7zlEriwTie30P+PqBjMBrolGkptLY="


# What is written


def chat_of(url: str, key: str = KEY) -> BotChat:
    return BotChat(url, key, CHAT_API, pause_s=0.0)


async def test_a_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not() -> None:
    async with AttendeeApi().serving() as api:
        async with chat_of(api.url) as control:
            api.answers = [503]
            await control.post(BOT, "Once.")
            assert (api.texts, api.asked) == (["Once."], 2)
            api.answers = [400]
            with pytest.raises(ChatRefused, match="status 400"):
                await control.post(BOT, "Not joined yet.")
            assert api.asked == 3
            api.answers = [500, 429]
            with pytest.raises(ChatRefused, match="status 429"):
                await control.post(BOT, "Twice.")
        async with chat_of(api.url, "wrong") as stranger:
            with pytest.raises(ChatRefused, match="status 401"):
                await stranger.post(BOT, "Hello.")
    async with chat_of(api.url) as nobody:
        with pytest.raises(ChatRefused, match="ConnectError"):
            await nobody.post(BOT, "Hello.")


async def test_an_empty_text_is_not_written() -> None:
    async with AttendeeApi().serving() as api, chat_of(api.url) as control:
        await control.post(BOT, " \U0001f600 ")
        assert api.asked == 0


def test_what_the_chat_does_not_take_is_left_out() -> None:
    assert writable("Zoë \U0001f600 says 漢字", CHAT_API) == "Zoë  says 漢字"
    assert len(writable("x" * 20_000, CHAT_API)) == 10_000


def test_a_roster_of_strangers_stays_small() -> None:
    roster = Roster()
    for number in range(MOST_MEETINGS + 5):
        roster.came(f"bot_{number}", "u1", "Ann")
    assert roster.of("bot_0") == {}
    for number in range(MOST_PEOPLE + 5):
        roster.came("bot_9", f"p{number}", "Bob")
    assert len(roster.of("bot_9")) == MOST_PEOPLE
    roster.left("bot_9", "p1")
    roster.left("nobody", "p1")
    assert len(roster.of("bot_9")) == MOST_PEOPLE - 1


# Settings


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "set INTERJECT_ATTENDEE_SECRET"),
        ({"SECRET": "short"}, "INTERJECT_ATTENDEE_SECRET: 16 to 128 letters"),
        ({"SECRET": SECRET, "URL": "nowhere"}, "INTERJECT_ATTENDEE_URL: it must be a URL"),
        (
            {"SECRET": SECRET, "WEBHOOK_SECRET": "?"},
            "INTERJECT_ATTENDEE_WEBHOOK_SECRET: it must be",
        ),
        ({"SECRET": SECRET, "SPEECH_RATE_HZ": "44100"}, "8000, 16000 or 24000"),
        ({"SECRET": SECRET, "API_KEYS": "x"}, "did you mean INTERJECT_ATTENDEE_API_KEY?"),
    ],
)
def test_settings_that_cannot_work_are_one_line(environment: dict[str, str], said: str) -> None:
    given = {f"INTERJECT_ATTENDEE_{name}": value for name, value in environment.items()}
    with pytest.raises(PlatformSettingsFailure) as failure:
        AttendeeSettings.from_environment(given, insecure_dev=False)
    assert said in str(failure.value)
    assert "\n" not in str(failure.value)
    assert not any(value in str(failure.value) for value in environment.values() if value != "x")


def test_settings_are_read_from_the_environment() -> None:
    given = {"INTERJECT_ATTENDEE_SECRET": SECRET, "INTERJECT_ATTENDEE_SPEECH_RATE_HZ": "24000"}
    settings = AttendeeSettings.from_environment(given, insecure_dev=False)
    assert (settings.secret, settings.speech_rate_hz) == (SECRET, 24_000)
    assert AttendeeSettings.from_environment({}, insecure_dev=True).secret == ""
