"""Whoever opens a server's address sees what it serves, and all its pages look alike."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from fastapi import APIRouter

from interject.integrations.web.app import make_app
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.cue_screens import CueScreens
from interject.integrations.web.guarded_route import guarded
from interject.integrations.web.origins import Origins
from tests.integrations.web.test_app import CountingDoor
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Message

OWN = "http://127.0.0.1:8080"
DOORS = CountingDoor(Bearer("token"))
SCREENS = CueScreens(Bearer("token"))


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = make_app([DOORS], routers=[SCREENS.router], origins=Origins([]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OWN) as client:
        yield client


async def test_without_a_page_of_a_door_there_is_one_that_says_what_is_served(
    client: httpx.AsyncClient,
) -> None:
    page = (await client.get("/")).text
    assert "<h2>counting</h2>" in page
    for served in (
        "<code>POST /counting/order</code>",
        "<code>GET POST /counting/secret</code>",
        "<code>socket /counting/socket</code>",
        '<a href="/cues">/cues</a>',
        "<code>GET /api/cues</code>",
    ):
        assert served in page, "who has no token is led nowhere"
    assert ".js" not in page.partition("</header>")[2]


async def test_a_page_of_a_door_comes_first() -> None:
    door = CountingDoor(Bearer("token"))
    door.router = APIRouter(route_class=guarded())

    @door.router.get("/")
    async def page() -> str:
        return "its own"

    app = make_app([door], origins=Origins([]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OWN) as client:
        assert (await client.get("/")).json() == "its own"


@pytest.mark.parametrize("address", ["/", "/cues"])
async def test_pages_share_a_header_and_have_all_that_they_ask_for(
    client: httpx.AsyncClient, address: str
) -> None:
    page = (await client.get(address)).text
    assert re.search(r'<h1><a href="/"[^>]*>Interject</a></h1>\s*<nav><a href="/cues"', page)
    assert "://" not in page
    for name in re.findall(r'(?:src|href)="(/(?:page|cues)[^"]*)"', page):
        assert (await client.get(name)).status_code == 200, name


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists its descriptors so")
async def test_a_page_that_is_not_read_holds_no_file_open() -> None:
    app = make_app([], origins=Origins([]))
    began, never = asyncio.Event(), asyncio.Event()

    async def ask() -> Message:
        await never.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            assert message["body"]
            began.set()
            await never.wait()

    before = set(os.listdir("/proc/self/fd"))
    scope = {"type": "http", "method": "GET", "path": "/page/style.css", "headers": []}
    reading = asyncio.create_task(app({**scope, "query_string": b""}, ask, send))
    await until(began.is_set)
    opened = set(os.listdir("/proc/self/fd")) - before
    reading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await reading
    assert not opened
