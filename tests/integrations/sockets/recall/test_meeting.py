"""A meeting that Recall.ai's bot sits in: everybody is heard by name, and nothing is said."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from standardwebhooks import Webhook
from websockets.exceptions import InvalidStatus

from interject.integrations.sockets.recall.platform import RecallPlatform
from interject.integrations.sockets.recall.settings import RecallSettings
from interject.integrations.sockets.simulator.peer import SimulatedPeer
from interject.integrations.sockets.simulator.recall import MIXED, RecallDialect
from tests.fakes.runtime import FakeRuntime, Scripted
from tests.integrations.sockets.attendee_api import KEY, AttendeeApi
from tests.integrations.sockets.stage import SILENT, socket_server
from tests.integrations.twilio.stage import FakeScreens
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integrations.sockets.stage import SocketStage

TOKEN = "token-of-this-meeting"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LOUD = -30.0
SPEECH = (8_000 * np.sin(np.arange(8_000) / 3)).astype(np.int16)
ASSIST: dict[str, Any] = {"mode": "assist", "outputs": ("cue",), **SILENT}


@contextlib.asynccontextmanager
async def recall_server(
    secret: str = "", token: str = TOKEN, chat: str = "", **given: Any
) -> AsyncIterator[SocketStage]:
    """`chat` is where a stand-in of Recall's API serves."""
    screens = FakeScreens()
    settings = RecallSettings(token=token, secret=secret, url=chat, api_key=KEY if chat else "")
    async with socket_server([RecallPlatform(settings, screens)], **given) as stage:
        yield replace(stage, screens=screens)


def bot(*speakers: str) -> SimulatedPeer:
    return SimulatedPeer(RecallDialect(), speakers=speakers, sends_silence=False)


def url(stage: SocketStage, token: str = TOKEN) -> str:
    return f"{stage.url}/sockets/recall?token={token}"


def heard(stage: SocketStage) -> set[str]:
    frames = [frame for session in stage.runtime.sessions for frame in session.frames]
    return {one.identity for frame in frames for one in frame.speakers if one.level_dbfs > LOUD}


async def test_everybody_is_heard_by_his_name_and_cards_are_shown() -> None:
    runtime = FakeRuntime({3: Scripted("Ask about the budget.")})
    peer = bot("Ann", "Ben")
    async with (
        recall_server(runtime=runtime, profile=ASSIST) as stage,
        peer.dialled(url(stage)),
    ):
        await peer.say("Ann", SPEECH)
        await until(lambda: heard(stage) == {"Ann"}, "Ann")
        await peer.say("Ben", SPEECH)
        await until(lambda: heard(stage) == {"Ann", "Ben"}, "Ben")
        await until(lambda: stage.screens.cues, "the card")
        assert isinstance(peer.dialect, RecallDialect)
        assert stage.screens.cues[0][0] == peer.dialect.bot
        assert peer.received.total() == 0, "nothing may be sent to Recall"
    assert peer.wrong == []


async def test_a_mixed_meeting_is_heard_as_one() -> None:
    peer = bot(MIXED)
    async with recall_server(profile=ASSIST) as stage, peer.dialled(url(stage)):
        await peer.say(MIXED, SPEECH)
        await until(lambda: heard(stage) == {"meeting"}, "the meeting")


async def test_somebody_stops_the_listening_in_the_chat() -> None:
    peer = bot("Ann")
    async with recall_server(profile=ASSIST) as stage, peer.dialled(url(stage)):
        await peer.say("Ann", SPEECH)
        await until(lambda: heard(stage), "Ann")
        assert isinstance(peer.dialect, RecallDialect)
        await peer.send(peer.dialect.wrote("Ann", "stop listening"))
        await until(lambda: not stage.agent.consent.listening, "its end")


async def test_people_are_told_in_the_chat_and_answered_there_but_it_never_answers_itself() -> None:
    runtime = FakeRuntime()
    peer = bot("Ann")
    posting = {"mode": "observe", "outputs": ("posted",)}
    async with (
        AttendeeApi("/api/v1/bot/{bot_id}/send_chat_message/").serving() as api,
        recall_server(chat=api.url, runtime=runtime, profile=posting) as stage,
        peer.dialled(url(stage)),
    ):
        assert isinstance(peer.dialect, RecallDialect)
        await peer.say("Ann", SPEECH[:640])
        await until(lambda: api.chat, "the announcement")
        assert api.chat == [(peer.dialect.bot, stage.board.role.profile.room.announcement)]
        await peer.send(peer.dialect.wrote("Interject", api.texts[0]))
        await peer.send(peer.dialect.wrote("Ann", "What was decided?"))
        await until(lambda: len(api.chat) == 2, "the answer")
        assert api.texts[1] == "You wrote What was decided?."


async def test_a_bot_that_was_cut_comes_back_to_the_same_agent() -> None:
    dialect = RecallDialect()
    first = SimulatedPeer(dialect, speakers=("Ann",), sends_silence=False)
    second = SimulatedPeer(dialect, speakers=("Ann",), sends_silence=False)
    async with recall_server(profile=ASSIST) as stage:
        async with first.dialled(url(stage)):
            await first.say("Ann", SPEECH)
            await until(lambda: heard(stage) == {"Ann"}, "Ann")
            first.cut()
        async with second.dialled(url(stage)):
            before = len(stage.model.frames)
            await second.say("Ann", SPEECH)
            await until(lambda: loud_since(stage, before), "Ann again")
            assert len(stage.runtime.sessions) == 1
            assert stage.board.taken == 1
        await until(lambda: not stage.board.taken, "the seat")


def loud_since(stage: SocketStage, before: int) -> bool:
    frames = stage.model.frames[before:]
    return any(one.level_dbfs > LOUD for frame in frames for one in frame.speakers)


@pytest.mark.parametrize("token", ["", "guess", TOKEN[:-1]])
async def test_without_the_url_s_token_it_is_not_even_opened(token: str) -> None:
    async with recall_server() as stage:
        with pytest.raises(InvalidStatus, match="403"):
            async with bot("Ann").dialled(url(stage, token)):
                pass
        assert stage.metric("refused_total", platform="recall") == 1


def signed(secret: str, *, prefix: str = "webhook") -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        f"{prefix}-id": "msg_1",
        f"{prefix}-timestamp": str(int(now.timestamp())),
        f"{prefix}-signature": Webhook(secret).sign("msg_1", now, ""),
    }


@pytest.mark.parametrize("prefix", ["webhook", "svix"])
async def test_an_upgrade_that_recall_has_signed_is_let_in(prefix: str) -> None:
    peer = bot("Ann")
    async with (
        recall_server(SECRET, "", profile=ASSIST) as stage,
        peer.dialled(f"{stage.url}/sockets/recall", signed(SECRET, prefix=prefix)),
    ):
        await peer.say("Ann", SPEECH)
        await until(lambda: heard(stage) == {"Ann"}, "Ann")


@pytest.mark.parametrize("headers", [{}, signed("whsec_" + "A" * 32)])
async def test_with_a_secret_a_socket_that_is_not_signed_is_not_opened(
    headers: dict[str, str],
) -> None:
    async with recall_server(SECRET) as stage:
        with pytest.raises(InvalidStatus, match="403"):
            async with bot("Ann").dialled(url(stage), headers):
                pass
