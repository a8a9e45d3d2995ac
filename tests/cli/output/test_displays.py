from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.cli.output.display import Summary
from interject.cli.output.json_lines import JsonLines
from interject.cli.output.levels import FLOOR_DBFS, LevelMeter, level_dbfs
from interject.cli.output.live_table import LiveTable
from interject.cli.output.plot import check_plot, draw
from interject.cli.output.plot_data import MAX_COLUMNS, Envelope, PlotData
from interject.cli.process.failures import InputFailure
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    Cause,
    Closed,
    CloseReason,
    Decision,
    Emotion,
    EndReason,
    Event,
    FloorMode,
    Gap,
    GapReason,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
)

if TYPE_CHECKING:
    from pathlib import Path

SUMMARY = Summary(
    heard_s=2.0,
    wall_s=0.5,
    first_decision_s=0.1,
    chunks=5,
    responds=1,
    replies=1,
    gap_chunks=2,
    nonfinite_samples=0,
    interrupted=False,
    notices=(),
)


def decision(seq: int, p_respond: float) -> Decision:
    respond = p_respond >= 0.5
    return Decision("s", seq, 0.0, 1.0, 2.0, p_respond, respond, FloorMode.SPEAK)


def conversation() -> list[Event]:
    """Silence, an urgent reply that is cut at its length, a gap, and a failure."""
    return [
        decision(0, 0.0),
        decision(1, 0.93),
        ReplyStarted("s", 0, 1, Emotion.URGENT, Cause.MODEL, FloorMode.SPEAK),
        ReplyDelta("s", 0, (7, 8), "Fire"),
        ReplyDelta("s", 0, (9,), " alarm [!]"),
        ReplyEnded("s", 0, EndReason.MAX_TOKENS, "Fire alarm [!]", 3),
        Gap("s", 2, 2, GapReason.OVERLOAD),
        decision(4, 1.0 / 3.0),
        Closed("s", CloseReason.FAILURE, "out of memory"),
    ]


class Terminal(io.StringIO):
    """Text that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_json_lines_of_a_whole_conversation() -> None:
    out = io.StringIO()
    lines = JsonLines(out)
    for event in conversation():
        lines.show(event, level_dbfs=-20.04)
    lines.finish(SUMMARY)
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [event["event"] for event in told] == [
        "decision", "decision", "reply_started", "reply_delta", "reply_delta", "reply_ended",
        "gap", "decision", "closed", "summary",
    ]  # fmt: skip
    assert told[1]["decision"] == "respond"
    assert told[2] == {
        "event": "reply_started",
        "reply": 0,
        "chunk": 1,
        "time": 0.8,
        "emotion": "urgent",
        "cause": "model",
        "mode": "speak",
    }
    assert told[5] == {
        "event": "reply_ended",
        "reply": 0,
        "token_ids": [7, 8, 9],
        "text": "Fire alarm [!]",
        "reason": "max_tokens",
        "sources": [],
    }
    assert told[6] == {"event": "gap", "chunk": 2, "count": 2, "reason": "overload"}
    assert told[8] == {"event": "closed", "reason": "failure", "detail": "out of memory"}


def test_plain_table() -> None:
    out = io.StringIO()
    table = LiveTable(out)
    for event in conversation():
        table.show(event, level_dbfs=-20.0)
    table.finish(SUMMARY)
    rows = out.getvalue().splitlines()
    assert [" ".join(row.split()) for row in rows[1:]] == [
        "0.4s ▅ -20 dB ░░░░░░░░░░ 0.000 silent",
        "0.8s ▅ -20 dB █████████░ 0.930 respond [urgent] Fire alarm [!] (max tokens)",
        "1.2s 2 chunks not heard (overload)",
        "2.0s ▅ -20 dB ███░░░░░░░ 0.333 silent",
        "closed: failure out of memory",
        "heard 2.0 s in 5 chunks, 1 replies, 2 chunks lost; 0.5 s on the clock (4.0 x real time)",
    ]


def test_a_terminal_sees_the_reply_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    out = Terminal()
    table = LiveTable(out)
    growing = conversation()[:4]
    for event in growing:
        table.show(event, level_dbfs=-20.0)
    assert "Fire" in out.getvalue()
    assert "alarm" not in out.getvalue()
    for event in conversation()[4:]:
        table.show(event, level_dbfs=-20.0)
    table.finish(SUMMARY)
    assert "\x1b[" in out.getvalue()
    assert out.getvalue().rstrip().endswith("\x1b[0m")


def test_levels() -> None:
    assert level_dbfs(np.zeros(10, dtype=np.int16)) == FLOOR_DBFS
    assert level_dbfs(np.zeros(0, dtype=np.int16)) == FLOOR_DBFS
    assert level_dbfs(np.full(10, 16_384, dtype=np.int16)) == pytest.approx(-6.02, abs=0.01)


def test_each_frame_has_its_own_level_however_it_arrives() -> None:
    meter = LevelMeter()
    sound = np.repeat(np.array([32, 1_024, 16_384], dtype=np.int16), FRAME_SAMPLES)[:-3_000]
    for start in range(0, len(sound), 999):
        meter.hear(sound[start : start + 999])
    levels = [meter.take(seq) for seq in range(4)]
    assert levels == pytest.approx([-60.2, -30.1, -6.02, FLOOR_DBFS], abs=0.05)


def test_an_envelope_keeps_its_peaks_in_bounded_memory() -> None:
    envelope = Envelope()
    rng = np.random.default_rng(5)
    total = 0
    for _ in range(400):
        piece = rng.integers(-500, 500, size=int(rng.integers(1, 40_000))).astype(np.int16)
        envelope.hear(piece)
        total += len(piece)
    envelope.hear(np.full(16_000, 30_000, dtype=np.int16))
    at_s, low, high = envelope.curves()
    assert len(at_s) <= MAX_COLUMNS
    assert at_s[-1] == pytest.approx((total + 16_000) / 16_000, rel=0.01)
    assert high.max() == pytest.approx(30_000 / 32_768)
    assert low.min() == pytest.approx(-500 / 32_768, rel=0.01)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_plot_of_anything(tmp_path: Path, suffix: str) -> None:
    plot_data = PlotData(threshold=0.4)
    for event in conversation():
        plot_data.follow(event)
    plot_data.room.hear(np.full(40_000, 1_000, dtype=np.int16))
    plot_data.speech.hear_silence(12_800)
    plot_data.speech.hear(np.full(8_000, 9_000, dtype=np.int16))
    assert plot_data.replies[0].at_s == 0.8
    path = tmp_path / f"plot{suffix}"
    check_plot(path)
    draw(plot_data, path, title="$not math$")
    assert path.stat().st_size > 1_000


def test_a_plot_of_nothing(tmp_path: Path) -> None:
    draw(PlotData(threshold=0.5), tmp_path / "empty.png", title="empty")
    assert (tmp_path / "empty.png").stat().st_size > 1_000


def test_a_plot_of_an_unknown_kind(tmp_path: Path) -> None:
    with pytest.raises(InputFailure, match=r"must end in \.png"):
        check_plot(tmp_path / "plot.bmp")
