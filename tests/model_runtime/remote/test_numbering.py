"""Numbers of a client whose server changed, and of one that came back to a server."""

from __future__ import annotations

from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    Cause,
    Decision,
    Emotion,
    EndReason,
    FloorMode,
    Frame,
    Gap,
    GapReason,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
)
from interject.model_runtime.remote import wire
from interject.model_runtime.remote.numbering import Numbering

PCM = bytes(2 * FRAME_SAMPLES)


def decision(seq: int) -> Decision:
    return Decision("a", seq, 0.0, 0.0, 0.0, 0.5, False, FloorMode.SPEAK)


def started(reply_id: int, seq: int) -> ReplyStarted:
    return ReplyStarted("a", reply_id, seq, Emotion.NORMAL, Cause.MODEL, FloorMode.SPEAK)


def gap(first: int, count: int) -> Gap:
    return Gap("a", first, count, GapReason.MISSING)


def test_with_its_first_server_a_client_counts_alike_and_nothing_is_copied() -> None:
    numbering, frame, event = Numbering(), Frame(5, 0.0, PCM), decision(5)
    assert numbering.for_server(frame) is frame
    assert numbering.for_client(event) is event


def test_a_second_server_s_frame_0_and_reply_0_are_the_next_ones() -> None:
    numbering = Numbering()
    numbering.begin_again(next_seq=7, next_reply=2)
    assert numbering.for_server(Frame(9, 0.0, PCM)) == Frame(2, 0.0, PCM)
    assert numbering.for_server(wire.Heard(3, 4)) == wire.Heard(1, 4)
    assert numbering.concerns_server(wire.Cancel(2, 0))
    assert not numbering.concerns_server(wire.Cancel(1, 0))
    assert numbering.for_client(decision(0)) == decision(7)
    assert numbering.for_client(started(0, -1)) == started(2, 6)
    assert numbering.for_client(ReplyDelta("a", 0, (1,), "x")) == ReplyDelta("a", 2, (1,), "x")
    ended = ReplyEnded("a", 2, EndReason.COMPLETE, "x", 1)
    assert numbering.for_client(ReplyEnded("a", 0, EndReason.COMPLETE, "x", 1)) == ended


def test_a_client_that_came_back_hears_nothing_of_frames_that_it_never_sent() -> None:
    numbering = Numbering(-10)
    assert numbering.for_server(Frame(0, 0.0, PCM)) == Frame(10, 0.0, PCM)
    assert numbering.for_client(decision(9)) is None
    assert numbering.for_client(decision(10)) == decision(0)
    assert numbering.for_client(gap(7, 3)) is None
    assert numbering.for_client(gap(7, 5)) == gap(0, 2)
    assert numbering.for_client(gap(12, 2)) == gap(2, 2)
    assert numbering.for_client(started(4, 3)) == started(4, -1)
