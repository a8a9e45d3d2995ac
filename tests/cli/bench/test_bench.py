"""The load generator: its figures, its streams, and the command around it."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
import os
import random
import signal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from interject.cli.bench.histogram import Histogram
from interject.cli.bench.load import run_load
from interject.cli.bench.looped_sound import LoopedSound, RoomSound
from interject.cli.bench.outcome import ChunkTimes, LatencyStage, Outcome
from interject.cli.bench.plan import LoadPlan, TalkPlan
from interject.cli.bench.report import as_json
from interject.cli.bench.request import BenchRequest, read_request
from interject.cli.bench.running import run
from interject.cli.bench.sounds import read_recording, rooms_in, speak_recording
from interject.cli.output.runtime_url import without_password
from interject.cli.process.failures import EXIT_INTERRUPTED, InputFailure
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    LOOKAHEAD_SAMPLES,
    SAMPLE_BYTES,
    SAMPLE_RATE_HZ,
    Frame,
    RuntimeBusy,
)
from tests.cli.sounds import room, write_wav
from tests.fakes.runtime import FakeRuntime, FakeRuntimeSession

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from interject.model_runtime.protocol import SessionOptions
    from tests.cli.conftest import Outcome as Told

    Call = Callable[..., Told]

NOISE = LoopedSound(room(3.0).tobytes())


def rooms(count: int) -> list[RoomSound]:
    return rooms_in([NOISE], count)


def plan(sessions: int = 2, *, seconds: float = 1.2, talk: float = 0.0) -> LoadPlan:
    return LoadPlan(sessions, talk=talk, seconds=seconds, warm_up_s=0.0, in_phase=True)


def outcome_of(*latencies_ms: float) -> Outcome:
    outcome = Outcome()
    for latency_ms in latencies_ms:
        outcome.decided(ChunkTimes(10.0, 10.0, 10.0 + latency_ms / 1e3, 0.0))
    return outcome


# Figures


def test_histogram_is_as_good_as_all_values() -> None:
    values = np.random.default_rng(1).lognormal(2.0, 1.0, 5_000)
    histogram = Histogram()
    for value in values:
        histogram.add(float(value))
    for share in (1, 50, 95, 99):
        assert histogram.percentile(share) == pytest.approx(np.percentile(values, share), rel=0.01)
    assert histogram.percentile(100) == values.max() == histogram.max_ms
    assert sum(count for _, count in histogram.buckets()) == histogram.count == len(values)
    assert histogram.sum_ms == pytest.approx(values.sum())


def test_histogram_of_nothing_and_of_less_than_nothing() -> None:
    times = Histogram()
    assert np.isnan(times.percentile(99))
    assert times.buckets() == []
    times.add(-1.0)
    assert times.percentile(50) == -1.0


def test_histograms_add_up() -> None:
    first, second = Histogram(), Histogram()
    for value in (1.0, 2.0):
        first.add(value)
    second.add(50.0)
    whole = Histogram.of([first, Histogram(), second])
    assert (whole.count, whole.max_ms, whole.sum_ms) == (3, 50.0, 53.0)
    assert whole.percentile(50) == pytest.approx(2.0, rel=0.01)


def test_a_chunk_that_was_never_decided_is_too_late() -> None:
    assert outcome_of(*[10.0] * 99).passed
    lossy = outcome_of(*[10.0] * 99)
    lossy.lost_chunks = 1
    assert not lossy.passed
    assert "not carried" in lossy.verdict(3)


@pytest.mark.parametrize("latencies", [[90.0] * 98 + [110.0] * 2, [10.0] * 999 + [401.0]])
def test_load_is_too_high(latencies: list[float]) -> None:
    assert not outcome_of(*latencies).passed


def test_a_session_that_failed_fails_the_run() -> None:
    outcome = outcome_of(10.0)
    outcome.failures.append("failure: gone")
    assert not outcome.passed


def test_nothing_measured_is_said() -> None:
    assert Outcome().verdict(3) == "nothing was measured"
    assert not Outcome().passed


def test_the_stages_of_a_chunk_add_up() -> None:
    outcome = Outcome()
    outcome.decided(ChunkTimes(due=1.0, sent=1.002, received=1.030, queued_s=0.020))
    sent, queued, carried, decided = (
        outcome.stages[stage].max_ms
        for stage in (
            LatencyStage.SENT,
            LatencyStage.QUEUED,
            LatencyStage.CARRIED,
            LatencyStage.DECIDED,
        )
    )
    assert [sent, queued, carried] == pytest.approx([2.0, 20.0, 8.0])
    assert decided == pytest.approx(sent + queued + carried)


def test_replies_take_their_share_of_the_time() -> None:
    talk, now, spoken_s = TalkPlan(0.15, random.Random(1)), 0.0, 0.0
    talk.said(10, now)
    while now < 20_000.0:
        now += 0.4
        if talk.is_due(now):
            assert not talk.is_due(now)
            spoken_s += 2.0
            talk.said(10, now)
    assert spoken_s / now == pytest.approx(0.15, rel=0.1)


def test_without_talk_nobody_is_asked() -> None:
    talk = TalkPlan(0.0, random.Random(1))
    talk.said(10, 0.0)
    assert not talk.is_due(1e9)


# Sounds


@pytest.mark.parametrize("samples", [1, 100, FRAME_SAMPLES, 50_001])
def test_a_room_is_one_continuous_sound_without_end(samples: int) -> None:
    pcm = np.arange(samples, dtype="<i2")
    place = RoomSound(LoopedSound(pcm.tobytes()), samples // 2)
    frames = [place.frame(seq, seq * 0.4) for seq in range(20)]
    for frame, following in itertools.pairwise(frames):
        assert frame.lookahead == following.pcm[: LOOKAHEAD_SAMPLES * SAMPLE_BYTES]
    heard = np.concatenate([np.frombuffer(frame.pcm, "<i2") for frame in frames])
    wanted = pcm[(samples // 2 + np.arange(20 * FRAME_SAMPLES)) % samples]
    assert np.array_equal(heard, wanted)


def test_an_empty_recording_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        LoopedSound(b"\0")


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    stereo = np.repeat(room(2.0), 2)
    path = write_wav(tmp_path / "stereo.wav", stereo[: 2 * 16_000], rate_hz=8_000, channels=2)
    assert abs(read_recording(str(path)).samples - 2 * SAMPLE_RATE_HZ) < 100


async def test_speech_is_made() -> None:
    made = await speak_recording()
    assert made.samples > 20 * SAMPLE_RATE_HZ
    whole = b"".join(made.cut(n * FRAME_SAMPLES, FRAME_SAMPLES) for n in range(50))
    assert np.abs(np.frombuffer(whole, "<i2")).max() > 3_000


# Streams


async def test_every_chunk_is_sent_and_counted() -> None:
    runtime, seen = FakeRuntime(), []
    outcome = await run_load(
        runtime, plan(), rooms(2), observer=lambda session, seq, times: seen.append((session, seq))
    )
    assert sorted(seen) == [(f"load-{n}", seq) for n in range(2) for seq in range(3)]
    assert outcome.decisions.count == 6
    assert outcome.lost_chunks == 0
    assert outcome.failures == []
    for session in runtime.sessions:
        assert [frame.seq for frame in session.frames] == [0, 1, 2]


@pytest.mark.parametrize(("seconds", "arrival_s"), [(600.0, 16.0), (8.0, 2.0)])
def test_sessions_come_one_by_one(seconds: float, arrival_s: float) -> None:
    assert LoadPlan(9, seconds=seconds).arrival_s == arrival_s
    assert LoadPlan(9, seconds=seconds, in_phase=True).arrival_s == 0.0


async def test_chunks_of_the_warm_up_are_sent_but_not_counted() -> None:
    runtime = FakeRuntime()
    outcome = await run_load(
        runtime, LoadPlan(1, seconds=1.2, warm_up_s=1.0, in_phase=True), rooms(1)
    )
    assert len(runtime.sessions[0].frames) == 3
    assert outcome.decisions.count == 1


async def test_chunks_that_nobody_decides_are_lost() -> None:
    outcome = await run_load(FakeRuntime(deciding=False), plan(seconds=0.8), rooms(2))
    assert outcome.lost_chunks == 4
    assert not outcome.passed


async def test_replies_are_asked_for_and_timed() -> None:
    runtime = FakeRuntime()
    talkative = LoadPlan(1, talk=0.9, seconds=6.0, warm_up_s=0.0, in_phase=True)
    outcome = await run_load(runtime, talkative, rooms(1))
    assert outcome.replies == runtime.sessions[0].replies > 0
    assert outcome.stages[LatencyStage.FIRST_TOKEN].count == outcome.replies
    assert outcome.stages[LatencyStage.NEXT_TOKEN].count == outcome.replies
    assert outcome.reply_tokens == 2 * outcome.replies


class BreakingSession(FakeRuntimeSession):
    async def push(self, frame: Frame) -> None:
        if frame.seq == 1:
            self.break_off("the engine failed")
        await super().push(frame)


class BreakingRuntime(FakeRuntime):
    """Each session fails at its second frame."""

    async def open(self, options: SessionOptions) -> FakeRuntimeSession:
        session = BreakingSession(options, {}, deciding=True)
        self.sessions.append(session)
        return session


async def test_a_failing_session_does_not_stop_the_others() -> None:
    outcome = await run_load(BreakingRuntime(), plan(3), rooms(3))
    assert outcome.failures == ["failure: the engine failed"] * 3
    assert outcome.decisions.count == 3


async def test_a_stopped_run_ends_early() -> None:
    stop = asyncio.Event()
    stop.set()
    runtime = FakeRuntime()
    await run_load(runtime, plan(seconds=3_600.0), rooms(2), stop=stop)
    assert [session.frames for session in runtime.sessions] == [[], []]


async def test_a_full_runtime_is_an_error() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await run_load(FakeRuntime(slots=1), plan(2), rooms(2))
    assert caught.group_contains(RuntimeBusy, match="every slot is taken")


# The command


def request(folder: Path, **changes: Any) -> BenchRequest:
    given: dict[str, Any] = {
        "runtime_url": "fake:",
        "sessions": 2,
        "talk": 0.0,
        "minutes": 10.0,
        "in_phase": False,
        "wavs": [],
        "json": str(folder / "bench.json"),
        "plot": None,
    }
    return read_request(**{**given, **changes})


class InterruptingSession(FakeRuntimeSession):
    number = signal.SIGINT

    async def push(self, frame: Frame) -> None:
        await super().push(frame)
        if frame.seq == 1:
            os.kill(os.getpid(), self.number)


class InterruptingRuntime(FakeRuntime):
    """Somebody presses Ctrl-C at the second frame, or sends another signal."""

    def __init__(self, number: signal.Signals = signal.SIGINT) -> None:
        super().__init__()
        self._number = number

    async def open(self, options: SessionOptions) -> FakeRuntimeSession:
        session = InterruptingSession(options, {}, deciding=True)
        session.number = self._number
        self.sessions.append(session)
        return session


def test_ctrl_c_writes_what_was_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wav = write_wav(tmp_path / "room.wav", room(1.0))
    asked = request(tmp_path, wavs=[str(wav)], sessions=1)
    assert run(asked, opener=lambda _: InterruptingRuntime()) == EXIT_INTERRUPTED
    told = json.loads((tmp_path / "bench.json").read_text())
    assert told["interrupted"]
    assert not told["carried"]
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_file_that_cannot_be_written_costs_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    wav, plot = write_wav(tmp_path / "room.wav", room(1.0)), tmp_path / "load.png"
    asked = request(tmp_path, wavs=[str(wav)], sessions=1, json="/dev/full", plot=str(plot))
    asked = dataclasses.replace(asked, plan=plan(1, seconds=60.0))
    assert run(asked, opener=lambda _: InterruptingRuntime(number)) == 128 + number
    told = capsys.readouterr()
    assert "--json /dev/full: could not be written (no space left on device)" in told.err
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert "1 sessions are" in told.out


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_real_model_under_load(interject: Call, checkpoint: Path, tmp_path: Path) -> None:
    wav = write_wav(tmp_path / "room.wav", room(4.1, loud_at_s=(1.0,)))
    out, picture = tmp_path / "bench.json", tmp_path / "bench.png"
    told = interject(
        "bench", "--runtime", f"embedded:{checkpoint}", "--sessions", "2", "--minutes", "0.1",
        "--talk", "0.5", "--wav", str(wav), "--json", str(out), "--plot", str(picture),
    )  # fmt: skip
    assert told.code == 0, told.err
    assert "2 sessions are" in told.out
    assert "10 minutes" in told.err
    values = json.loads(out.read_text())
    decided = values["stages"]["decided"]
    assert values["sessions"] == 2
    assert values["sound"] == [str(wav)]
    assert decided["count"] + values["lost_chunks"] > 0
    assert sum(count for _, count in decided["buckets"]) == decided["count"]
    assert decided["p50_ms"] <= decided["p99_ms"] <= decided["max_ms"]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_what_was_not_measured_is_null(tmp_path: Path) -> None:
    told = as_json(request(tmp_path), Outcome(), interrupted=True)
    assert json.loads(json.dumps(told, allow_nan=False))["stages"]["decided"]["p99_ms"] is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:secret@host:1/0", "redis://host:1/0"),
        ("embedded:nano", "embedded:nano"),
        ("redis://host/0", "redis://host/0"),
    ],
)
def test_a_password_is_not_passed_on(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--sessions", "0"), "--sessions 0"),
        (("--talk", "1.5"), "--talk 1.5"),
        (("--talk", "nan"), "--talk nan"),
        (("--minutes", "0"), "--minutes 0"),
        (("--minutes", "inf"), "--minutes inf"),
        (("--wav", "gone.wav"), "gone.wav: no such file"),
        (("--json", "/"), "--json /: is a folder"),
        (("--json", "no/such/x.json"), "--json no/such/x.json: there is no folder no/such;"),
        (("--plot", "bench.txt"), "the name must end in"),
        (("--runtime", "telnet://x"), "not a runtime; use embedded:nano"),
        (("--runtime", "redis://127.0.0.1:1/0"), "no Redis answers there"),
    ],
)
def test_bad_input(
    interject: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    told = interject("bench", "--minutes", "0.1", *words)
    assert told.code == 2, told
    assert message in told.err
    assert told.err.count("\n") == 1
    assert told.err.startswith("interject: ")


def test_a_sound_is_not_overwritten(tmp_path: Path) -> None:
    wav = write_wav(tmp_path / "room.wav", room(1.0))
    with pytest.raises(InputFailure, match="would overwrite the sound"):
        request(tmp_path, wavs=[str(wav)], json=str(wav))
