"""`interject eval stream`: streams and scenes played to a runtime, and what is made of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from interject.cli.eval.scene_playing import SceneSettings, play_scene
from interject.cli.eval.stream_hearing import hear_stream
from interject.cli.eval.stream_request import read_stream_request
from interject.cli.eval.stream_running import run_streams
from interject.cli.process.failures import EXIT_INTERRUPTED
from interject.config.loader import load_profile
from interject.model_runtime.protocol import Gap, GapReason
from interject.training.dataset.item_writer import write_items
from interject.training.streaming_benchmark.duplex_scene import DuplexScene, SceneKind, make_scenes
from interject.training.streaming_benchmark.stream_report import read_stream_report
from tests.cli.eval.test_eval import (
    InterruptedRuntime,
    RecordingRuntime,
    ScriptedRuntime,
    decided,
    one_line,
)
from tests.cli.fake_runtime import LoudnessRuntime
from tests.fakes.model_server import ModelServer, Scripted, said, serving
from tests.fakes.voice import FakeVoice
from tests.training.streaming_benchmark.streams import stream, tone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from interject.cli.eval.stream_request import StreamRequest
    from interject.training.streaming_benchmark.duplex_scores import PlayedScene
    from tests.cli.conftest import Outcome

    Call = Callable[..., Outcome]

PROFILE = load_profile("default")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Two streams with a loud turn, one of which is none to answer."""
    folder = tmp_path / "streams"
    write_items([stream("asked"), stream("other", asked=False)], folder, "public")
    return folder


def request(dataset: Path, **changes: Any) -> StreamRequest:
    given: dict[str, Any] = {
        "dataset": str(dataset), "out": str(dataset.parent / "report"), "runtime_url": "fake:",
        "profile": "default", "threshold": None, "target_false_per_hour": 5.0, "scenes": 2,
        "talk_over": True, "second_run": True, "seed": 0, "tail_s": 0.4, "sessions": 2,
    }  # fmt: skip
    return read_stream_request(**{**given, **changes})


def run(asked: StreamRequest, runtime: LoudnessRuntime) -> int:
    return run_streams(asked, opener=lambda _: runtime, voices=lambda _: FakeVoice())


async def test_a_stream_is_heard_to_its_end_with_every_reply() -> None:
    """Loud from 0.8 to 2.0 s: chunks 2, 3 and 4."""
    runtime = LoudnessRuntime()
    clock = iter(np.arange(0, 1_000, 0.25)).__next__
    played = await hear_stream(
        runtime, PROFILE, stream(), threshold=0.5, tail_s=0.4, clock=lambda: float(clock())
    )
    assert runtime.sessions[0].seqs == list(range(played.chunks)) == list(range(11))
    assert [reply.chunk for reply in played.heard] == [2, 3, 4]
    assert [due.chunk for due in played.due] == [4]
    assert played.p_respond == (0.12, 0.12, 0.88, 0.88, 0.88, *[0.12] * 6)
    assert {reply.first_word_s for reply in played.heard} == {0.25}
    assert played.problem == ""


async def test_what_was_not_heard_is_told() -> None:
    runtime = ScriptedRuntime(decided(0), Gap("x", 1, 3, GapReason.OVERLOAD))
    played = await hear_stream(runtime, PROFILE, stream(), threshold=0.5, tail_s=0.0)
    assert played.problem == "3 chunks from 1 on were not heard"
    assert played.p_respond[:3] == (0.5, None, None)
    silent = ScriptedRuntime()
    played = await hear_stream(
        silent, PROFILE, stream(), threshold=0.5, tail_s=0.0, longest_wait_s=0.02
    )
    assert played.problem == "nothing came for 0.02 s"


async def test_a_model_is_given_the_sound_and_the_streams_own_prompt() -> None:
    runtime = RecordingRuntime()
    asked = stream("secret", prompt="Be brief.")
    await hear_stream(runtime, PROFILE, asked, threshold=0.5, tail_s=0.0)
    (options,) = runtime.told
    assert options.system_prompt == "Be brief."
    said = repr(options)
    for secret in ("secret", "what is it", "something loud"):
        assert secret not in said


async def play(
    kind: SceneKind, *, endless: bool = False, talk_over: bool = True, over: bool = True
) -> PlayedScene:
    """Loud from 0.8 to 2.0 s; the fake runtime answers each loud chunk with 23 letters, 2.3 s."""
    sound = np.concatenate((np.zeros(12_800), tone(1.2, 0.7), np.zeros(96_000))).astype(np.float32)
    scene = DuplexScene(
        kind, "x", sound, None if kind is SceneKind.BACKGROUND else 1.2, tone(2.0) if over else None
    )
    settings = SceneSettings(PROFILE, 0.5, talk_over=talk_over, longest_wait_s=5.0)
    runtime = LoudnessRuntime(endless=endless)
    return await play_scene(runtime, FakeVoice(), scene, settings, clock=lambda: 0.0)


async def test_taking_over_is_timed_from_the_end_of_the_turn() -> None:
    """The first loud chunk ends at 1.2 s, so there the agent is heard."""
    played = await play(SceneKind.TAKE_OVER, over=False, talk_over=False)
    assert played.spoke_ms == pytest.approx(0, abs=1)
    assert (played.talked_over, played.stopped_ms, played.problem) == (False, None, "")


async def test_who_is_talked_over_stops_within_the_doors_time() -> None:
    played = await play(SceneKind.BARGE_IN, talk_over=True)
    assert played.talked_over
    assert played.stopped_ms is not None
    assert 100 <= played.stopped_ms <= 300


async def test_without_the_policy_it_speaks_on() -> None:
    played = await play(SceneKind.BARGE_IN, talk_over=False)
    assert (played.talked_over, played.stopped_ms) == (True, None)


async def test_speech_beside_it_is_answered_by_a_model_that_answers_all() -> None:
    played = await play(SceneKind.BACKGROUND, over=False)
    assert played.spoke_ms is not None
    assert played.spoke_ms > 0


async def test_a_scene_without_an_answer_ends_with_a_problem() -> None:
    (scene, *_) = make_scenes([stream()], a_kind=1, seed=1)
    settings = SceneSettings(PROFILE, 0.5, longest_wait_s=0.05)
    played = await play_scene(ScriptedRuntime(), FakeVoice(), scene, settings)
    assert played.problem == "nothing came for 0.05 s"
    assert played.spoke_ms is None


def test_a_run_writes_three_files_that_are_read_again(
    dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = request(dataset)
    runtime = LoudnessRuntime()
    assert run(asked, runtime) == 0
    report = read_stream_report(asked.out / "report.json")
    assert [(s.id, len(s.due), len(s.heard)) for s in report.streams] == [
        ("asked", 1, 3), ("other", 0, 3),
    ]  # fmt: skip
    assert {scene.kind for scene in report.scenes} == {
        SceneKind.TAKE_OVER, SceneKind.PAUSE, SceneKind.BACKGROUND,
    }  # fmt: skip
    assert report.measured is not None
    assert report.measured.threshold == 0.9
    page = (asked.out / "report.md").read_text()
    assert "| all | 2 | 0 |" in page
    assert "Recommended for at most 5 false replies an hour: 0.9." in page
    assert page == capsys.readouterr().out
    assert (asked.out / "report.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_left_out_is_said(dataset: Path) -> None:
    asked = request(dataset, scenes=0, second_run=False)
    for sound in dataset.rglob("other*.*"):
        sound.write_bytes(b"no sound")
    assert run(asked, LoudnessRuntime()) == 0
    report = read_stream_report(asked.out / "report.json")
    assert [stream.id for stream in report.streams] == ["asked"]
    assert report.measured is None
    assert [what.split(" (")[0] for what in report.skipped] == [
        "scenes in which both may speak", "1 streams, which cannot be read",
    ]  # fmt: skip


def test_half_a_run_is_no_report(dataset: Path) -> None:
    asked = request(dataset, sessions=1)
    runtime = InterruptedRuntime()
    assert run(asked, runtime) == EXIT_INTERRUPTED
    assert len(runtime.sessions) == 2
    assert list(asked.out.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--sessions", "0"), "--sessions 0"),
        (("--scenes", "-1"), "--scenes -1"),
        (("--target-false-per-hour", "nan"), "--target-false-per-hour nan"),
        (("--threshold", "2"), "--threshold 2"),
        (("--tail-s", "-1"), "--tail-s -1"),
        (("--runtime", "telnet://x"), "not a runtime"),
    ],
)
def test_a_bad_option_is_one_clear_line(
    interject: Call, dataset: Path, words: tuple[str, ...], told: str
) -> None:
    out = str(dataset.parent / "r")
    one_line(interject("eval", "stream", str(dataset), "--out", out, *words), told)


def test_a_folder_without_streams_is_one_clear_line(interject: Call, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    one_line(interject("eval", "stream", str(tmp_path / "gone"), "--out", out), "no such folder")
    one_line(interject("eval", "stream", str(tmp_path), "--out", out), "holds neither")
    (tmp_path / "manifest.json").write_text("{}")
    one_line(interject("eval", "stream", str(tmp_path), "--out", out), "manifest.json")


def test_two_reports_are_compared_and_others_are_refused(
    interject: Call, dataset: Path, tmp_path: Path
) -> None:
    first, second = request(dataset), request(dataset, out=str(tmp_path / "second"))
    run(first, LoudnessRuntime())
    run(second, LoudnessRuntime())
    path = second.out / "report.json"
    told = json.loads(path.read_text())
    for each in told["streams"]:
        each["heard"] = each["heard"][2:]
    path.write_text(json.dumps(told))
    outcome = interject("eval", "compare", str(first.out), str(second.out))
    assert (outcome.code, outcome.err) == (0, "")
    assert "| all | 2 | precision | 33.3 [" in outcome.out
    assert "differences are beyond noise" in outcome.out
    told["streams"][0]["id"] = "another"
    path.write_text(json.dumps(told))
    one_line(interject("eval", "compare", str(first.out), str(path)), "different streams")
    path.write_text('{"format": "interject-sounds-1"}')
    one_line(interject("eval", "compare", str(first.out), str(path)), "different benchmarks")
    path.write_text('{"format": "interject-stream-1", "seed": "x"}')
    one_line(interject("eval", "compare", str(first.out), str(path)), "is no report of")


def test_a_peer_is_measured_by_the_same_streams(
    interject: Call, dataset: Path, tmp_path: Path
) -> None:
    """Asked after every third chunk, which it answers each time."""
    out, settings = tmp_path / "peer", tmp_path / "peer.yaml"
    words = ("eval", "stream", str(dataset), "--out", str(out), "--scenes", "0")
    with serving(ModelServer([said("I heard something loud.")])) as server:
        settings.write_text(f"base_url: {server.url}\nmodel: m\n")
        outcome = interject(*words, "--peer", str(settings))
        assert (outcome.code, outcome.err) == (0, "")
    report = read_stream_report(out / "report.json")
    assert report.runtime == f"{server.url} m"
    assert [reply.chunk for reply in report.streams[0].heard] == [2, 5, 8, 11]
    assert "| all | 2 | 0 |" in outcome.out
    assert "Calibration" not in outcome.out
    assert "Recommended" not in outcome.out
    with serving(ModelServer([Scripted(status=401)])) as server:
        settings.write_text(f"base_url: {server.url}\nmodel: m\n")
        refused = interject(*words, "--peer", str(settings), "--sessions", "1")
    assert refused.code == 2
    assert "refused the key (401)" in refused.err.splitlines()[-1]
    settings.write_text("model: m\n")
    one_line(interject(*words, "--peer", str(settings)), "base_url")
