"""One app for all doors: refusals in one sentence, limits, headers, strangers' pages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import httpx
import pytest
from fastapi import APIRouter, Request, WebSocket
from pydantic import Field
from starlette.testclient import TestClient, WebSocketDenialResponse

from interject.config.strict import StrictModel
from interject.integrations.web.app import make_app
from interject.integrations.web.bearer import UNAUTHORIZED, Bearer
from interject.integrations.web.guarded_route import guarded
from interject.integrations.web.origins import STRANGE_HOST, STRANGE_PAGE, Origins
from interject.integrations.web.refusals import (
    DEFECT,
    JSON_WANTED,
    NO_JSON,
    UNKNOWN,
    WRONG_METHOD,
)
from tests.integrations.web.served import served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI

OWN = "http://127.0.0.1:8080"
PARTNER = "https://desk.example.org"
SECRET = "what somebody said"


class Order(StrictModel):
    count: int = Field(ge=0)
    words: str = ""


class CountingDoor:
    """Echoes, fails, and counts its openings."""

    name = "counting"

    def __init__(self, bearer: Bearer) -> None:
        self.entered = self.left = 0
        self.reading, self.read = asyncio.Event(), asyncio.Event()
        self.router = APIRouter(prefix="/counting")
        self.router.add_api_route("/order", self._order, methods=["POST"])
        self.router.add_api_route("/defect", self._defect)
        self.router.add_api_route("/stream", self._stream, methods=["POST"])
        secret = APIRouter(route_class=guarded(bearer))
        secret.add_api_route("/secret", self._order, methods=["GET", "POST"])
        self.router.include_router(secret)
        self.router.add_api_websocket_route("/socket", self._socket)

    async def __aenter__(self) -> Self:
        self.entered += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self.left += 1

    async def _order(self, order: Order | None = None) -> dict[str, int]:
        return {"count": order.count if order else -1}

    async def _defect(self) -> None:
        raise RuntimeError(SECRET)

    async def _stream(self, request: Request) -> None:
        self.reading.set()
        try:
            async for _ in request.stream():
                pass
        finally:
            self.read.set()

    async def _socket(self, socket: WebSocket) -> None:
        await socket.accept()
        raise RuntimeError(SECRET)


def app_of(door: CountingDoor, *, check_host: bool = False) -> FastAPI:
    origins = Origins([OWN], [f"{PARTNER}:443/"])
    return make_app([door], origins=origins, check_host=check_host, most_body_bytes=1_000)


@pytest.fixture
def door() -> CountingDoor:
    return CountingDoor(Bearer("right", "other"))


@pytest.fixture
async def client(door: CountingDoor) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app_of(door))
    async with httpx.AsyncClient(transport=transport, base_url=OWN) as client:
        yield client


async def test_what_a_request_cannot_have_is_one_sentence(client: httpx.AsyncClient) -> None:
    missing = await client.get("/docs")
    wrong = await client.get("/counting/order")
    assert (missing.status_code, missing.json()) == (404, {"detail": UNKNOWN})
    assert (wrong.status_code, wrong.json()) == (405, {"detail": WRONG_METHOD})


async def test_a_slash_too_many_sends_nobody_to_another_host(client: httpx.AsyncClient) -> None:
    answer = await client.get("/counting/defect/", headers={"Host": "evil.example.net"})
    assert (answer.status_code, answer.json()) == (404, {"detail": UNKNOWN})
    assert "location" not in answer.headers


async def test_an_invalid_body_is_told_by_its_field_and_not_by_what_it_held(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/counting/order", json={"count": -1, "words": SECRET})
    assert answer.status_code == 422
    assert answer.json()["detail"] == "count: it must be greater than or equal to 0"
    assert SECRET not in answer.text


async def test_a_form_where_json_is_wanted_is_told_how_to_send_it(
    client: httpx.AsyncClient,
) -> None:
    form = await client.post("/counting/order", data={"count": "1"})
    broken = await client.post(
        "/counting/order", content="{", headers={"content-type": "application/json"}
    )
    assert form.json() == {"detail": JSON_WANTED}
    assert broken.json() == {"detail": NO_JSON}


async def test_a_defect_is_told_without_what_was_said(client: httpx.AsyncClient) -> None:
    answer = await client.get("/counting/defect")
    assert (answer.status_code, answer.json()) == (500, {"detail": DEFECT})


async def test_who_goes_in_the_middle_of_his_body_leaves_no_traceback(
    door: CountingDoor, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(app_of(door)) as url:
        _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(b"POST /counting/stream HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nab")
        await door.reading.wait()
        writer.transport.abort()
        await door.read.wait()
    assert [record for record in caplog.records if record.levelname != "INFO"] == []


def test_a_defect_in_a_socket_closes_that_socket(door: CountingDoor) -> None:
    with (
        TestClient(app_of(door)) as client,
        client.websocket_connect("/counting/socket") as socket,
    ):
        assert socket.receive()["code"] == 1011


@pytest.mark.parametrize("told", [True, False])
async def test_a_body_is_no_larger_than_allowed(client: httpx.AsyncClient, told: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100

    headers = {"Content-Type": "application/json"}
    content = b" " * 2_000 if told else pieces()
    answer = await client.post("/counting/order", content=content, headers=headers)
    assert answer.status_code == 413
    assert answer.json() == {"detail": "a request may have 1000 bytes at most"}


async def test_every_answer_forbids_what_comes_from_elsewhere(client: httpx.AsyncClient) -> None:
    for path in ("/", "/counting/defect", "/counting/secret"):
        headers = (await client.get(path)).headers
        assert headers["content-security-policy"].startswith("default-src 'self';")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer right", 200), ("bearer other", 200), ("Bearer wrong", 401), ("Basic right", 401),
        ("right", 401), ("", 401), ("Bearer rïght", 401),
    ],
)  # fmt: skip
async def test_a_route_is_for_those_with_one_of_the_tokens(
    client: httpx.AsyncClient, authorization: str, status: int
) -> None:
    headers = [(b"Authorization", authorization.encode())]
    answer = await client.get("/counting/secret", headers=headers)
    assert answer.status_code == status
    if status == 401:
        assert answer.json() == {"detail": UNAUTHORIZED}
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_without_any_token_a_route_is_for_everybody() -> None:
    app = app_of(CountingDoor(Bearer("")))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OWN) as client:
        assert (await client.get("/counting/secret")).status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (OWN, 200), (PARTNER, 200), (None, 200), ("https://evil.example.org", 403),
        ("null", 403), ("http://127.0.0.1:8081", 403),
    ],
)  # fmt: skip
async def test_a_page_of_another_origin_may_not_call(
    client: httpx.AsyncClient, origin: str | None, status: int
) -> None:
    headers = {} if origin is None else {"Origin": origin}
    answer = await client.post("/counting/order", json={"count": 1}, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.json() == {"detail": STRANGE_PAGE}
    shared = answer.headers.get("access-control-allow-origin")
    assert shared == (origin if origin == PARTNER else None)


async def test_an_allowed_page_may_call_a_private_network_and_read_when_to_come_again(
    client: httpx.AsyncClient,
) -> None:
    """Browsers ask first whether a page from outside may; a refusal costs the call."""
    asked = {
        "Origin": PARTNER,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
        "Access-Control-Request-Private-Network": "true",
    }
    answer = await client.options("/counting/order", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-private-network"] == "true"
    strange = await client.options("/counting/order", headers=asked | {"Origin": "https://x.org"})
    assert strange.status_code == 403
    order = await client.post("/counting/order", json={"count": 1}, headers={"Origin": PARTNER})
    assert order.headers["access-control-expose-headers"] == "Retry-After"


async def test_a_name_that_was_made_to_mean_this_machine_is_refused(door: CountingDoor) -> None:
    transport = httpx.ASGITransport(app_of(door, check_host=True))
    async with httpx.AsyncClient(transport=transport, base_url=OWN) as client:
        mine = await client.post("/counting/order", json={"count": 1})
        headers = {"Host": "evil.example.org:8080"}
        theirs = await client.post("/counting/order", json={"count": 1}, headers=headers)
        probe = await client.get("/healthz", headers=headers)
    assert mine.status_code == 200
    assert (theirs.status_code, theirs.json()) == (403, {"detail": STRANGE_HOST})
    assert probe.status_code == 404, "a probe knows an address, and no name"


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("127.0.0.1:8080", True),
        ("localhost:9000", True),
        ("[::1]:9000", True),
        ("LOCALHOST", True),
        ("localhost.evil.example:8080", False),
        ("127.0.0.1.evil.example", False),
        ("[::1", False),
        ("", False),
        ("evil.example@127.0.0.1", False),
    ],
)
def test_loopback_is_known_under_its_own_names_alone(host: str, known: bool) -> None:
    assert Origins([OWN]).has_host(host) is known


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"host": "127.0.0.1:8080", "origin": "https://evil.example.org"}, STRANGE_PAGE),
        ({"host": "evil.example.org:8080"}, STRANGE_HOST),
    ],
)
def test_a_strange_page_opens_no_socket_where_nobody_is_asked_who_he_is(
    door: CountingDoor, headers: dict[str, str], why: str
) -> None:
    client = TestClient(app_of(door, check_host=True))
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        client.websocket_connect("/counting/socket", headers=headers),
    ):
        pass
    assert (refused.value.status_code, refused.value.json()) == (403, {"detail": why})


@pytest.mark.parametrize(
    ("check_host", "origin"), [(True, OWN), (True, PARTNER), (False, "https://evil.example.org")]
)
def test_others_open_one(door: CountingDoor, check_host: bool, origin: str) -> None:
    """Where a token is asked for no page can show it, and a program may say what it likes."""
    client = TestClient(app_of(door, check_host=check_host))
    headers = {"host": "127.0.0.1:8080", "origin": origin}
    with client.websocket_connect("/counting/socket", headers=headers):
        pass


def test_doors_are_open_while_the_app_is(door: CountingDoor) -> None:
    with TestClient(app_of(door)):
        assert (door.entered, door.left) == (1, 0)
    assert (door.entered, door.left) == (1, 1)
