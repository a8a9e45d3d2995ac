"""One reply at a time, alarms first, and none that leaves the line untold."""

from __future__ import annotations

from dataclasses import dataclass

from interject.agent.floor import Floor, FloorState, Verdict
from interject.agent.speech_queue import MAX_WAITING
from interject.integrations.conversation.reply_order import ReplyOrder
from interject.model_runtime.protocol import Emotion, FloorMode


@dataclass(frozen=True)
class Reply:
    name: str
    verdict: Verdict = Verdict.WAIT
    emotion: Emotion = Emotion.NORMAL

    @property
    def urgent(self) -> bool:
        return self.emotion is Emotion.URGENT


ALARM = Reply("alarm", Verdict.INTERRUPT, Emotion.URGENT)


class Voice:
    """Says what it is given until the test ends it."""

    def __init__(self, *, can_cut: bool = True) -> None:
        self.played: list[str] = []
        self.left: list[str] = []
        self.cuts = 0
        self.free = True
        self._can_cut = can_cut

    def ready(self) -> bool:
        return self.free

    def play(self, reply: Reply) -> None:
        self.played.append(reply.name)

    def cut(self) -> bool:
        self.cuts += self._can_cut
        return self._can_cut

    def dropped(self, reply: Reply) -> None:
        self.left.append(reply.name)


def order(voice: Voice) -> tuple[ReplyOrder[Reply], Floor]:
    floor = Floor(FloorMode.SPEAK)
    return ReplyOrder(floor, voice), floor


def test_an_alarm_cuts_what_is_said_and_passes_what_waits() -> None:
    voice = Voice()
    replies, floor = order(voice)
    first = Reply("first", Verdict.SPEAK)
    replies.offer(first)
    replies.offer(Reply("second"))
    replies.offer(ALARM)
    assert (voice.cuts, voice.played, floor.state) == (1, ["first"], FloorState.YIELDED)
    replies.closed(first)
    assert (voice.played, floor.state) == (["first", "alarm"], FloorState.HOLDING)
    replies.closed(first)
    replies.closed(ALARM)
    assert voice.played == ["first", "alarm", "second"]


def test_what_is_said_beside_it_is_waited_for_but_not_by_an_alarm() -> None:
    voice = Voice()
    replies, _ = order(voice)
    voice.free = False
    replies.offer(Reply("small talk"))
    assert voice.played == []
    replies.offer(ALARM)
    assert voice.played == ["alarm"]
    replies.closed(ALARM)
    assert voice.played == ["alarm"]
    voice.free = True
    replies.advance()
    assert voice.played == ["alarm", "small talk"]


def test_a_voice_that_cannot_be_cut_goes_on_to_its_end() -> None:
    voice = Voice(can_cut=False)
    replies, floor = order(voice)
    replies.offer(Reply("first", Verdict.SPEAK))
    replies.offer(ALARM)
    assert (replies.waiting, floor.state) == (1, FloorState.HOLDING)


def test_who_leaves_the_line_is_told() -> None:
    voice = Voice()
    replies, _ = order(voice)
    for number in range(MAX_WAITING + 2):
        replies.offer(Reply(str(number)))
    assert (voice.played, voice.left) == (["0"], ["1"])
    replies.drop_waiting()
    assert len(voice.left) == MAX_WAITING + 1
