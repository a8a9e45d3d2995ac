"""Processes that show each other their sessions through a real Redis, which is away at times."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import connect

from interject.integrations.console.neighbour_sessions import GONE, NOT_DONE
from interject.integrations.sockets.simulator.peer import SimulatedPeer
from interject.integrations.sockets.simulator.plain import PlainDialect
from interject.model_runtime.redis.neighbourhood import MOST_LETTERS, RedisNeighbourhood
from tests.integrations.console.desk import ConsolePage, desk
from tests.live.interject_process import InterjectProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from interject.model_runtime.redis.connection import RedisClient
    from tests.live.redis.server import RedisServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

READY = "Interject serves"
VARIABLES = {"TWILIO_ACCOUNT_SID": "", "INTERJECT_API_TOKEN": "", "INTERJECT_PUBLIC_URL": ""}
WRITES: dict[str, Any] = {"mode": "observe", "outputs": ("posted",)}


class PlainServer(InterjectProcess):
    def __init__(self, folder: Path, name: str, model: str, redis: str) -> None:
        words = [
            "serve", "--bind", "127.0.0.1:0", "--log-format", "json", "--no-webrtc",
            "--sockets", "plain", "--runtime", model, "--neighbours", redis,
        ]  # fmt: skip
        super().__init__(words, folder / name, ready=READY, environment=VARIABLES)

    @property
    def address(self) -> str:
        return str(self.logged(READY)[0]["address"]).replace("http", "ws")

    @contextlib.asynccontextmanager
    async def page(self) -> AsyncIterator[ConsolePage]:
        async with connect(f"{self.address}/api/console/socket") as connection:
            page = ConsolePage(connection)
            await page.tell(type="sign_in", name="Ada")
            yield page


def of(stage: str, **about: str) -> Any:
    def wanted(message: dict[str, Any]) -> bool:
        state = message["session"]
        return state["stage"] == stage and all(state[key] == about[key] for key in about)

    return wanted


async def test_a_server_s_call_is_watched_and_operated_at_another_until_it_is_killed(
    redis_server: RedisServer, nano_url: str, tmp_path: Path
) -> None:
    there, here = (PlainServer(tmp_path, name, nano_url, redis_server.url) for name in "ab")
    peer = SimulatedPeer(PlainDialect(call="c"), speakers=("caller",))
    try:
        await asyncio.gather(*(asyncio.to_thread(server.start) for server in (there, here)))
        async with here.page() as page, peer.dialled(f"{there.address}/sockets/plain"):
            state = (await page.next("session", of("live", door="plain")))["session"]
            assert state["server"].endswith(f"-{there.pid}")
            await page.follow(state["id"])
            chunk = (await page.next("chunk"))["decision"]["chunk"]
            done = await page.operate(state["id"], do="set_mode", mode="observe")
            assert (done["error"], done["status"]["mode"]) == (None, "observe")
            await page.next("chunk", lambda m: m["decision"]["chunk"] > chunk)
            there.signal(signal.SIGKILL)
            await page.next("session", of("lost", id=state["id"]))
            refused = await page.operate(state["id"], do="answer_now")
            assert refused["error"] == f"{GONE}: {NOT_DONE}"
        (line,) = there.logged("An operator's command")
        assert line["value"] == "set_mode"
        assert here.stop() == 0
    finally:
        for server in (there, here):
            server.kill()


async def test_a_redis_that_was_away_and_forgot_all_is_found_again(
    redis_server: RedisServer,
) -> None:
    ways = [RedisNeighbourhood(redis_server.url) for _ in range(2)]
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        for way in ways:
            stack.push_async_callback(way.aclose)
        there, here = [await enter(desk(way=way, **WRITES)) for way in ways]
        page = await enter(here.page())
        agent = await enter(there.call())
        session = (await page.next("session", of("live")))["session"]["id"]
        await page.follow(session)
        redis_server.kill()
        await page.next("session", of("lost"))
        await there.hear(agent, chunks=2)
        page.seen.clear()
        redis_server.start()
        await page.next("session", of("live"))
        before = [one for one in page.seen if one["type"] == "history"]  # either may come first
        told = before[-1] if before else await page.next("history")
        again = [one["decision"]["chunk"] for one in told["moments"]]
        assert again == list(range(len(again)))
        await there.hear(agent)
        assert (await page.next("chunk"))["decision"]["chunk"] == len(again)
        done = await page.operate(session, do="set_mode", mode="assist")
        assert done["status"]["mode"] == "assist"


async def test_what_is_told_lies_in_redis_for_a_moment_and_never_without_end(
    client: RedisClient, redis_server: RedisServer
) -> None:
    one, other = (RedisNeighbourhood(redis_server.url) for _ in range(2))
    async with contextlib.AsyncExitStack() as stack:
        for way in (one, other):
            stack.push_async_callback(way.aclose)
            await way.post(b"{}")
        assert set(await one.bulletins()) == {other.token}
        assert await one.send([(other.token, b"head", b"Zanzibar")]) == [True]
        assert await other.receive() == [(b"head", b"Zanzibar")]
        waiting = asyncio.create_task(other.receive())
        keys = await client.ask(("KEYS", "*"))
        (mailbox,) = (key for key in keys if b":mailbox:" in key and other.token.encode() in key)
        await asyncio.sleep(0.01)
        assert await client.ask(("XLEN", mailbox)) == 0
        assert not any([b"Zanzibar" in await client.ask(("DUMP", key)) for key in keys])
        assert await one.send([(other.token, b"head", b"")]) == [True]
        assert await waiting == [(b"head", b"")]
        for _ in range(3):
            assert all(await one.send([(other.token, b"head", b"")] * MOST_LETTERS))
        assert await client.ask(("XLEN", mailbox)) < 1.2 * MOST_LETTERS
        assert all([await client.ask(("PTTL", key)) > 0 for key in keys])
        await other.leave(b"{}")
        assert await one.send([(other.token, b"head", b"")]) == [False]
        stranger = RedisNeighbourhood(redis_server.url + "?secret=another")
        stack.push_async_callback(stranger.aclose)
        assert await stranger.bulletins() == {}
