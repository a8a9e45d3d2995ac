"""What a client keeps while Redis is away."""

from __future__ import annotations

from interject.model_runtime.protocol import FRAME_SAMPLES, Frame
from interject.model_runtime.redis.client.outbox import KEPT_FRAMES, MAX_UNSENT, Outbox
from interject.model_runtime.remote import wire

PCM = bytes(FRAME_SAMPLES * 2)


def filled(count: int) -> Outbox:
    outbox = Outbox()
    for seq in range(count):
        outbox.put(Frame(seq, 0.0, PCM))
    return outbox


def seqs(outbox: Outbox) -> list[int | None]:
    return [entry.seq for entry in outbox.unsent()]


def test_what_was_sent_and_not_decided_is_sent_again_in_order() -> None:
    outbox = filled(3)
    say = outbox.put(wire.Say("x"))
    outbox.sent(say)
    assert seqs(outbox) == []
    outbox.put(Frame(3, 0.0, PCM))
    outbox.decided(1)
    outbox.send_again()
    assert [entry.number for entry in outbox.unsent()] == [3, 4, 5]
    assert seqs(outbox) == [2, None, 3]


def test_an_acknowledged_control_is_not_sent_again_but_its_frames_are() -> None:
    outbox = filled(1)
    finish = outbox.put(wire.Finish())
    outbox.sent(finish)
    outbox.acknowledged(finish)
    outbox.send_again()
    assert seqs(outbox) == [0]


def test_the_oldest_frames_go_first_the_sent_ones_before_the_unsent() -> None:
    outbox = filled(30)
    outbox.sent(30)
    for seq in range(30, 60):
        outbox.put(Frame(seq, 0.0, PCM))
    outbox.send_again()
    assert seqs(outbox) == list(range(10, 60))
    for seq in range(60, 80):
        outbox.put(Frame(seq, 0.0, PCM))
    assert seqs(outbox) == list(range(80 - KEPT_FRAMES, 80))


def test_a_new_stream_gets_what_is_still_wanted_from_number_1_on() -> None:
    outbox = filled(3)
    cancel = outbox.put(wire.Cancel(0, 0))
    outbox.sent(2)
    say = outbox.put(wire.Say("x"))
    outbox.decided(0)
    numbers = outbox.begin_again(lambda item: not isinstance(item, wire.Cancel))
    assert [(entry.number, entry.seq) for entry in outbox.unsent()] == [
        (1, 1),
        (2, 2),
        (3, None),
    ]
    assert (numbers.get(cancel), numbers[say]) == (None, 3)
    assert outbox.put(wire.Finish()) == 4


def test_controls_without_end_fill_it() -> None:
    outbox = Outbox()
    for _ in range(MAX_UNSENT):
        outbox.put(wire.AnswerNow())
    assert not outbox.full
    outbox.put(wire.AnswerNow())
    assert outbox.full
