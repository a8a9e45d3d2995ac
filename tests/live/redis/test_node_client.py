"""A client in another language, written from docs/protocol.md, under the shipped users."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import wave
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from interject.model_runtime.checkpoint import load_checkpoint
from interject.model_runtime.protocol import Decision, SessionOptions
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.worker.worker import Worker
from tests.contract.runtime_contract import heard, of
from tests.deploy.guarded_redis import GuardedRedis
from tests.model_runtime.worlds import frames

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / ".cache" / "node"
IOREDIS = "ioredis@5.4.2"
SECONDS = 8
CHUNKS = 20
SPEED = 4


@pytest.fixture(scope="module")
def program() -> Path:
    """The example beside its only package."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Node is not installed")
    if not (FOLDER / "node_modules" / "ioredis").exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", IOREDIS]
        done = subprocess.run(install, cwd=FOLDER, capture_output=True, text=True, timeout=180)
        if done.returncode:
            pytest.skip(f"{IOREDIS} could not be installed")
    program = FOLDER / f"node_client-{os.getpid()}.mjs"
    shutil.copy(ROOT / "examples" / "node_client.mjs", program)
    return program


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[GuardedRedis]:
    server = GuardedRedis(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "kitchen.wav"
    with (
        wave.open(str(ROOT / "examples" / "kitchen.wav")) as whole,
        wave.open(str(path), "wb") as part,
    ):
        part.setparams(whole.getparams())
        part.writeframes(whole.readframes(whole.getframerate() * SECONDS))
    return path


@asynccontextmanager
async def nano(server: GuardedRedis) -> AsyncIterator[None]:
    worker = Worker(server.url("worker"), load_checkpoint("nano"), name="w1", slots=2)
    stop, ready = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run(stop, ready.set))
        await ready.wait()
        yield
        stop.set()


async def test_it_hears_the_same_decisions_and_survives_a_new_connection(
    program: Path, guarded: GuardedRedis, sound: Path
) -> None:
    async with nano(guarded), RedisRuntime(guarded.url("media")) as runtime:
        node = await asyncio.create_subprocess_exec(
            "node", str(program), guarded.url("media"), str(sound), str(SPEED),
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert node.stdout is not None
        told: list[dict[str, Any]] = []
        async for line in node.stdout:
            told.append(json.loads(line))
            if told[-1]["kind"] == "decision" and told[-1]["seq"] in (5, 10):
                with guarded.admin() as admin:
                    admin.client_kill_filter(_type="normal", skipme=True)
        assert await node.wait() == 0
        with wave.open(str(sound)) as wav:
            pcm = wav.readframes(wav.getnframes())
        expected = of(
            Decision,
            await heard(
                await runtime.open(SessionOptions("a")), frames(np.frombuffer(pcm, np.int16))
            ),
        )
    decisions = [event for event in told if event["kind"] == "decision"]
    assert [event["seq"] for event in decisions] == list(range(CHUNKS))
    assert [event["respond"] for event in decisions] == [one.respond for one in expected]
    assert told[0] == {"kind": "opened", "error": ""}
    assert told[-1]["kind"] == "closed"
    assert {event["kind"] for event in told}.isdisjoint({"gap"})
    assert guarded.denials() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "usage: node node_client.mjs redis://"),
        (["redis://127.0.0.1:1/0"], "usage: node node_client.mjs redis://"),
        (["http://127.0.0.1:1", "sound.wav"], "usage: node node_client.mjs redis://"),
        (["redis://127.0.0.1:1/0", "no-such.wav"], "no such file"),
        (["redis://127.0.0.1:1/0", "SLOW"], "16 kHz, mono, 16 bit"),
        (["redis://127.0.0.1:1/0", "TEXT"], "16 kHz, mono, 16 bit"),
        (["redis://u:%zz@127.0.0.1:1/0", "SOUND"], "URI malformed"),
    ],
)
def test_what_cannot_work_is_one_line(
    program: Path, sound: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    slow, text = tmp_path / "slow.wav", tmp_path / "text.wav"
    text.write_text("no sound")
    with wave.open(str(slow), "wb") as wav:
        wav.setparams((1, 2, 8_000, 0, "NONE", ""))
        wav.writeframes(bytes(8_000))
    named = {"SOUND": sound, "SLOW": slow, "TEXT": text}
    given = [str(named.get(word, word)) for word in words]
    done = subprocess.run(
        ["node", str(program), *given], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("node_client: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_redis_that_is_not_there_is_named_at_once_and_given_up_later(
    program: Path, sound: Path
) -> None:
    nobody = ["node", str(program), "redis://127.0.0.1:1/0", str(sound)]
    done = subprocess.run(nobody, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "node_client: Redis does not answer (ECONNREFUSED); trying on",
        "node_client: Redis does not answer (ECONNREFUSED)",
    ]


def test_a_password_that_is_wrong_ends_it(
    program: Path, guarded: GuardedRedis, sound: Path
) -> None:
    url = guarded.url("media").replace("secret-media", "wrong")
    done = subprocess.run(
        ["node", str(program), url, str(sound)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr.startswith("node_client: WRONGPASS")
    assert done.stderr.count("\n") == 1
