"""Outputs that cannot be written: found out early, told in one line, and none costs another."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import termios
import wave
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from interject.cli.bench.plot import draw_histograms
from interject.cli.listen.request import read_request
from interject.cli.listen.running import run
from interject.cli.output.event_lines import EventLines
from interject.cli.process.failures import InputFailure
from interject.integrations.livekit.jobs.visitor import VisitorEvent
from tests.cli.command_process import DEFAULTS, ROOT, listening, started
from tests.cli.fake_runtime import LoudnessRuntime
from tests.cli.sounds import RATE_HZ, read_stereo, room, write_wav
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from interject.cli.listen.request import ListenRequest
    from interject.model_runtime.protocol import Runtime
    from tests.cli.conftest import Outcome

ENCODINGS = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "iso-8859-1:strict"},
    {"PYTHONIOENCODING": "utf-8:strict"},
    {"PYTHONIOENCODING": "utf-16"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LC_ALL": "POSIX"},
    {"LC_ALL": "de_DE.ISO-8859-1"},
]
PIPE_BYTES = 4_096


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "room.wav", room(4.0, loud_at_s=(2.0,)))


def request(**given: Any) -> ListenRequest:
    return read_request(**{**DEFAULTS, **given})


def listen(
    runtime: LoudnessRuntime, meanwhile: Callable[[], object] = lambda: None, **given: Any
) -> int:
    """`meanwhile` happens after everything was checked."""

    async def opener(_url: str) -> Runtime:
        meanwhile()
        return runtime

    return run(request(**given), opener=opener)


def last(text: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(text.splitlines()[-1])
    return told


# Names


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("Ba$$in.wav", ".png"),
        ("Ba$$in.wav", ".pdf"),
        ("$x_{.wav", ".png"),
        ("two\nlines.wav", ".png"),
        ("\udcfc.wav", ".png"),
        ("\x01.wav", ".svg"),
        ("\N{SMILING FACE WITH SUNGLASSES}.wav", ".png"),
        ("x" * 250 + ".wav", ".png"),
    ],
)
def test_any_name_is_a_title(
    tmp_path: Path, sound: Path, capsys: pytest.CaptureFixture[str], name: str, suffix: str
) -> None:
    source = tmp_path / name
    source.write_bytes(sound.read_bytes())
    plot = tmp_path / f"plot{suffix}"
    assert listen(LoudnessRuntime(), source=str(source), plot=str(plot)) == 0
    told = capsys.readouterr()
    assert plot.stat().st_size > 1_000
    assert last(told.out)["chunks"] == 10
    assert told.err == ""


def test_any_runtime_is_the_title_of_a_load(tmp_path: Path) -> None:
    figure = draw_histograms([], title="2 sessions, embedded:/models/Ba$$in", limits_ms=[])
    figure.savefig(tmp_path / "load.png")


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "unheard-of"])
def test_a_picture_needs_no_backend_of_the_environment(
    tmp_path: Path, sound: Path, backend: str
) -> None:
    """Notebooks pass theirs on to every command, which may be installed elsewhere."""
    plot = tmp_path / "plot.png"
    variables = {"MPLBACKEND": backend}
    with listening(source=str(sound), plot=str(plot), variables=variables) as process:
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, b"")
    assert plot.stat().st_size > 1_000


# Later failures


def test_a_picture_that_fails_costs_nothing_else(
    tmp_path: Path, sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "pictures", tmp_path / "out.wav"
    plot = folder / "plot.png"
    folder.mkdir()
    given = {"source": str(sound), "plot": str(plot), "out": str(out)}
    assert listen(LoudnessRuntime(), lambda: shutil.rmtree(folder), **given) == 2
    told = capsys.readouterr()
    assert last(told.out)["chunks"] == 10
    assert len(read_stereo(out)) >= 4 * RATE_HZ
    assert told.err == (
        f"interject: --plot {plot}: could not be written (no such file or directory)\n"
    )


def test_a_disk_that_gets_full_costs_the_rest_of_the_recording(
    tmp_path: Path, sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, plot = tmp_path / "out.wav", tmp_path / "plot.png"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    smaller = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (100_002, before[1]))
    try:
        code = listen(LoudnessRuntime(), smaller, source=str(sound), out=str(out), plot=str(plot))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    told = capsys.readouterr()
    assert code == 2
    assert told.err == f"interject: --out {out}: could not be written (file too large)\n"
    assert last(told.out)["chunks"] == 10
    assert plot.exists()
    with wave.open(str(out)) as file:
        assert file.getnframes() == (100_002 - 44) // 4
        left = np.frombuffer(file.readframes(file.getnframes()), "<i2")[::2]
    np.testing.assert_array_equal(left, room(4.0, loud_at_s=(2.0,))[: len(left)])


def test_a_full_disk_is_found_out_before_anything_is_heard(
    sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runtime = LoudnessRuntime()
    with pytest.raises(OSError, match="/dev/full"):
        listen(runtime, source=str(sound), out="/dev/full")
    assert runtime.sessions[0].seqs == []
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("redirected", ["> /dev/full", ">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_standard_stream_that_is_closed_or_full(
    tmp_path: Path, sound: Path, redirected: str
) -> None:
    out, plot = tmp_path / "out.wav", tmp_path / "plot.png"
    given: dict[str, Any] = {"source": str(sound), "out": str(out), "plot": str(plot)}
    with listening(redirected=redirected, **given) as process:
        told, errors = process.communicate(timeout=50)
    full = "full" in redirected
    assert process.returncode == (2 if full else 0), errors
    assert len(read_stereo(out)) >= 4 * RATE_HZ
    assert plot.read_bytes().startswith(b"\x89PNG")
    wanted = "interject: standard output: could not be written (no space left on device)\n"
    assert errors.decode() == (wanted if full else "")
    if ">" not in redirected.replace("2>", ""):
        assert last(told.decode())["chunks"] == 10


@pytest.mark.parametrize("words", [["--version"], ["--help"]])
@pytest.mark.parametrize(("redirected", "code"), [("> /dev/full", 2), (">&-", 0)])
def test_every_command_stands_a_closed_or_full_output(
    words: list[str], redirected: str, code: int
) -> None:
    command = ["sh", "-c", f'exec "$@" {redirected}', "sh", sys.executable, "-m", "interject.cli"]
    with started([*command, *words]) as process:
        _, errors = process.communicate(timeout=50)
    assert process.returncode == code, errors
    assert errors.decode().count("\n") == 1
    assert errors.startswith(b"interject: ")
    assert b"standard output" in errors


@pytest.mark.parametrize("unbuffered", ["", "1"])
async def test_a_slow_reader_of_a_non_blocking_pipe_loses_nothing(
    tmp_path: Path, unbuffered: str
) -> None:
    source = write_wav(tmp_path / "room.wav", room(40.0))
    told, errors = await read_late(source, {"PYTHONUNBUFFERED": unbuffered})
    assert errors == b""
    assert last(told.decode())["chunks"] == 100
    assert told.count(b'"decision"') == 200


async def read_late(source: Path, variables: dict[str, str]) -> tuple[bytes, bytes]:
    """What is written into a pipe that its owner made non-blocking, once it had been full."""
    make = f"os.set_blocking(1, False); fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, {PIPE_BYTES})"
    script = f"import fcntl, os, sys; {make}; os.execv(sys.executable, sys.argv[1:])"
    given = json.dumps({**DEFAULTS, "source": str(source), "endless": False})
    run_it = [sys.executable, "-m", "tests.cli.command_process", given]
    with started([sys.executable, "-c", script, *run_it], variables) as process:
        assert process.stdout is not None
        pipe = process.stdout.fileno()
        await until(lambda: waiting_bytes(pipe) > PIPE_BYTES - 400, "a full pipe")
        told, errors = process.communicate(timeout=50)
    assert process.returncode == 0
    return told, errors


def waiting_bytes(pipe: int) -> int:
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


# Encodings


@pytest.mark.parametrize("variables", ENCODINGS)
def test_a_table_in_any_encoding(tmp_path: Path, sound: Path, variables: dict[str, str]) -> None:
    with listening(source=str(sound), json=False, variables=variables) as process:
        told, errors = process.communicate(timeout=50)
    assert (process.returncode, errors) == (0, b"")
    text = told.decode("utf-16" if "utf-16" in str(variables) else "utf-8")
    assert "heard 4.0 s in 10 chunks" in text


@pytest.mark.parametrize("variables", ENCODINGS[:2])
def test_json_loses_nothing_in_another_encoding(
    tmp_path: Path, sound: Path, variables: dict[str, str]
) -> None:
    name = tmp_path / "Gr\u00fc\u00dfe \N{SMILING FACE WITH SUNGLASSES}.wav"
    name.write_bytes(sound.read_bytes()[:-64_000])
    with listening(source=str(name), variables=variables) as process:
        told, _ = process.communicate(timeout=50)
    assert process.returncode == 0
    assert name.name in last(told.decode("ascii"))["notices"][0]


@pytest.mark.parametrize("variables", ENCODINGS)
def test_a_mark_that_the_encoding_lacks_is_replaced(variables: dict[str, str]) -> None:
    code = (
        "import sys\n"
        "from interject.cli.process.standard_streams import prepare\n"
        "prepare()\n"
        "for out in (sys.stdout, sys.stderr):\n"
        "    out.write('chat: \\U0001F600 \\udcfc end\\n')\n"
    )
    with started([sys.executable, "-c", code], variables) as process:
        told, errors = process.communicate(timeout=50)
    assert process.returncode == 0, errors
    for text in (told, errors):
        assert text.replace(b"\0", b"").rstrip().endswith(b"end")


# Targets


def test_two_options_name_one_file(tmp_path: Path, sound: Path) -> None:
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "both.png")
    with pytest.raises(InputFailure, match="--plot and --out: name one file"):
        request(source=str(sound), plot=str(tmp_path / "both.png"), out=str(link))


@pytest.mark.parametrize(
    ("out", "why"),
    [
        ("x" * 300 + ".wav", "file name too long"),
        ("room.wav/out.wav", "cannot be written"),
        ("loop.wav", "too many levels of symbolic links"),
        ("/proc/version/out.wav", "cannot be written"),
        ("/sys/out.wav", "cannot be written"),
    ],
)
def test_an_output_that_cannot_be_begun(
    tmp_path: Path, sound: Path, monkeypatch: pytest.MonkeyPatch, out: str, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    with pytest.raises(InputFailure, match=why) as failure:
        request(source=str(sound), out=out)
    assert str(failure.value).startswith(f"--out {out}: ")


def test_checking_leaves_things_as_they_were(tmp_path: Path, sound: Path) -> None:
    kept, link = tmp_path / "kept.wav", tmp_path / "link.wav"
    kept.write_bytes(b"earlier")
    link.symlink_to(tmp_path / "not yet.wav")
    for out in (kept, link, tmp_path / "new.wav"):
        request(source=str(sound), out=str(out))
    assert kept.read_bytes() == b"earlier"
    assert link.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.wav", "link.wav", "room.wav"]


def test_a_recording_into_a_pipe(tmp_path: Path, sound: Path) -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as pipe, ThreadPoolExecutor(1) as pool:
        data = pool.submit(pipe.read)
        assert listen(LoudnessRuntime(), source=str(sound), out=f"/dev/fd/{writer}") == 0
        os.close(writer)
        with wave.open(io.BytesIO(data.result())) as file:
            left = np.frombuffer(file.readframes(10**6), "<i2")[::2]
    np.testing.assert_array_equal(left[: 4 * RATE_HZ], room(4.0, loud_at_s=(2.0,)))


@pytest.mark.parametrize("words", [["doctor"], ["--help"], ["worker", "--help"], ["--version"]])
def test_a_reader_that_leaves_is_no_defect(words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "interject.cli", *words]
    with os.fdopen(writer, "wb") as out:
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, cwd=ROOT, check=False)
    assert done.stderr == b"interject: the output pipe was closed; stopped there\n"
    assert done.returncode == 2


@pytest.mark.parametrize("words", [["doctor"], ["ask", "a.wav", "what?"], ["worker"], ["bench"]])
def test_a_working_folder_that_is_gone(tmp_path: Path, words: list[str]) -> None:
    command = [sys.executable, "-m", "interject.cli", *words]
    gone = tmp_path / "gone"
    gone.mkdir()
    script = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", str(gone), *command], capture_output=True, check=False
    )
    assert done.stderr == (
        b"interject: the working folder no longer exists; change to another one\n"
    )
    assert done.returncode == 2


def test_standard_input_is_not_overwritten(sound: Path) -> None:
    before = sound.read_bytes()
    words = [sys.executable, "-m", "interject.cli", "listen", "-", "--out", str(sound)]
    with sound.open("rb") as file:
        done = subprocess.run(words, stdin=file, capture_output=True, cwd=ROOT, check=False)
    assert done.returncode == 2
    assert re.fullmatch(rb"interject: --out .* would overwrite the sound .*\n", done.stderr)
    assert sound.read_bytes() == before


# Names on the command line


def test_a_name_that_begins_with_a_dash(
    tmp_path: Path, sound: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch,
    interject: Callable[..., Outcome],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for name in ("-x.wav", "--x.wav", "-", "--json"):
        (tmp_path / name).write_bytes(sound.read_bytes())
    for name in ("-x.wav", "--x.wav"):
        outcome = interject("listen", name, "--json", "--model", str(checkpoint))
        assert outcome.code == 0, outcome.err
        assert last(outcome.out)["chunks"] == 10
    assert "No such option: --gone.wav" in interject("listen", "--gone.wav").err


# What happens in a room


def test_a_room_that_nobody_reads_of_is_left() -> None:
    stopped: list[bool] = []
    reader, writer = os.pipe()
    os.close(reader)
    out = os.fdopen(writer, "w")
    lines = EventLines(out, as_json=False, stop=lambda: stopped.append(True))
    for _ in range(3):
        lines.show(VisitorEvent(1.0, "chat", {"text": "hello"}))
    assert stopped == [True]
    assert isinstance(lines.failure, BrokenPipeError)
    with contextlib.suppress(BrokenPipeError):
        out.close()


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "utf-8"])
def test_an_emoji_in_the_chat(encoding: str, as_json: bool) -> None:
    text = "well done \N{PARTY POPPER}"
    data = io.BytesIO()
    out = io.TextIOWrapper(data, encoding=encoding, errors="replace")
    lines = EventLines(out, as_json=as_json, stop=lambda: None)
    lines.show(VisitorEvent(1.0, "chat", {"text": text}))
    told = data.getvalue().decode(encoding)
    if as_json:
        assert json.loads(told)["text"] == text
    else:
        assert told.rstrip().endswith(text if encoding == "utf-8" else "well done ?")
