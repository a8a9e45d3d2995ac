"""Real processes: the model's is killed, or this one is; nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from interject.model_runtime import open_runtime
from interject.model_runtime.local.process import (
    LONGEST_PAUSE_S,
    STEADY_S,
    STOP_S,
    Pauses,
    ServerProcess,
    ended,
)
from interject.model_runtime.local.runtime import LocalRuntime, Patience
from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Decision,
    Gap,
    RuntimeFailure,
    SessionOptions,
)
from tests.contract.runtime_contract import of, until_closed
from tests.model_runtime.local.conftest import until_free
from tests.model_runtime.worlds import frames, noise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.model_runtime.local.session import LocalSession
    from interject.model_runtime.protocol import Event, Frame

PATIENCE_S = 120.0
"""A process imports torch in two seconds; on a machine that does much else in many more."""
LONG = Patience(start_s=PATIENCE_S, away_s=PATIENCE_S, answer_s=PATIENCE_S)
pytestmark = pytest.mark.timeout(3 * PATIENCE_S)


async def until_decided(session: LocalSession, seq: int) -> list[Event]:
    """Every event up to a decision."""
    events: list[Event] = []
    async with asyncio.timeout(PATIENCE_S):
        async for event in session.events():
            events.append(event)
            if isinstance(event, Decision) and event.seq == seq:
                return events
    raise AssertionError("the session ended before")


async def push(session: LocalSession, sound: Sequence[Frame]) -> None:
    for frame in sound:
        await session.push(frame)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)


async def test_sessions_outlive_the_model_s_process(checkpoint: Path) -> None:
    sound = frames(noise(4.0))
    async with LocalRuntime(f"local:{checkpoint}", slots=2, patience=LONG) as runtime:
        session = await runtime.open(SessionOptions("a", max_reply_tokens=4))
        await push(session, sound[:4])
        events = await until_decided(session, 3)
        assert runtime.server is not None
        path, first = runtime.server.path, runtime.server.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await push(session, sound[4:])
        await session.say("Hello again.")
        await session.finish()
        async with asyncio.timeout(PATIENCE_S):
            events += [event async for event in session.events()]
        assert [d.seq for d in of(Decision, events)] == list(range(10))
        assert of(Gap, events) == []
        assert events[-1] == Closed("a", CloseReason.CLIENT)
        second = runtime.server.pid
        assert second not in (None, first)
    assert not path.parent.exists()
    assert second is not None
    assert not alive(second)


async def test_many_processes_share_a_server(checkpoint: Path) -> None:
    with ServerProcess(str(checkpoint), slots=2) as server:
        assert mode(server.path.parent) == 0o700
        async with LocalRuntime(server.url, patience=LONG) as runtime:
            session = await runtime.open(SessionOptions("here", threshold=1.0))
            command = [sys.executable, "-c", GUEST, server.url]
            guest = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
            assert guest.stdout is not None
            assert await guest.stdout.readline() == b"opened\n"
            assert await runtime.free_slots() == 0
            guest.kill()
            await guest.communicate()
            await until_free(runtime, 1)
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            await push(session, frames(noise(0.8)))
            await until_decided(session, 1)
            await session.close()
            await until_closed(session)


async def test_a_module_in_the_working_folder_is_not_the_model_s(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('not the one')")
    monkeypatch.chdir(tmp_path)
    with ServerProcess(str(checkpoint), slots=1) as server:
        assert server.pid is not None


def another(server: ServerProcess, killed: int) -> int:
    """The process that replaces one; that is gone by then."""
    wait_until(lambda: server.pid not in (None, killed))
    assert not alive(killed)
    assert server.pid is not None
    return server.pid


def test_a_process_that_dies_or_hangs_is_replaced(checkpoint: Path) -> None:
    with ServerProcess(str(checkpoint), slots=1) as server:
        pid = server.pid
        assert pid is not None
        nursery = psutil.Process(pid).ppid()
        assert psutil.Process(nursery).num_threads() == 1
        for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM):
            os.kill(pid, number)
            pid = another(server, pid)
            assert psutil.Process(pid).ppid() == nursery
        os.kill(nursery, signal.SIGKILL)
        last = another(server, pid)
        assert psutil.Process(last).ppid() not in (nursery, os.getpid())
    assert server.pid is None
    assert not alive(last)


async def test_a_runtime_ends_though_nobody_reads_what_it_sends(checkpoint: Path) -> None:
    """Also the nursery is frozen, as when a whole container is."""
    with ServerProcess(str(checkpoint), slots=1) as server:
        runtime = LocalRuntime(server.url, patience=LONG)
        session = await runtime.open(SessionOptions("a", threshold=1.0))
        assert server.pid is not None
        frozen = (server.pid, psutil.Process(server.pid).ppid())
        try:
            for pid in frozen:
                os.kill(pid, signal.SIGSTOP)
            await push(session, frames(noise(40.0)))
            async with asyncio.timeout(10):
                await runtime.aclose()
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)


def test_what_does_not_end_is_killed_with_its_children() -> None:
    command = "trap '' TERM; sleep 600 & echo $!; wait"
    process = subprocess.Popen(
        ["sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    with process.stdout as stdout:
        child = int(stdout.readline())
        assert ended(process, 0.1) == -signal.SIGKILL
    wait_until(lambda: not alive(child))


async def test_a_server_that_stops_closes_its_sessions(checkpoint: Path) -> None:
    server = ServerProcess(str(checkpoint), slots=1)
    await asyncio.to_thread(server.start)
    impatient = Patience(away_s=0.2, answer_s=PATIENCE_S)
    async with LocalRuntime(server.url, patience=impatient) as runtime:
        session = await runtime.open(SessionOptions("a"))
        await asyncio.to_thread(server.stop)
        assert (await until_closed(session))[-1] == Closed("a", CloseReason.SHUTDOWN)


def test_what_dies_young_again_and_again_waits_longer_and_longer() -> None:
    pauses = Pauses()
    waited = [pauses.after(0.0) for _ in range(10)]
    assert waited[:3] == [0.0] * 3
    assert waited[3:] == sorted(waited[3:])
    assert 0 < waited[3] < waited[-1] == LONGEST_PAUSE_S
    assert pauses.after(2 * STEADY_S) == 0.0


GUEST = """
import asyncio, sys
from interject.model_runtime import open_runtime
from interject.model_runtime.protocol import SessionOptions

async def main():
    runtime = open_runtime(sys.argv[1])
    await runtime.open(SessionOptions("there"))
    assert not {"torch", "redis", "tokenizers"} & set(sys.modules)
    print("opened", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_model_that_does_not_load() -> None:
    async with LocalRuntime("local:no/such/model") as runtime:
        with pytest.raises(RuntimeFailure, match=r"^no/such/model: no such directory$"):
            await runtime.open(SessionOptions("a"))
        assert runtime.server is not None
        assert not runtime.server.path.parent.exists()


async def test_a_machine_without_torch_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('no torch', name='torch')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    async with LocalRuntime("local:nano") as runtime:
        with pytest.raises(
            RuntimeFailure, match=r"needs torch: pip install 'interject\[runtime\]'$"
        ):
            await runtime.open(SessionOptions("a"))
    assert capfd.readouterr() == ("", "")


CLIENT = """
import asyncio, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "safetensors", "tokenizers", "transformers", "redis"}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Refuse())
from interject.model_runtime import open_runtime
from interject.model_runtime.protocol import Closed, Decision, Frame, SessionOptions

async def main():
    runtime = open_runtime(sys.argv[1], slots=1)
    session = await runtime.open(SessionOptions("a"))
    await session.push(Frame(0, 0.0, bytes(12_800)))
    await session.finish()
    events = [event async for event in session.events()]
    assert isinstance(events[0], Decision) and isinstance(events[-1], Closed)
    print(runtime.server.pid, runtime.server.path, flush=True)
    if sys.stdin.read():
        await runtime.aclose()

asyncio.run(main())
"""


@pytest.mark.parametrize("killed", [True, False])
def test_a_client_without_torch_leaves_nothing_behind(checkpoint: Path, killed: bool) -> None:
    client = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", CLIENT, f"local:{checkpoint}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdout is not None
    pid, path = client.stdout.readline().split()
    nursery = psutil.Process(int(pid)).ppid()
    if killed:
        client.kill()
    client.communicate(None if killed else "the end")
    assert client.returncode == (-signal.SIGKILL if killed else 0)
    wait_until(lambda: not alive(int(pid)))
    wait_until(lambda: not alive(nursery))
    wait_until(lambda: not Path(path).parent.exists())


def test_a_model_that_is_frozen_goes_with_its_owner(checkpoint: Path) -> None:
    """It would not be asked to end, and nobody else would end it for ten seconds."""
    client = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", CLIENT, f"local:{checkpoint}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdout is not None
    pid, path = client.stdout.readline().split()
    nursery = psutil.Process(int(pid)).ppid()
    os.kill(int(pid), signal.SIGSTOP)
    began = time.monotonic()
    client.kill()
    client.communicate()
    wait_until(lambda: not (alive(int(pid)) or alive(nursery)))
    assert time.monotonic() - began < STOP_S / 2
    wait_until(lambda: not Path(path).parent.exists())


def server(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "interject.model_runtime.local.server", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def test_a_server_that_was_started_by_hand(checkpoint: Path, socket_path: Path) -> None:
    arguments = ["--model", str(checkpoint), "--slots", "1", "--socket", str(socket_path)]
    process = server(*arguments)
    assert process.stdout is not None
    assert await asyncio.to_thread(process.stdout.readline) == "ready\n"
    assert mode(socket_path) == 0o600
    async with LocalRuntime(f"local:unix:{socket_path}") as runtime:
        session = await runtime.open(SessionOptions("a", threshold=1.0))
        assert await runtime.free_slots() == 0
        other = await asyncio.to_thread(server(*arguments).communicate)
        assert other == ("", f"error: {socket_path}: another server listens there; stop it first\n")
        process.send_signal(signal.SIGTERM)
        assert (await until_closed(session))[-1] == Closed("a", CloseReason.SHUTDOWN)
    assert await asyncio.to_thread(process.communicate) == ("", "")
    assert process.returncode == 0
    with pytest.raises(FileNotFoundError):
        mode(socket_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--socket", "s", "--slots", "0"], "--slots 0: a server needs at least one slot"),
        (["--socket", "s", "--model", "no/such"], "error: no/such: no such directory"),
        (["--model", "nano"], "the following arguments are required: --socket"),
    ],
)
def test_a_server_that_cannot_start(arguments: list[str], message: str) -> None:
    process = server(*arguments)
    said, complaint = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert said == ""
    assert message in complaint
    assert "Traceback" not in complaint


def test_the_url_names_it() -> None:
    assert isinstance(open_runtime("local:nano"), LocalRuntime)
