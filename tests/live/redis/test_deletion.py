"""A deleted session's words are nowhere: no file, no key of Redis, no screen, no queue."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from interject.agent.records.store import RecordStore
from interject.config import Profile
from interject.integrations.console.live_sessions import LiveSessions
from interject.integrations.conversation.role import Role
from interject.integrations.conversation.switchboard import Switchboard
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.cue_screens import CueScreens
from interject.integrations.web.dead_letters import DeadLetters
from interject.integrations.web.erasure import SessionErasure
from interject.integrations.web.screen_line import ScreenLine
from interject.integrations.web.webhook import RetryBackoff, WebhookOutput
from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.forgetting import forget_sessions
from tests.live.conftest import hired
from tests.live.redis.server import free_port
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from interject.model_runtime.redis.connection import RedisClient
    from tests.live.redis.server import RedisServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

WORDS = b"Zanzibar"
SAID = "Her dog is called Zanzibar."
GIVES_UP = RetryBackoff(pauses_s=(), attempt_s=1.0)


def profile() -> Profile:
    return Profile.model_validate(
        {
            "name": "kept",
            "system_prompt": "listen",
            "mode": "assist",
            "outputs": ["cue"],
            "threshold": 1.0,
            "cue": {"expires_s": 600},
            "privacy": {"retention": "everything", "audio": True},
            "room": {"announce": "none"},
        }
    )


async def in_redis(client: RedisClient) -> set[bytes]:
    """All that lies there, whatever it is."""
    keys = await client.ask(("KEYS", "*"))
    return {key + (await client.ask(("DUMP", key)) or b"") for key in keys}


def in_files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_what_was_said_is_nowhere_after_a_deletion(
    redis_server: RedisServer, client: RedisClient, tmp_path: Path
) -> None:
    (tmp_path / "records").mkdir()
    records = RecordStore(tmp_path / "records")
    letters = DeadLetters(tmp_path / "dead.jsonl")
    bearer = Bearer()
    screens = CueScreens(bearer)
    watched = LiveSessions(screens)
    webhook = WebhookOutput(
        f"http://127.0.0.1:{free_port()}", dead_letters=letters, backoff=GIVES_UP
    )
    async with hired(redis_server.url), RedisRuntime(redis_server.url) as runtime, webhook:
        board = Switchboard(
            Role(profile(), runtime=runtime), runtime, outputs=[webhook], records=records,
            followers=[watched],
        )  # fmt: skip
        erasure = SessionErasure(bearer, [screens, watched, webhook], records, board.call_ids)
        app = FastAPI()
        app.include_router(erasure.router)
        web = TestClient(app, client=("127.0.0.1", 1))
        line = ScreenLine("call-7", screens)
        async with board.call(
            board.reserve(), door="test", call_id="call-7", line=line, speakers=("ann",)
        ) as agent:
            (ear,) = agent.sessions.open
            assert ear._session is not None
            await ear._session.say(SAID)
            await until(lambda: letters.kept and screens._cards.living(), "card and letter")
            assert web.delete("/api/records/call-7").status_code == 409
            with pytest.raises(RuntimeFailure, match="goes on"):
                await forget_sessions(redis_server.url, ["call-7"])
        await until(lambda: watched.states[0].ended, "the end")
        await asyncio.sleep(0)
        assert WORDS in in_files(tmp_path / "records")
        assert WORDS in letters.path.read_bytes()
        kept = await in_redis(client)
        assert any(WORDS in one for one in kept) or any(b":out:" in one for one in kept)
        erased = web.delete("/api/records/call-7")
        assert erased.status_code == 200
        assert erased.json()["records"] == 1
        assert await forget_sessions(redis_server.url, ["call-7"]) > 0
        assert web.delete("/api/records/call-7").status_code == 404
        assert in_files(tmp_path).count(WORDS) == 0
        left = await in_redis(client)
        assert not any(WORDS in one for one in left)
        assert not any(kind in one for one in left for kind in (b":out:", b":in:", b":session:"))
        assert watched.states == ()
        assert WORDS.decode() not in repr((vars(screens), vars(screens._cards), vars(webhook)))
