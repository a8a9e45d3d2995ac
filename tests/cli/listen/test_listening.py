from __future__ import annotations

import json
import re
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from interject.cli.listen.request import read_prompt_ids, read_request
from interject.cli.listen.running import run
from interject.cli.output.plot import SUFFIXES
from interject.cli.process.failures import InputFailure
from interject.model_runtime.protocol import FloorMode
from tests.cli.command_process import DEFAULTS, listening
from tests.cli.fake_runtime import LoudnessRuntime
from tests.cli.sounds import RATE_HZ, read_stereo, room, write_sparse_wav, write_wav
from tests.fakes.runtime import FakeRuntime, Scripted

if TYPE_CHECKING:
    from interject.cli.listen.request import ListenRequest
    from interject.model_runtime.protocol import Runtime

LOUD_AT_S = (2.0, 6.0)
needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here")


def request(**given: Any) -> ListenRequest:
    return read_request(**{**DEFAULTS, **given})


def listen(runtime: LoudnessRuntime | FakeRuntime, **given: Any) -> int:
    async def opener(_url: str) -> Runtime:
        return runtime

    return run(request(**given), opener=opener)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "room.wav", room(10.0, loud_at_s=LOUD_AT_S))


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_json_tells_every_event(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert listen(LoudnessRuntime(), source=str(sound)) == 0
    told = events(capsys.readouterr().out)
    decisions = [event for event in told if event["event"] == "decision"]
    assert [event["chunk"] for event in decisions] == list(range(25))
    assert [event["time"] for event in decisions if event["decision"] == "respond"] == [2.4, 6.4]
    assert decisions[0] == {
        "event": "decision",
        "chunk": 0,
        "time": 0.4,
        "silent_logit": 2.0,
        "respond_logit": 0.0,
        "p_respond": 0.12,
        "decision": "silent",
        "level_dbfs": pytest.approx(-44.3, abs=0.3),
    }
    ended = [event for event in told if event["event"] == "reply_ended"]
    assert [event["token_ids"] for event in ended] == [[0, 1, 2, 3]] * 2
    assert ended[0]["text"] == "I heard something loud."
    assert ended[0]["reason"] == "complete"
    deltas = [event for event in told if event["event"] == "reply_delta"]
    assert [one for delta in deltas for one in delta["token_ids"]] == [0, 1, 2, 3] * 2
    assert told[-2]["event"] == "closed"
    assert told[-1]["event"] == "summary"
    assert (told[-1]["chunks"], told[-1]["replies"], told[-1]["heard_s"]) == (25, 2, 10.0)


def test_the_table_has_a_row_for_every_chunk(
    sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listen(LoudnessRuntime(), source=str(sound), json=False)
    rows = capsys.readouterr().out.splitlines()
    assert len([row for row in rows if "silent" in row]) == 23
    answered = [row for row in rows if "respond " in row]
    assert len(answered) == 2
    assert re.search(r"2\.4s .* 0\.880 +respond +\[normal\] I heard something loud\.", answered[0])
    assert "heard 10.0 s in 25 chunks, 2 replies" in rows[-1]
    assert "\x1b" not in "".join(rows)


@needs_espeak
def test_replies_sound_at_their_moment(sound: Path, tmp_path: Path) -> None:
    out, plot = tmp_path / "out.wav", tmp_path / "plot.png"
    assert listen(LoudnessRuntime(), source=str(sound), out=str(out), plot=str(plot)) == 0
    both = read_stereo(out)
    np.testing.assert_array_equal(both[:, 0], room(10.0, loud_at_s=LOUD_AT_S))
    spoken = np.flatnonzero(np.abs(both[:, 1]) > 500) / RATE_HZ
    assert spoken[0] == pytest.approx(2.4, abs=0.15)
    assert spoken[spoken > 5][0] == pytest.approx(6.4, abs=0.15)
    assert not np.any((spoken > 4.5) & (spoken < 6.4))
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("mode", [FloorMode.OBSERVE, FloorMode.ASSIST])
def test_only_speak_mode_makes_a_sound(sound: Path, tmp_path: Path, mode: FloorMode) -> None:
    profile = tmp_path / "quiet.yaml"
    profile.write_text(f"name: quiet\nsystem_prompt: Listen.\nmode: {mode}\n")
    out = tmp_path / "o.wav"
    listen(LoudnessRuntime(), source=str(sound), out=str(out), profile=str(profile))
    assert not read_stereo(out)[:, 1].any()


def test_the_request_reaches_the_session(sound: Path, tmp_path: Path) -> None:
    ids = tmp_path / "ids.json"
    ids.write_text("[5, 6,\n7]")
    runtime = LoudnessRuntime()
    given = {"threshold": 0.7, "prompt_ids": str(ids), "max_reply_tokens": 12}
    listen(runtime, source=str(sound), **given)
    options = runtime.sessions[0].options
    assert options.prompt_ids == (5, 6, 7)
    assert options.threshold == 0.7
    assert options.max_reply_tokens == 12
    assert runtime.sessions[0].seqs == list(range(25))


def test_every_run_is_a_session_of_its_own(sound: Path) -> None:
    """Else a second one on a Redis is refused, or goes on with what a killed one heard."""
    runtime = LoudnessRuntime()
    for _ in range(2):
        listen(runtime, source=str(sound))
    first, second = (session.session_id for session in runtime.sessions)
    assert first != second


def test_real_time_takes_real_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound = write_wav(tmp_path / "short.wav", room(1.2))
    listen(LoudnessRuntime(), source=str(sound), speed="realtime")
    assert events(capsys.readouterr().out)[-1]["wall_s"] >= 1.2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"speed": "fast"}, "--speed fast: must be"),
        ({"threshold": 1.5}, "--threshold 1.5: must lie between 0 and 1"),
        ({"threshold": float("nan")}, "--threshold nan"),
        ({"max_reply_tokens": 0}, "--max-reply-tokens 0"),
        ({"prompt_ids": "1,two"}, "'two' is no token id"),
        ({"prompt_ids": ""}, "is no token id"),
        ({"plot": "picture.txt"}, "must end in .png"),
        ({"out": "."}, "is a folder"),
    ],
)
def test_bad_options_are_refused(sound: Path, given: dict[str, Any], words: str) -> None:
    with pytest.raises(InputFailure, match=re.escape(words)):
        request(source=str(sound), **given)


@pytest.mark.parametrize("option", ["out", "plot"])
def test_the_source_is_never_overwritten(tmp_path: Path, option: str) -> None:
    sound = write_wav(tmp_path / "room.png", room(1.0))
    before = sound.read_bytes()
    with pytest.raises(InputFailure, match="would overwrite"):
        request(source=str(sound), **{option: str(sound)})
    assert sound.read_bytes() == before


@pytest.mark.parametrize("option", ["out", "plot"])
def test_a_folder_that_is_not_there_is_named_and_not_made(
    sound: Path, tmp_path: Path, option: str
) -> None:
    folder = tmp_path / "no" / "such"
    with pytest.raises(InputFailure, match=f"there is no folder {folder}; make it first"):
        request(source=str(sound), **{option: str(folder / "x.png")})
    assert not folder.parent.exists()


def test_the_page_names_every_kind_of_picture() -> None:
    page = (Path(__file__).parents[3] / "docs" / "listen.md").read_text("utf-8")
    (named,) = re.findall(r"^\| `--plot FILE` \| (.*), as the name ends", page, re.MULTILINE)
    kinds = set(re.split(r", | or ", named.lower()))
    assert kinds | {"jpg"} == {suffix.removeprefix(".") for suffix in SUFFIXES}


def test_prompt_ids_in_any_spelling_and_number() -> None:
    assert len(read_prompt_ids(",".join(["1234"] * 2_000))) == 2_000
    assert read_prompt_ids("1,2, 3") == read_prompt_ids("[1, 2, 3]") == (1, 2, 3)


@needs_espeak
def test_ctrl_c_ends_the_reply_and_writes_the_files(sound: Path, tmp_path: Path) -> None:
    out, plot = tmp_path / "out.wav", tmp_path / "plot.png"
    with listening(source=str(sound), out=str(out), plot=str(plot), endless=True) as process:
        assert process.stdout is not None
        while b"loud." not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
    told = events(rest.decode())
    assert process.returncode == 130, errors
    assert [e["reason"] for e in told if e["event"] == "reply_ended"] == ["cancelled"]
    assert told[-1]["interrupted"] is True
    assert 2.4 <= len(read_stereo(out)) / RATE_HZ < 10
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert errors.decode() == "interject: interrupted\n"


def test_ctrl_c_while_standard_input_is_silent() -> None:
    with listening(source="-") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(room(1.0).tobytes())
        process.stdin.flush()
        assert b"decision" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130


def test_a_closed_output_pipe_ends_with_one_line_and_its_files(sound: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    with listening(source=str(sound), out=str(out), speed="realtime") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read().decode()
        assert process.wait(timeout=30) == 2
    assert errors == "interject: the output pipe was closed; stopped there\n"
    assert len(read_stereo(out)) >= 6_400


@pytest.mark.timeout(180)
def test_ten_gigabytes_take_constant_memory(tmp_path: Path) -> None:
    sound = write_sparse_wav(tmp_path / "huge.wav", 10 * 10**9)
    resident = []
    with listening(source=str(sound), plot=str(tmp_path / "plot.png")) as process:
        assert process.stdout is not None
        for chunk in range(6_000):
            assert b"decision" in process.stdout.readline()
            if chunk in (1_000, 5_999):
                resident.append(resident_bytes(process.pid))
        process.stdout.close()
        assert process.wait(timeout=30) == 2
    assert resident[1] - resident[0] < 20e6
    assert resident[1] < 400e6


def resident_bytes(pid: int) -> int:
    return psutil.Process(pid).memory_info().rss


@pytest.fixture
def copilot(tmp_path: Path) -> Path:
    path = tmp_path / "copilot.yaml"
    path.write_text(
        "system_prompt: listen\nmode: assist\noutputs: [cue]\n"
        "cue:\n  categories:\n    offer: {cooldown_s: 4, priority: 900}\n"
    )
    return path


def test_cues_are_shown_by_the_profile_s_rules_on_the_stream_s_own_time(
    sound: Path, copilot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    offer = Scripted("[offer] Give her the discount.")
    script = {4: offer, 9: offer, 14: offer, 16: Scripted("Ask for the number.")}
    given = {"source": str(sound), "profile": str(copilot)}
    assert listen(FakeRuntime(script), json=True, **given) == 0
    cues = [event for event in events(capsys.readouterr().out) if event["event"] == "cue"]
    assert [(cue["chunk"], cue["category"], cue["priority"], cue["text"]) for cue in cues] == [
        (4, "offer", 900, "Give her the discount."),
        (14, "offer", 900, "Give her the discount."),
        (16, "note", 500, "Ask for the number."),
    ]
    assert listen(FakeRuntime(script), json=False, **given) == 0
    table = capsys.readouterr().out
    assert "[offer]" not in table
    assert "2.0s  cue  offer 900  Give her the discount.\n" in table
    assert "6.0s  cue  offer 900  Give her the discount. (2 times)\n" in table


def test_a_checklist_ticks_itself_and_what_is_open_is_told_at_the_end(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = tmp_path / "list.yaml"
    profile.write_text("system_prompt: a\nchecklist: {items: {hello: Greets, bye: Thanks}}\n")
    script = {4: Scripted("[done hello]"), 9: Scripted("Well. [done hello]")}
    given = {"source": str(sound), "profile": str(profile)}
    assert listen(FakeRuntime(script), json=True, **given) == 0
    told = [one for one in events(capsys.readouterr().out) if one["event"] == "checklist"]
    assert [(one["ticked"], one["over"]) for one in told] == [
        ([], False),
        (["hello"], False),
        ([], True),
    ]
    assert [item["chunk"] for item in told[-1]["items"]] == [4, None]
    assert listen(FakeRuntime(script), json=False, **given) == 0
    table = capsys.readouterr().out
    assert "2.0s  done: Greets\n" in table
    assert table.count("Greets") == 1
    assert "open: Thanks\n" in table


def test_a_summary_is_written_as_json_or_as_a_page(
    sound: Path, copilot: Path, tmp_path: Path
) -> None:
    offer = Scripted("[offer] Give her the discount.")
    given = {"source": str(sound), "profile": str(copilot)}
    for name in ("end.json", "end.md"):
        runtime = FakeRuntime({4: offer, 9: offer})
        assert listen(runtime, summary=str(tmp_path / name), **given) == 0
    summary = json.loads((tmp_path / "end.json").read_text())
    assert [(cue["chunk"], cue["became"]) for cue in summary["cues"]] == [
        (4, "shown"),
        (9, "cooldown"),
    ]
    assert (summary["profile"], summary["seconds"]) == ("copilot", 10.0)
    page = (tmp_path / "end.md").read_text()
    assert page.startswith("# Call ")
    assert "- 0:04 offer (cooldown): Give her the discount.\n" in page
    with pytest.raises(InputFailure, match=r"the name must end in \.json or \.md"):
        request(source=str(sound), summary="end.txt")
