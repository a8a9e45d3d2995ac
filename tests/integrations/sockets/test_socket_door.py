"""Who gets in by a socket, and what strange, slow, silent and cut ones do: harm to nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from starlette.datastructures import Headers
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from interject.integrations.sockets.plain.platform import PlainPlatform
from interject.integrations.sockets.simulator.peer import SimulatedPeer
from interject.integrations.sockets.simulator.plain import PlainDialect
from interject.integrations.sockets.socket_calls import SocketCalls
from interject.integrations.sockets.socket_endpoint import SocketEndpoint
from interject.integrations.sockets.socket_metrics import SocketMetrics
from interject.integrations.web.audio_socket import SocketLimits
from interject.integrations.web.bearer import Bearer
from tests.fakes.runtime import FakeRuntime
from tests.fakes.web_socket import FakeWebSocket
from tests.integrations.sockets.stage import KNOWN, TOKEN, socket_server
from tests.integrations.web.closed_socket import closing
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from websockets.asyncio.client import ClientConnection

    from interject.integrations.sockets.plain.codec import PlainCodec
    from interject.integrations.sockets.socket_events import Message, SocketEvent
    from tests.fakes.runtime import FakeRuntimeSession
    from tests.integrations.sockets.stage import SocketStage

PLAIN = "/sockets/plain"
HELLO = {"type": "hello", "call": "c1"}
LOUD = np.full(320, 5_000, "<i2").tobytes()


class QuickPlatform(PlainPlatform):
    """The plain one, whose patience a test can wait for."""

    opening_s = 0.2
    linger_s = 0.3
    silence_s = 0.3
    limits = SocketLimits(messages_a_s=100, most_at_once=300, send_s=0.2)

    def __init__(self) -> None:
        super().__init__(Bearer(TOKEN))


@contextlib.asynccontextmanager
async def dialled(stage: SocketStage, path: str = PLAIN) -> AsyncIterator[ClientConnection]:
    url = stage.url + path
    async with connect(url, additional_headers=KNOWN, proxy=None, compression=None) as socket:
        yield socket


@contextlib.asynccontextmanager
async def on_a_call(stage: SocketStage, **hello: Any) -> AsyncIterator[ClientConnection]:
    """A socket whose agent listens."""
    async with dialled(stage) as socket:
        await socket.send(json.dumps(HELLO | hello))
        while json.loads(await socket.recv())["type"] != "ready":
            pass
        yield socket


async def heard(model: FakeRuntimeSession, socket: ClientConnection) -> bool:
    """Whether half a second of sound reaches the model."""
    known = len(model.frames)
    for _ in range(50):
        await socket.send(LOUD)
        await asyncio.sleep(0.02)
    return any(frame.speakers for frame in model.frames[known:])


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer guess"}])
async def test_without_the_token_it_is_not_even_opened(headers: dict[str, str]) -> None:
    async with socket_server() as stage:
        with pytest.raises(InvalidStatus, match="403"):
            async with connect(stage.url + PLAIN, additional_headers=headers, proxy=None):
                pass
        assert stage.metric("refused_total", platform="plain") == 1


async def test_an_address_that_is_not_served_says_so_and_what_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with socket_server() as stage:
        for _ in range(3):
            with pytest.raises(InvalidStatus) as refused:
                async with dialled(stage, "/sockets/plains/secret"):
                    pass
            answer = refused.value.response
            said = "no socket is served at this address; there are /sockets/plain"
            assert (answer.status_code, json.loads(answer.body)) == (404, {"detail": said})
    [told] = [one for one in caplog.records if "not served" in one.message]
    assert vars(told)["reason"] == "there are /sockets/plain"
    assert "secret" not in caplog.text
    assert all(one.levelname != "ERROR" for one in caplog.records), "an answer is no fault"


async def test_where_no_token_is_asked_for_anybody_may() -> None:
    async with (
        socket_server([PlainPlatform(Bearer())]) as stage,
        connect(stage.url + PLAIN, proxy=None) as socket,
    ):
        await socket.send(json.dumps(HELLO))
        assert json.loads(await socket.recv())["type"] == "ready"


async def test_who_says_nothing_is_let_go_and_holds_no_seat() -> None:
    async with socket_server([QuickPlatform()]) as stage, dialled(stage) as socket:
        assert await closing(socket) == (1008, "nothing that opens a call came in time")
        assert stage.board.taken == 0


async def test_who_opens_a_call_and_then_says_nothing_is_let_go_too() -> None:
    async with socket_server([QuickPlatform()]) as stage, on_a_call(stage) as socket:
        assert await closing(socket) == (1008, "nothing came for too long")
        await until(lambda: not stage.board.calls, "the end of the call")
        assert stage.metric("ended_total", platform="plain", ending="silent") == 1


async def test_a_hello_that_is_none_is_told_what_is_wrong_with_it() -> None:
    async with socket_server() as stage, dialled(stage) as socket:
        await socket.send('{"type":"hello","rate_hz":44}')
        code, reason = await closing(socket)
        assert code == 1007
        assert reason is not None
        assert "rate_hz" in reason
        assert stage.runtime.sessions == []


async def test_beyond_the_cap_a_socket_is_not_opened_and_told_when_to_come_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with socket_server(most_calls=1) as stage, on_a_call(stage):
        with pytest.raises(InvalidStatus) as refused:
            async with dialled(stage):
                pass
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["Retry-After"] == "10"
    assert all(one.levelname != "ERROR" for one in caplog.records), "an answer is no fault"


async def test_a_model_without_room_is_told_in_our_words_and_the_web_s() -> None:
    async with socket_server(runtime=FakeRuntime(slots=0)) as stage, dialled(stage) as socket:
        await socket.send(json.dumps(HELLO))
        assert json.loads(await socket.recv()) == {"type": "bye", "reason": "no_agent"}
        assert await closing(socket) == (1013, "no agent can take this call now")
        assert stage.board.taken == 0


async def test_bad_messages_are_left_out_and_the_call_goes_on() -> None:
    bad: list[str | bytes] = [
        "{", "null", '{"type":"weather"}', json.dumps(HELLO), '{"type":"digit","track":"caller"}',
    ]  # fmt: skip
    async with socket_server() as stage, on_a_call(stage) as socket:
        for message in bad:
            await socket.send(message)
        assert await heard(stage.model, socket)
        await socket.send('{"type":"bye"}')
        assert await closing(socket) == (1000, "the call is over")
        await until(lambda: stage.metric("bad_messages_total", platform="plain") == len(bad))


async def test_too_many_of_them_end_it_and_no_other_call() -> None:
    async with socket_server() as stage, on_a_call(stage, call="other") as other:
        model = stage.model
        async with on_a_call(stage) as socket:
            for _ in range(SocketLimits().most_bad_at_once + 5):
                await socket.send("{")
            assert await closing(socket) == (1007, "too many messages could not be read")
        await until(lambda: len(stage.board.calls) == 1, "the end of one")
        assert await heard(model, other)


async def test_a_flood_ends_it_and_no_other_call() -> None:
    async with (
        socket_server([QuickPlatform(), PlainPlatform(Bearer(TOKEN))]) as stage,
        on_a_call(stage) as socket,
    ):
        with contextlib.suppress(ConnectionClosed):
            for _ in range(1_000):
                await socket.send(LOUD)
        assert await closing(socket) == (1008, "too many messages a second")
        await until(lambda: not stage.board.calls, "its end")


class DefectivePlatform(PlainPlatform):
    """Its codec has a bug that a message of one byte meets."""

    def codec(self, connection: object) -> PlainCodec:
        codec = super().codec(connection)  # type: ignore[arg-type]
        read = codec.read

        def defective(message: Message) -> list[SocketEvent]:
            if len(message) == 1:
                raise ZeroDivisionError
            return list(read(message))

        codec.read = defective  # type: ignore[method-assign]
        return codec


async def test_a_defect_that_one_socket_meets_is_that_one_s_alone() -> None:
    async with (
        socket_server([DefectivePlatform(Bearer(TOKEN))]) as stage,
        on_a_call(stage, call="other") as other,
    ):
        model = stage.model
        async with on_a_call(stage) as socket:
            await socket.send(b"\x00")
            assert await closing(socket) == (1011, "something went wrong on the server")
        await until(lambda: len(stage.board.calls) == 1, "the end of one")
        assert await heard(model, other)
        assert stage.metric("ended_total", platform="plain", ending="fault") == 1


async def test_a_socket_that_was_cut_comes_back_to_the_same_agent() -> None:
    async with socket_server() as stage:
        async with on_a_call(stage) as socket:
            assert await heard(stage.model, socket)
            agent = stage.agent
            socket.transport.abort()
        await until(lambda: stage.metric("ended_total", platform="plain", ending="cut"))
        async with on_a_call(stage) as socket:
            assert stage.agent is agent
            assert await heard(stage.model, socket)
        assert len(stage.runtime.sessions) == 1
        await until(lambda: not stage.board.calls, "the end, since this one was closed")


async def test_another_socket_of_a_call_may_not_ask_for_something_else() -> None:
    """Replies would count as heard by somebody who takes no sound."""
    async with socket_server() as stage, on_a_call(stage) as first:
        async with dialled(stage) as second:
            await second.send(json.dumps(HELLO | {"speaks": False}))
            code, reason = await closing(second)
            assert (code, reason) == (
                1008, "this call goes on: what is spoken, read and told cannot change",
            )  # fmt: skip
        assert await heard(stage.model, first), "the call is none the worse"


async def test_an_id_of_one_platform_takes_none_of_another() -> None:
    class OtherPlatform(PlainPlatform):
        name = "other"
        path = "/sockets/other"

    other = OtherPlatform(Bearer(TOKEN))
    async with (
        socket_server([PlainPlatform(Bearer(TOKEN)), other]) as stage,
        on_a_call(stage),
        dialled(stage, "/sockets/other") as socket,
    ):
        await socket.send(json.dumps(HELLO))
        assert json.loads(await socket.recv())["type"] == "ready"
        assert len(stage.board.calls) == 2


async def test_one_that_does_not_come_back_in_time_ends_the_call() -> None:
    async with socket_server([QuickPlatform()]) as stage:
        async with on_a_call(stage) as socket:
            socket.transport.abort()
        await until(lambda: not stage.board.calls, "its end")
        assert stage.board.taken == 0


async def test_a_socket_that_comes_while_the_last_is_there_takes_its_place() -> None:
    async with socket_server() as stage, on_a_call(stage) as first:
        agent = stage.agent
        async with on_a_call(stage) as second:
            code, reason = await closing(first)
            assert (code, reason) == (1000, "another socket of this call has taken its place")
            assert stage.agent is agent
            assert await heard(stage.model, second)


async def test_a_full_server_still_lets_a_call_come_back() -> None:
    async with socket_server(most_calls=1) as stage:
        async with on_a_call(stage) as socket:
            socket.transport.abort()
        await until(lambda: stage.metric("ended_total", platform="plain", ending="cut"))
        async with on_a_call(stage) as socket:
            assert await heard(stage.model, socket)


class StuckWebSocket(FakeWebSocket):
    """Takes nothing, and never says so."""

    headers = Headers(KNOWN)

    async def accept(self) -> None:
        return

    async def send_text(self, data: str) -> None:
        await asyncio.Event().wait()


async def test_who_takes_nothing_is_let_go_in_bounded_time() -> None:
    async with socket_server() as stage:
        metrics = SocketMetrics(CollectorRegistry())
        async with SocketCalls(stage.board, metrics) as calls:
            socket: Any = StuckWebSocket(json.dumps(HELLO))
            endpoint = SocketEndpoint(QuickPlatform(), calls, metrics)
            await asyncio.wait_for(endpoint.serve(socket), 10)
            assert socket.closed == (1008, "the socket is read too slowly")
        assert stage.board.taken == 0


async def test_who_says_what_cannot_be_read_is_told_what_is_wrong_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with socket_server() as stage, on_a_call(stage) as socket:
        for said in ('{"type":"text","text":"hush"}', '{"type":"pause","now":1}', "hush", "{}"):
            await socket.send(said)
        told = [json.loads(await socket.recv()) for _ in range(4)]
        assert [one["type"] for one in told] == ["error"] * 4
        assert [one["detail"] for one in told] == [
            "track of text: it is missing",
            "pause: it has no fields",
            "it is no JSON",
            "its type must be one of hello, name, text, digit, gap, pause, resume, mark, bye",
        ]
        assert await heard(stage.model, socket), "the call goes on"
    assert "hush" not in caplog.text


async def test_nothing_of_a_pause_reaches_the_model() -> None:
    async with socket_server() as stage, on_a_call(stage) as socket:
        assert await heard(stage.model, socket)
        await socket.send('{"type":"pause"}')
        known = len(stage.model.frames)
        await until(lambda: len(stage.model.frames) > known + 2, "what was said before it")
        assert not await heard(stage.model, socket)
        await socket.send('{"type":"resume"}')
        assert await heard(stage.model, socket)


async def test_a_name_that_comes_late_is_told_to_the_model() -> None:
    async with socket_server() as stage, on_a_call(stage) as socket:
        await socket.send('{"type":"name","track":"caller","name":"Ann"}')
        assert await heard(stage.model, socket)
        named = {speaker.identity for frame in stage.model.frames for speaker in frame.speakers}
        assert named == {"Ann"}


async def test_two_channels_are_two_people() -> None:
    async with socket_server() as stage:
        peer = SimulatedPeer(
            PlainDialect(rate_hz=8_000, tracks=("customer", "agent")),
            speakers=("customer", "agent"),
        )
        async with peer.dialled(stage.url + PLAIN, KNOWN):
            await until(lambda: stage.board.calls, "the agent")
            tone = np.full(8_000, 6_000, np.int16)
            await peer.say("customer", tone)
            await peer.say("agent", tone)
            await until(
                lambda: {
                    speaker.identity
                    for frame in stage.model.frames
                    for speaker in frame.speakers
                } == {"customer", "agent"},
                "both",
            )  # fmt: skip
        assert peer.wrong == []


async def test_what_is_written_is_answered_in_writing_where_people_read() -> None:
    profile = {"outputs": ("posted",), "voice": {"engine": "none"}, "mode": "observe"}
    async with (
        socket_server(profile=profile) as stage,
        dialled(stage) as socket,
    ):
        await socket.send(json.dumps(HELLO | {"reads": True, "decisions": True}))
        kinds = [json.loads(await socket.recv()) for _ in range(2)]
        assert {kind["type"] for kind in kinds} == {"ready", "notice"}
        await socket.send('{"type":"text","track":"caller","text":"stop listening"}')
        await until(lambda: not stage.agent.consent.listening, "the agent to stop")


async def test_a_server_that_ends_says_so_and_waits_for_nobody() -> None:
    async with socket_server() as stage, on_a_call(stage) as socket:
        await stage.board.drain(0.0)
        said = [message async for message in socket]
        assert json.loads(said[-1]) == {"type": "bye", "reason": "agent_left"}
        assert (socket.close_code, socket.close_reason) == (1001, "the agent has left the call")


async def test_a_call_that_ends_and_comes_back_at_once_has_an_agent_again() -> None:
    async with socket_server(runtime=FakeRuntime(slots=100)) as stage:
        for _ in range(20):
            async with dialled(stage) as socket:
                await socket.send(json.dumps(HELLO))
                told = json.loads(await socket.recv())
                assert told["type"] == "ready", told
                await socket.send('{"type":"bye"}')
        await until(lambda: not stage.board.taken, "the end of the last one")
