from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from interject.cli.eval.hearing import hear
from interject.cli.eval.request import read_request
from interject.cli.eval.running import run
from interject.cli.process.failures import EXIT_INTERRUPTED
from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Decision,
    FloorMode,
    Gap,
    GapReason,
    SessionOptions,
)
from interject.training.sound_benchmark.scoring import ItemOutcome
from interject.training.sound_benchmark.self_made import write_self_made
from tests.cli.fake_runtime import LoudnessRuntime, LoudnessSession
from tests.cli.sounds import room, write_wav
from tests.fakes.model_server import ModelServer, Received, Scripted, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from interject.cli.eval.request import SoundsRequest
    from interject.model_runtime.protocol import Event, Frame
    from tests.cli.conftest import Outcome

    Call = Callable[..., Outcome]

LOUD = room(1.6, loud_at_s=(0.8,))
FAINT = room(1.6)


class RecordingRuntime(LoudnessRuntime):
    """Keeps all that it is ever told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[SessionOptions] = []

    async def open(self, options: SessionOptions) -> LoudnessSession:
        self.told.append(options)
        return await super().open(options)


class ScriptedSession(LoudnessSession):
    """Answers each frame with the next of these events, or with nothing."""

    def __init__(self, options: SessionOptions, script: list[Event | None]) -> None:
        super().__init__(options, endless=False)
        self._script = script

    async def push(self, frame: Frame) -> None:
        event = self._script.pop(0) if self._script else None
        if event is not None:
            self._put(event)

    async def finish(self) -> None:
        return

    async def events(self) -> AsyncIterator[Event]:
        while (event := await self._events.get()) is not None:
            yield event


class ScriptedRuntime(LoudnessRuntime):
    def __init__(self, *script: Event | None) -> None:
        super().__init__()
        self._events = list(script)

    async def open(self, options: SessionOptions) -> LoudnessSession:
        session = ScriptedSession(options, self._events)
        self.sessions.append(session)
        return session


def decided(seq: int, *, respond: bool = False) -> Decision:
    return Decision("x", seq, 0.0, 0.0, 0.0, 0.5, respond, FloorMode.SPEAK)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three clips, two of them loud; the fake runtime responds to what is loud."""
    clips = tmp_path / "clips"
    for place, sound in {
        "Equipment/House/RESPOND/00000001": LOUD,
        "Human/Emotion/RESPOND/00000002": FAINT,
        "Human/Emotion/IGNORE/00000003": FAINT,
        "Daily/Affairs/IGNORE/00000004": LOUD,
    }.items():
        path = clips / f"{place}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_wav(path, sound)
    return clips


def request(folder: Path, **changes: Any) -> SoundsRequest:
    given: dict[str, Any] = {
        "folder": str(folder), "out": str(folder.parent / "report"), "runtime_url": "fake:",
        "tier": "both", "joined": 2, "seed": 0, "tail_s": 0.4, "profile": "default",
        "threshold": None, "sessions": 2,
    }  # fmt: skip
    return read_request(**{**given, **changes})


async def test_a_stream_is_heard_up_to_its_first_reply() -> None:
    runtime = LoudnessRuntime()
    heard = await hear(runtime, SessionOptions("x"), LOUD)
    assert (heard.outcome, heard.chunk, heard.chunks) == (ItemOutcome.RESPOND, 2, 4)
    assert heard.reply == "I heard something loud."
    assert runtime.sessions[0].seqs == [0, 1, 2]


async def test_a_stream_without_a_response_is_heard_to_its_end() -> None:
    runtime = LoudnessRuntime()
    heard = await hear(runtime, SessionOptions("x"), FAINT[:-1])
    assert (heard.outcome, heard.chunk, heard.problem) == (ItemOutcome.IGNORE, None, "")
    assert runtime.sessions[0].seqs == [0, 1, 2, 3]
    assert heard.most_p_respond == 0.12


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ([decided(0), None], "nothing came for 0.05 s"),
        ([decided(0), Gap("x", 1, 2, GapReason.OVERLOAD)], "2 chunks from 1 on were not heard"),
        (
            [Closed("x", CloseReason.FAILURE, "no memory")],
            "the session closed (failure): no memory",
        ),
        ([decided(0, respond=True)], "nothing came for 0.05 s"),
    ],
)
async def test_what_was_not_decided_to_the_end_is_missing(
    events: list[Event | None], problem: str
) -> None:
    runtime = ScriptedRuntime(*events)
    heard = await hear(runtime, SessionOptions("x"), FAINT, longest_wait_s=0.05)
    assert (heard.outcome, heard.problem) == (ItemOutcome.MISSING, problem)


def test_a_run_writes_a_report_of_every_item(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = request(folder)
    assert run(asked, opener=lambda _: RecordingRuntime()) == 0
    told = json.loads((asked.out / "report.json").read_text())
    single = {item["id"]: item["outcome"] for item in told["items"] if item["tier"] == "single"}
    assert single == {
        "00000001": "RESPOND", "00000002": "IGNORE", "00000003": "IGNORE", "00000004": "RESPOND",
    }  # fmt: skip
    assert len(told["items"]) == 8
    page = (asked.out / "report.md").read_text()
    assert "| all | 4 | 2 | 50.0 [" in page
    assert page == capsys.readouterr().out
    assert (asked.out / "report.png").read_bytes().startswith(b"\x89PNG")


def test_a_model_is_told_nothing_but_the_sound(folder: Path) -> None:
    runtime = RecordingRuntime()
    run(request(folder), opener=lambda _: runtime)
    assert len(runtime.told) == 8
    for options in runtime.told:
        said = f"{options!r}".lower()
        for secret in ("0000000", "equipment", "emotion", "house", "ignore", ".wav", "clips"):
            assert secret not in said
    assert len({options.session_id for options in runtime.told}) == 8
    assert {options.system_prompt for options in runtime.told} == {
        request(folder).profile.system_prompt
    }


def test_silence_stands_behind_each_stream(folder: Path) -> None:
    for tail_s, chunks in ((0.0, 4), (0.4, 5)):
        runtime = RecordingRuntime()
        asked = request(folder, tier="single", tail_s=tail_s)
        run(asked, opener=lambda _, runtime=runtime: runtime)  # type: ignore[misc]
        assert max(len(session.seqs) for session in runtime.sessions) == chunks


def test_a_clip_that_cannot_be_read_is_missing_and_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "Human/Emotion/IGNORE/00000003.wav").write_bytes(b"no sound")
    asked = request(folder, tier="single")
    assert run(asked, opener=lambda _: LoudnessRuntime()) == 0
    outcomes = {
        item["id"]: item["outcome"]
        for item in json.loads((asked.out / "report.json").read_text())["items"]
    }
    assert outcomes["00000003"] == "MISSING"
    assert "00000003.wav" in capsys.readouterr().err
    assert "| Human | 2 | 1 | 0.0 [0.0, 0.0] |" in (asked.out / "report.md").read_text()


class InterruptedRuntime(LoudnessRuntime):
    """Somebody presses Ctrl-C when its second session is opened."""

    async def open(self, options: SessionOptions) -> LoudnessSession:
        if len(self.sessions) == 1:
            signal.raise_signal(signal.SIGINT)
        return await super().open(options)


def test_half_a_run_is_no_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = request(folder, sessions=1)
    runtime = InterruptedRuntime()
    assert run(asked, opener=lambda _: runtime) == EXIT_INTERRUPTED
    assert len(runtime.sessions) < len(asked.items)
    assert list(asked.out.iterdir()) == []
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "interject: interrupted\n")


def one_line(outcome: Outcome, *words: str) -> None:
    assert outcome.code == 2, outcome
    assert outcome.err.startswith("interject: ")
    assert outcome.err.count("\n") == 1
    for word in words:
        assert word in outcome.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--tier", "triple"), "--tier triple: must be single, multiple or both"),
        (("--joined", "1"), "1 clips cannot be joined"),
        (("--seed", "-1"), "--seed -1"),
        (("--tail-s", "nan"), "--tail-s nan"),
        (("--threshold", "2"), "--threshold 2"),
        (("--sessions", "0"), "--sessions 0"),
        (("--profile", "nobody"), "nobody"),
        (("--runtime", "telnet://x"), "not a runtime"),
    ],
)
def test_a_bad_option_is_one_clear_line(
    interject: Call, folder: Path, words: tuple[str, ...], told: str
) -> None:
    one_line(
        interject("eval", "sounds", str(folder), "--out", str(folder.parent / "r"), *words), told
    )


def test_a_bad_folder_is_one_clear_line(interject: Call, folder: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    one_line(interject("eval", "sounds", str(tmp_path / "gone"), "--out", out), "no such folder")
    one_line(interject("eval", "sounds", str(folder / "Human"), "--out", out), "folders deep")
    far = str(tmp_path / "a" / "b")
    one_line(interject("eval", "sounds", str(folder), "--out", far), "there is no folder")
    (tmp_path / "file").touch()
    taken = str(tmp_path / "file")
    one_line(interject("eval", "sounds", str(folder), "--out", taken), "is no folder")
    one_line(interject("eval", "compare", out, taken), "cannot be read")


@pytest.mark.timeout(180)
def test_nano_hears_clips_and_two_runs_of_it_differ_by_the_threshold_alone(
    interject: Call, tmp_path: Path
) -> None:
    clips, same, never = tmp_path / "clips", tmp_path / "same", tmp_path / "never"
    write_self_made(clips, a_class=1, seed=3)
    words = ("eval", "sounds", str(clips), "--tier", "single", "--device", "cpu")
    outcome = interject(*words, "--out", str(same))
    assert outcome.code == 0, outcome.err
    assert "| all | 16 | 6 |" in outcome.out
    silent = interject(*words, "--out", str(never), "--threshold", "1")
    assert "| all | 16 | 6 | 62.5 [" in silent.out
    assert "Not to be told from never speaking" in silent.out
    alike = interject("eval", "compare", str(same), str(same / "report.json"))
    assert (alike.code, alike.out.count("| yes |")) == (0, 0)
    assert "0 of 20 differences" in alike.out or "differences are beyond noise" in alike.out
    differing = interject("eval", "compare", str(same), str(never))
    assert "| single | all | 16 | respond recall | -" in differing.out


@pytest.fixture
def answers(folder: Path) -> Path:
    path = folder.parent / "answers.json"
    rows = [{"id": f"0000000{number}", "standard_answers": ["Look after it."]} for number in (1, 2)]
    path.write_text(json.dumps(rows))
    return path


def ranked(score: float) -> Scripted:
    """For two texts, as the probe has."""
    rows = [{"index": index, "relevance_score": score} for index in range(2)]
    return Scripted(json.dumps({"results": rows}).encode())


def by_size(request: Received) -> Scripted:
    rows = [{"index": n, "relevance_score": 0.9} for n in range(len(request.json["documents"]))]
    return Scripted(json.dumps({"results": rows}).encode())


def test_replies_are_held_against_the_standard_answers(folder: Path, answers: Path) -> None:
    with serving(ModelServer(respond=by_size)) as server:
        asked = request(folder, tier="single", answers=str(answers), reranker=server.url)
        assert run(asked, opener=lambda _: LoudnessRuntime()) == 0
    told = json.loads((asked.out / "report.json").read_text())
    scores = {item["id"]: item["semantic"] for item in told["items"]}
    assert scores == {"00000001": 0.9, "00000002": None, "00000003": None, "00000004": None}
    assert [each.json["query"] for each in server.received[1:]] == ["I heard something loud."]
    assert "With the words that are right, too" in (asked.out / "report.md").read_text()


def test_a_reranker_that_fails_costs_the_score_and_not_the_run(
    folder: Path, answers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(ModelServer([ranked(0.9), Scripted(b"<html>")])) as server:
        asked = request(folder, tier="single", answers=str(answers), reranker=server.url)
        assert run(asked, opener=lambda _: LoudnessRuntime()) == 2
    assert "the semantic score is left out" in capsys.readouterr().err
    told = json.loads((asked.out / "report.json").read_text())
    assert (told["reranker"], len(told["items"])) == ("", 4)


def test_a_reranker_that_cannot_be_used_is_told_before_anything_is_played(
    folder: Path, answers: Path, interject: Call
) -> None:
    words = ("eval", "sounds", str(folder), "--out", str(folder.parent / "r"))
    with serving(ModelServer([Scripted(status=401)])) as server:
        more = ("--answers", str(answers), "--reranker", server.url)
        one_line(interject(*words, *more), "refused the key (401)")
    one_line(interject(*words, "--answers", str(answers)), "needs both")
    one_line(
        interject(*words, "--answers", str(answers), "--reranker", "x"), "--reranker: base_url"
    )
    answers.write_text("[]")
    one_line(
        interject(*words, "--answers", str(answers), "--reranker", "http://127.0.0.1:9"),
        "no standard answer to the clip '00000001' (2 such)",
    )
