"""`interject worker` and `interject listen --runtime redis://...`, as a user starts them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from interject.model_runtime.checkpoint import load_checkpoint
from interject.model_runtime.protocol import FRAME_SAMPLES
from interject.model_runtime.rounding import assert_same, model_terms
from tests.live.redis.worker_process import WorkerProcess

if TYPE_CHECKING:
    from tests.live.redis.server import RedisServer

ROOT = Path(__file__).parents[3]
KITCHEN = str(ROOT / "examples" / "kitchen.wav")
CHUNKS = 32
"""A question and its answer. After them slots evict, each session's at a time of its own."""
COMMAND = [sys.executable, "-m", "interject.cli"]

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def question(tmp_path: Path) -> str:
    """What is said in the kitchen at first."""
    path = tmp_path / "question.wav"
    with wave.open(KITCHEN) as whole, wave.open(str(path), "wb") as part:
        part.setparams(whole.getparams())
        part.writeframes(whole.readframes(CHUNKS * FRAME_SAMPLES))
    return str(path)


def listened(sound: str, *options: str) -> list[dict[str, Any]]:
    """The JSON lines of `interject listen`."""
    done = subprocess.run(
        [*COMMAND, "listen", sound, "--json", *options],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [line for line in lines if line["event"] != "summary"]


def outline(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what the clock and rounding change."""
    numbers = ("p_respond", "silent_logit", "respond_logit")
    return [{k: v for k, v in line.items() if k not in numbers} for line in lines]


def test_a_file_gives_the_same_through_redis(redis_server: RedisServer, question: str) -> None:
    command = [*COMMAND, "worker", "--slots", "2", "--name", "w1", "--telemetry", "off"]
    environment = os.environ | {"INTERJECT_REDIS_URL": redis_server.url}
    worker = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        assert worker.stderr is not None
        assert "ready" in worker.stderr.readline()
        apart = listened(question, "--runtime", redis_server.url)
        together = listened(question, "--model", "nano")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=120) == 0
        rest = worker.stderr.read()
    finally:
        worker.kill()
        worker.wait()
        assert worker.stderr is not None
        worker.stderr.close()
    assert "stopped" in rest
    assert outline(apart) == outline(together)
    assert sum("p_respond" in line for line in together) == CHUNKS
    terms = model_terms(load_checkpoint("nano").config)
    for logit in ("silent_logit", "respond_logit"):
        here, there = ([x[logit] for x in run if logit in x] for run in (together, apart))
        assert_same(there, here, terms=terms)


def test_an_outage_is_a_line_when_it_begins_and_one_when_it_is_over(
    redis_server: RedisServer, question: str
) -> None:
    worker = WorkerProcess(redis_server.url, "w1", context=1_024)
    worker.start()
    command = [*COMMAND, "listen", question, "--json", "--speed", "realtime", "--runtime"]
    listener = subprocess.Popen(
        [*command, redis_server.url],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert listener.stdout is not None
        assert "p_respond" in listener.stdout.readline()
        redis_server.kill()
        time.sleep(2.0)
        redis_server.start()
        out, err = listener.communicate(timeout=120)
    finally:
        listener.kill()
        worker.kill()
    told = [line for line in err.splitlines() if "redis" in line.lower()]
    assert len(told) == 2, err
    assert "redis cannot be used; waiting for it" in told[0]
    assert "redis can be used again" in told[1]
    assert "Traceback" not in err
    assert listener.returncode == 0
    assert sum("p_respond" in line for line in out.splitlines()) > CHUNKS // 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--redis", "http://x"], "not a Redis URL"),
        (["--redis", "redis://127.0.0.1:1/0", "--wait", "0.1"], "no Redis answers there"),
        (["--wait", "-1"], "a time is not negative"),
        (["--slots", "0"], "a worker needs at least one slot"),
    ],
)
def test_what_a_worker_cannot_use_is_one_line(arguments: list[str], message: str) -> None:
    done = subprocess.run(
        [*COMMAND, "worker", "--telemetry", "off", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_password_that_is_wrong_is_told_before_any_room(redis_server: RedisServer) -> None:
    url = redis_server.url.replace("//", "//nobody:wrong@")
    access = ["--url", "ws://127.0.0.1:1", "--api-key", "key", "--api-secret", "s" * 32]
    done = subprocess.run(
        [*COMMAND, "livekit", "start", *access, "--runtime", url],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 2
    assert "the user or password is wrong" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
