"""SIGINT, SIGTERM and SIGHUP at every moment of `listen`: the files and the summary are written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from interject.cli.input.sources import RawShape, standard_input
from interject.cli.listen.request import read_request
from interject.cli.listen.running import run
from interject.cli.process.failures import EXIT_INTERRUPTED
from interject.cli.process.signals import STOPPING, StopSignals
from tests.cli.command_process import DEFAULTS, listening
from tests.cli.fake_runtime import LoudnessRuntime
from tests.cli.sounds import RATE_HZ, read_stereo, room, write_wav

if TYPE_CHECKING:
    from pathlib import Path

    from interject.model_runtime.protocol import Runtime

WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "stopped by SIGTERM"}


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "room.wav", room(4.0, loud_at_s=(2.0,)))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    return {"out": str(tmp_path / "out.wav"), "plot": str(tmp_path / "plot.png")}


def summary(text: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(text.splitlines()[-1])
    assert told["event"] == "summary"
    return told


def wait_for_file(path: Path, process: subprocess.Popen[bytes]) -> None:
    """Until it stays: before that it is only tried whether it could be written."""
    seen = 0
    while seen < 10 and process.poll() is None:
        seen = seen + 1 if path.exists() else 0
        time.sleep(0.01)


@pytest.mark.parametrize("number", STOPPING)
def test_in_the_middle_of_a_reply(
    sound: Path, tmp_path: Path, files: dict[str, Any], number: signal.Signals
) -> None:
    with listening(source=str(sound), endless=True, **files) as process:
        assert process.stdout is not None
        while b"loud." not in process.stdout.readline():
            pass
        process.send_signal(number)
        rest, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert errors.decode() == f"interject: {WORDS.get(number, 'stopped by SIGHUP')}\n"
    assert summary(rest.decode())["interrupted"] is True
    assert len(read_stereo(tmp_path / "out.wav")) / RATE_HZ >= 2.4
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_before_anything_was_heard(tmp_path: Path, files: dict[str, Any]) -> None:
    with listening(source="-", **files) as process:
        wait_for_file(tmp_path / "out.wav", process)
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=30)
    assert process.returncode == 143
    assert summary(told.decode())["heard_s"] == 0.0
    assert read_stereo(tmp_path / "out.wav").shape == (0, 2)
    assert (tmp_path / "plot.png").exists()


class SignallingRuntime(LoudnessRuntime):
    """Somebody stops the process when everything was heard."""

    async def aclose(self) -> None:
        await super().aclose()
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("stage", ["opening", "closing"])
def test_while_the_runtime_is_opened_or_closed(
    sound: Path,
    tmp_path: Path,
    files: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    stage: str,
) -> None:
    async def opener(_url: str) -> Runtime:
        if stage == "closing":
            return SignallingRuntime()
        os.kill(os.getpid(), signal.SIGTERM)
        return LoudnessRuntime()

    asked = read_request(**{**DEFAULTS, "source": str(sound), **files})
    assert run(asked, opener=opener) == 143
    told = capsys.readouterr()
    assert told.err == "interject: stopped by SIGTERM\n"
    heard_s = 4.0 if stage == "closing" else 0.0
    assert summary(told.out)["heard_s"] == heard_s
    assert len(read_stereo(tmp_path / "out.wav")) >= heard_s * RATE_HZ
    assert (tmp_path / "plot.png").exists()


def test_the_second_signal_ends_the_process_at_once() -> None:
    code = (
        "import os, signal, sys\n"
        "from interject.cli.process.signals import StopSignals\n"
        "times = iter([5.0, 5.1, 5.5])\n"
        "with StopSignals(lambda: next(times)):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('asked', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
        "    print('never')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (129, "asked\n"), done.stderr


def test_a_hangup_that_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
        assert signals.received is None
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in STOPPING]
    with StopSignals():
        pass
    assert [signal.getsignal(number) for number in STOPPING] == before


@pytest.mark.parametrize("module", ["interject.cli.process.failures", "interject.cli.commands"])
def test_ctrl_c_while_modules_are_imported_shows_no_traceback(module: str) -> None:
    code = (
        "import os, signal, sys\n"
        "class Hook:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Hook())\n"
        "from interject.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


@pytest.mark.parametrize("number", STOPPING)
def test_while_a_pipe_says_nothing_after_its_first_bytes(
    tmp_path: Path, files: dict[str, Any], number: signal.Signals
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    os.write(writer, write_wav(tmp_path / "a.wav", room(1.0)).read_bytes()[:30])
    with listening(source=str(pipe), **files) as process:
        wait_for_file(tmp_path / "out.wav", process)
        process.send_signal(number)
        told, errors = process.communicate(timeout=30)
    os.close(writer)
    assert process.returncode == 128 + number
    assert summary(told.decode())["interrupted"] is True
    assert b"Traceback" not in errors


def test_ctrl_c_while_ffmpeg_reads_is_not_lost(tmp_path: Path) -> None:
    data = write_wav(tmp_path / "a.wav", room(1.0)).read_bytes()
    reader, writer = os.pipe()
    os.write(writer, data[:5_000])
    source = standard_input(reader, RawShape())
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            for _ in source.blocks():
                pass
    finally:
        signal.signal(signal.SIGINT, before)
        os.close(writer)


def test_ctrl_c_while_the_command_line_is_read_is_one_line() -> None:
    code = (
        "import os, signal, typer.main\n"
        "typer.main.get_command = lambda *_: os.kill(os.getpid(), signal.SIGINT)\n"
        "from interject.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (EXIT_INTERRUPTED, b"")
    assert done.stderr == b"interject: interrupted\n"
