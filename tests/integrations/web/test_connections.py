"""Callers who send nothing, or byte after byte, take nothing away from the others."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import socket
import struct
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from interject.integrations.web.connections import Closing, Connections
from interject.integrations.web.http_server import END_S, HttpServer
from interject.integrations.web.limited_protocol import CallerPatience
from interject.integrations.web.log_throttle import LogThrottle
from interject.integrations.web.refusals import Contained
from tests.fakes.clock import FakeClock
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.requests import Request
    from starlette.websockets import WebSocket

HEAD = b"GET /answer HTTP/1.1\r\nHost: 127.0.0.1\r\n"
LIMIT = 64
SO_ATTACH_FILTER = 26
IMPATIENT = CallerPatience(head_s=0.2, body_s=0.2, close_s=0.2, unread_s=0.2)


class FakeConnection:
    aborted = False

    def abort(self) -> None:
        self.aborted = True


def opened(connections: Connections, address: str, count: int) -> list[FakeConnection]:
    made = [FakeConnection() for _ in range(count)]
    for one in made:
        connections.opened(one, address)
    return made


def test_who_has_waited_longest_goes_and_who_is_answered_stays() -> None:
    connections = Connections(4)
    answered, first, second = opened(connections, "a", 1) + opened(connections, "b", 2)
    connections.answers(answered)
    newest = opened(connections, "c", 2)
    assert [first.aborted, second.aborted, answered.aborted] == [True, False, False]
    assert [one.aborted for one in newest] == [False, False]
    assert (connections.count, connections.closed[Closing.FULL]) == (4, 1)


def test_one_address_takes_no_more_than_half() -> None:
    connections = Connections(8)
    other = opened(connections, "b", 1)
    crowd = opened(connections, "a", 20)
    assert [one.aborted for one in crowd] == [True] * 16 + [False] * 4
    assert not other[0].aborted


def test_where_all_are_answered_a_newcomer_is_closed() -> None:
    connections = Connections(2)
    answered = opened(connections, "a", 1) + opened(connections, "b", 1)
    for one in answered:
        connections.answers(one)
    (newcomer,) = opened(connections, "c", 1)
    assert newcomer.aborted
    assert not any(one.aborted for one in answered)
    connections.waits(answered[0])
    (next_one,) = opened(connections, "c", 1)
    assert (next_one.aborted, answered[0].aborted) == (False, True)
    connections.lost(answered[1])
    connections.lost(next_one)
    assert connections.count == 0


def test_a_flood_is_told_in_one_line_now_and_then() -> None:
    clock = FakeClock(100.0)
    throttle = LogThrottle(10.0, clock=clock)
    assert [throttle.note() for _ in range(1_000)] == [1] + [0] * 999
    clock.advance(10.0)
    assert throttle.note() == 1_000


@pytest.fixture
def small_server() -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """In a process with 64 descriptors."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integrations.web.few_descriptors", str(LIMIT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline()), process
    finally:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[bytes]) -> str:
    _, errors = process.communicate(timeout=20)
    return errors.decode()


def answered(port: int) -> bool:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5) as client:
        return client.get("/answer").text == '"here"'


@pytest.mark.timeout(60)
def test_a_slow_loris_takes_nothing_from_others(
    small_server: tuple[int, subprocess.Popen[bytes]],
) -> None:
    port, process = small_server
    with (
        contextlib.ExitStack() as stack,
        httpx.stream("GET", f"http://127.0.0.1:{port}/api/cues", timeout=5) as screen,
    ):
        for number in range(4 * LIMIT):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            with contextlib.suppress(ConnectionError):
                one.sendall(HEAD if number % 2 else b"")
            if number % 32 == 0:
                assert answered(port), number
        assert answered(port)
        assert next(screen.iter_lines()) == "event: hello"
    text = said(process)
    assert text.count("Connections are closed: too many are open") == 1
    assert "Traceback" not in text
    assert len(text) < 500


@pytest.mark.timeout(60)
def test_without_descriptors_the_log_has_one_line(
    small_server: tuple[int, subprocess.Popen[bytes]],
) -> None:
    port, process = small_server
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5) as client:
        client.get("/exhaust")
        with contextlib.ExitStack() as stack:
            for _ in range(20):
                stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            deadline = time.monotonic() + 1.5
            while time.monotonic() < deadline:
                assert client.get("/answer").text == '"here"', "who is connected notices nothing"
                time.sleep(0.1)
    text = said(process)
    assert text.count("Connections cannot be taken: no descriptors are left") == 1
    assert "Traceback" not in text
    assert len(text) < 500


class Site:
    """A server that is impatient, on a real socket."""

    def __init__(self) -> None:
        self.connections = Connections()
        self.port = 0
        self.app = Starlette(
            routes=[
                Route("/answer", self.answer, methods=["GET", "POST"]),
                Route("/read", self.read, methods=["POST"]),
                Route("/pour", self.pour),
                Route("/drip", self.drip),
                WebSocketRoute("/closed", self.closed),
            ]
        )
        self.disconnected = False

    async def answer(self, _request: Request) -> PlainTextResponse:
        return PlainTextResponse("here")

    async def read(self, request: Request) -> PlainTextResponse:
        try:
            return PlainTextResponse(str(len(await request.body())))
        except Exception:
            self.disconnected = True
            raise

    async def pour(self, _request: Request) -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 65_536
                await asyncio.sleep(0)

        return StreamingResponse(pieces())

    async def drip(self, _request: Request) -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            while True:
                yield b"x"
                await asyncio.sleep(0.02)

        return StreamingResponse(pieces())

    async def closed(self, socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    async def held_open_s(self, sent: bytes, *, drip: bytes = b"") -> tuple[bytes, float]:
        """What came back, and how long it was until the server closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        began, got = time.monotonic(), b""
        writer.write(sent)
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(5):
                while True:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.05):
                            got += (piece := await reader.read(1_000))
                            if not piece:
                                break
                    writer.write(drip)
        writer.transport.abort()
        return got, time.monotonic() - began


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running(IMPATIENT) as site:
        yield site


@contextlib.asynccontextmanager
async def running(patience: CallerPatience) -> AsyncIterator[Site]:
    site = Site()
    listener = socket.create_server(("127.0.0.1", 0))
    site.port = listener.getsockname()[1]
    server = HttpServer(Contained(site.app), listener, site.connections, patience=patience)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run())
        await server.until_serving()
        yield site
        server.stop()


POST = b"POST /%s HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\nab"


@pytest.mark.parametrize(
    ("sent", "drip", "answer"),
    [
        (b"", b"", b""),
        (b"GE", b"", b""),
        (HEAD, b"X-A: b\r\n", b""),
        (POST % b"read", b"", b""),
        (POST % b"read", b"c", b""),
        (POST % b"answer", b"c", b"here"),
        (HEAD + b"\r\n" + HEAD, b"X-A: b\r\n", b"here"),
    ],
)
async def test_who_does_not_do_his_part_in_time_is_left(
    site: Site, sent: bytes, drip: bytes, answer: bytes
) -> None:
    got, lasted_s = await site.held_open_s(sent, drip=drip)
    assert got.endswith(answer)
    assert lasted_s < 4
    await until(lambda: site.connections.count == 0)
    assert site.connections.closed[Closing.SLOW] == 1


UPGRADE = (
    b"GET /closed HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def test_a_web_socket_that_was_closed_does_not_wait_long_for_its_caller_to_agree(
    site: Site,
) -> None:
    got, lasted_s = await site.held_open_s(UPGRADE)
    assert b" 101 " in got
    assert lasted_s < 4
    await until(lambda: site.connections.count == 0)


async def test_callers_who_do_not_agree_to_a_close_take_nothing_from_others() -> None:
    async with running(CallerPatience()) as site, contextlib.AsyncExitStack() as stack:
        site.connections.most, site.connections.most_waiting_of_one = 8, 4
        for _ in range(20):
            mute = stack.enter_context(socket.create_connection(("127.0.0.1", site.port)))
            mute.sendall(UPGRADE)
            await asyncio.sleep(0.02)
        got, _ = await site.held_open_s(HEAD + b"Connection: close\r\n\r\n")
        assert got.endswith(b"here")


async def test_who_never_reads_is_left(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.port)) as deaf:
        deaf.sendall(HEAD.replace(b"answer", b"pour") + b"\r\n")
        await until(lambda: site.connections.closed[Closing.UNREAD] == 1)
        await until(lambda: site.connections.count == 0)


async def test_who_never_reads_takes_nothing_from_others() -> None:
    async with running(CallerPatience()) as site, contextlib.AsyncExitStack() as stack:
        site.connections.most, site.connections.most_waiting_of_one = 8, 4
        for _ in range(20):
            deaf = stack.enter_context(socket.create_connection(("127.0.0.1", site.port)))
            deaf.sendall(HEAD.replace(b"answer", b"pour") + b"\r\n")
            await asyncio.sleep(0.02)
        got, _ = await site.held_open_s(HEAD + b"Connection: close\r\n\r\n")
        assert got.endswith(b"here")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be told so")
async def test_who_is_gone_without_a_word_is_left(site: Site) -> None:
    """Little is sent to a screen, so nothing would ever be too much for it."""
    with socket.create_connection(("127.0.0.1", site.port)) as gone:
        gone.sendall(HEAD.replace(b"answer", b"drip") + b"\r\n")
        gone.setblocking(False)
        assert await asyncio.get_running_loop().sock_recv(gone, 100)
        with lost_packets(gone):
            await until(lambda: site.connections.count == 0)


@contextlib.contextmanager
def lost_packets(connection: socket.socket) -> Iterator[None]:
    """What comes for it is dropped, and not confirmed."""
    drop_all = struct.pack("HBBI", 0x06, 0, 0, 0)  # BPF: return 0 bytes of the packet
    program = ctypes.create_string_buffer(drop_all)
    connection.setsockopt(
        socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program))
    )
    yield


async def test_a_server_that_ends_waits_for_no_body(caplog: pytest.LogCaptureFixture) -> None:
    async with running(CallerPatience()) as site:
        _, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(POST % b"read")
        await until(lambda: site.connections.count == 1)
        await asyncio.sleep(0.05)
        began = time.monotonic()
    assert time.monotonic() - began < END_S
    assert site.disconnected
    assert "Traceback" not in caplog.text
    writer.transport.abort()


async def test_a_burst_is_answered_to_the_last_one() -> None:
    """Of one address, as everybody behind a proxy is."""
    async with running(CallerPatience()) as site:

        async def ask() -> bytes:
            got, _ = await site.held_open_s(HEAD + b"Connection: close\r\n\r\n")
            return got

        site.connections.most, site.connections.most_waiting_of_one = 128, 64
        answers = await asyncio.gather(*(ask() for _ in range(300)))
    assert [answer for answer in answers if not answer.endswith(b"here")] == []


async def test_a_connection_that_is_used_is_kept(site: Site) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{site.port}") as client:
        for _ in range(3):
            assert (await client.get("/answer")).text == "here"
            assert (await client.post("/read", content=b"abc")).text == "3"
            await asyncio.sleep(IMPATIENT.head_s * 1.5)
        assert site.connections.count == 1
    assert sum(site.connections.closed.values()) == 0
