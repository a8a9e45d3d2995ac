"""The example as users start it: with Pipecat's own runner, its evaluation, and a kill -9."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from interject.agent.options import session_options
from interject.integrations.twilio.simulator.cloud import TwilioCloud
from interject.model_runtime import open_runtime
from interject.model_runtime.local.process import ServerProcess
from interject.model_runtime.protocol import RuntimeBusy
from tests.integrations.pipecat.stage import quiet_profile
from tests.waiting import PATIENCE_S, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here"),
]

ROOT = Path(__file__).parents[3]
BOT, EVAL = ROOT / "examples" / "pipecat_bot.py", ROOT / "examples" / "pipecat_eval.yaml"
SILENT_PROFILE = """
name: silent
system_prompt: You are Interject.
room: {announce: none}
"""


class BotProcess:
    """`python examples/pipecat_bot.py`, which a test may kill."""

    def __init__(self, folder: Path, runtime_url: str, *words: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        profile = folder / "silent.yaml"
        profile.write_text(SILENT_PROFILE, "utf-8")
        self._log = folder / "bot.log"
        environment = {"INTERJECT_RUNTIME": runtime_url, "INTERJECT_PROFILE": str(profile)}
        environment |= {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "none"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(BOT), "--host", "127.0.0.1", "--port", str(self.port), *words],
                env=os.environ | environment,
                cwd=folder,
                stdout=log,
                stderr=log,
            )

    def log(self) -> str:
        return self._log.read_text("utf-8")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def ready(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        async with httpx.AsyncClient(trust_env=False) as http:
            while True:
                assert self._process.poll() is None, self.log()[-2_000:]
                assert time.monotonic() < deadline, "the bot did not start"
                with contextlib.suppress(httpx.TransportError):
                    await http.get(self.url)
                    return
                await asyncio.sleep(0.1)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


@pytest.fixture
def one_slot() -> Iterator[str]:
    with ServerProcess("nano", slots=1) as process:
        yield process.url


@pytest.fixture
async def bot(tmp_path: Path, one_slot: str) -> AsyncIterator[BotProcess]:
    process = BotProcess(tmp_path, one_slot, "-t", "twilio", "-x", "bot.example.test")
    try:
        await process.ready()
        yield process
    finally:
        process.stop()


def say_into(path: Path, text: str) -> None:
    subprocess.run(["espeak-ng", "-v", "en-gb", "-s", "160", "-w", str(path), text], check=True)


async def test_pipecats_own_evaluation_asks_and_is_answered(tmp_path: Path, nano_url: str) -> None:
    shutil.copy(EVAL, tmp_path)
    say_into(tmp_path / "question.wav", "What is the capital of France?")
    process = BotProcess(tmp_path, nano_url, "-t", "eval")
    try:
        await process.ready()
        pipecat = Path(sys.executable).with_name("pipecat")
        asking = await asyncio.create_subprocess_exec(
            str(pipecat), "eval", "run", EVAL.name, "--bot-url", f"ws://127.0.0.1:{process.port}/ws",
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await asking.communicate()
        assert asking.returncode == 0, said.decode()
        assert "1/1 passed" in said.decode()
    finally:
        process.stop()


def test_a_bot_that_cannot_work_says_so_before_it_is_ready() -> None:
    done = subprocess.run(
        [sys.executable, str(BOT), "-t", "webrtc"],
        env=os.environ | {"INTERJECT_RUNTIME": "local:nanno"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 2
    assert "ready" not in done.stdout
    assert done.stderr.splitlines()[-1].startswith("pipecat_bot: nanno: there is no such model")
    assert "Traceback" not in done.stderr


async def test_a_bot_that_is_killed_leaves_nothing_behind(bot: BotProcess, one_slot: str) -> None:
    runtime = open_runtime(one_slot)

    async def is_free() -> bool:
        try:
            session = await runtime.open(session_options(quiet_profile(), "probe"))
        except RuntimeBusy:
            return False
        await session.close()
        return True

    origin = "https://bot.example.test"
    async with TwilioCloud({origin: bot.url.removeprefix("http://")}) as cloud:
        async with cloud.phones(f"{origin}/") as call:
            await until(lambda: call.streams or call.over.is_set(), "the call")
            assert not call.over.is_set(), call.alerts
            await until(lambda: "pipeline is now ready" in bot.log(), "the pipeline")
            assert not await is_free()
            bot.kill()
            await until(call.over.is_set, "the end of the call")
        deadline = time.monotonic() + PATIENCE_S
        while not await is_free():
            assert time.monotonic() < deadline, "its session is still there"
            await asyncio.sleep(0.1)
    await runtime.aclose()
