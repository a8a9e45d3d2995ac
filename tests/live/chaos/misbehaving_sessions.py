"""Sessions beside those that are compared: whatever becomes of them, no other may notice it."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from typing import TYPE_CHECKING, Any

from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.keys import DEFAULT_TENANT, session_name
from interject.model_runtime.redis.requests import OpenRequest, OpenVerdict
from interject.model_runtime.redis.streams import read, read_entries
from interject.model_runtime.remote import options_codec
from tests.live.redis.client_session import ClientSession, options
from tests.live.redis.faults import administered
from tests.model_runtime.worlds import frames, noise

if TYPE_CHECKING:
    import random

    from interject.model_runtime.protocol import RuntimeSession
    from tests.live.redis.server import RedisServer

PARTS = ("session", "input", "output", "journal", "snapshot", "client")
END_S = 60.0
HOSTILE: tuple[dict[str, Any], ...] = (
    {"sampling": {"temperature": 1e-300}},
    {"sampling": {"temperature": 1e308}},
    {"sampling": {"temperature": 1.0, "repetition_window": 10**9}},
    {"threshold": 7},
    {"max_reply_tokens": 0},
    {"system_prompt": "x" * 2_000_000},
)

logger = logging.getLogger(__name__)


async def lose_a_key(server: RedisServer, dice: random.Random) -> None:
    """A session goes on or ends with a reason when one of its keys is deleted or replaced."""
    part, replaced = dice.choice(PARTS), dice.random() < 0.5
    logger.info("a victim loses its %s, replaced: %s", part, replaced)
    name = session_name(DEFAULT_TENANT, "victim", secret="")
    address = Address.parse(server.url)
    key = getattr(address.keys, part)(name)
    async with RedisRuntime(server.url) as runtime, administered(server) as admin:
        talk = ClientSession(await _opened(runtime), frames(noise(8.0)))
        async with asyncio.timeout(END_S):
            await talk.push(0, 5)
            await admin.ask(("DEL", key))
            if replaced:
                await admin.ask(("LPUSH", key, "x"))
            for frame in talk.sound[5:]:
                if talk.session.ending:
                    break
                await talk.push_blindly(frame)
                await talk.settled(frame.seq)
            await talk.finish()
        await admin.ask(("UNLINK", key))


async def ask_for_the_impossible(server: RedisServer, dice: random.Random) -> None:
    """As a client would that has no library to stop it. It is told that it cannot have it."""
    wanted = json.loads(options_codec.encode_options(options("hostile")))
    wanted |= dice.choice(HOSTILE)
    token = secrets.token_hex(16)
    request = OpenRequest(
        session_name(DEFAULT_TENANT, "hostile", secret=""), token, "1",
        json.dumps(wanted).encode(), 2_000,
    )  # fmt: skip
    words = [word for field in request.encode().items() for word in field]
    keys = Address.parse(server.url).keys
    answer: Any = None
    async with administered(server) as admin, asyncio.timeout(END_S):
        while not answer:
            await admin.ask(("XADD", keys.requests(DEFAULT_TENANT), "*", *words))
            places = {keys.notices(DEFAULT_TENANT, token): "0-0"}
            answer = await admin.ask(read(places, block_ms=500))
    ((_, entries),) = read_entries(answer)
    assert entries[0][1][b"a"] == OpenVerdict.REFUSED.value, "hostile options were taken"


async def _opened(runtime: RedisRuntime) -> Any:
    session: RuntimeSession | None = None
    async with asyncio.timeout(END_S):
        while session is None:
            try:
                session = await runtime.open(options("victim"))
            except RuntimeFailure:
                await asyncio.sleep(0.2)
    return session
