"""A call as a door sees it: who is heard, what is owed to him, what becomes of replies."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest

from interject.agent.cues.checklist import ChecklistUpdate
from interject.agent.cues.summary import CallSummary
from interject.agent.floor import Verdict
from interject.agent.outputs import Cue, Posted, Spoken
from interject.agent.records.export import as_webvtt
from interject.agent.records.store import RecordStore
from interject.config import (
    ChecklistSettings,
    CueSettings,
    NoVoice,
    PrivacySettings,
    Profile,
    ReplyLimits,
)
from interject.config.profile import RoomSettings
from interject.integrations.conversation.announcement import SEND_TIMEOUT_S, Notice
from interject.integrations.conversation.floor_control import ControlRefused, Method
from interject.integrations.conversation.role import Role
from interject.integrations.conversation.runtime_connection import ReconnectBackoff
from interject.integrations.conversation.switchboard import Switchboard, SwitchboardFull
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    Cause,
    Decision,
    Emotion,
    FloorMode,
    Gap,
    GapReason,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
    RuntimeBusy,
    RuntimeFailure,
)
from tests.fakes.line import FakeLine
from tests.fakes.runtime import Cancelled, FakeRuntime, Scripted
from tests.fakes.sink import FakeSink
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from interject.integrations.conversation.call_agent import CallAgent
    from interject.model_runtime.protocol import Event
    from tests.fakes.runtime import FakeRuntimeSession

QUICK = ReconnectBackoff(first_s=0.01, longest_s=0.02, give_up_s=0.05)
PATIENT = ReconnectBackoff(first_s=0.01, longest_s=0.02, give_up_s=60.0)
MUTE = RoomSettings(announce="none")
LOUD = np.full(320, 8_000, np.int16)


def profile(**changes: Any) -> Profile:
    return Profile(name="test", system_prompt="listen", **changes)


class NotedOrder:
    """A follower of a call that notes what it is told."""

    def __init__(self, order: list[object]) -> None:
        self._order = order

    def on_event(self, event: Event) -> None:
        self._order.append(type(event))

    def on_verdict(self, started: ReplyStarted, verdict: Verdict) -> None:
        self._order.append((started.reply_id, verdict))


class Playing(FakeSink):
    """A line that plays all it is given, at once."""

    def __init__(self) -> None:
        super().__init__(room_samples=10_000_000)

    async def write(self, pcm: bytes, sample_rate_hz: int) -> None:
        self.position_samples += len(pcm) // 2


class Scene:
    """One call and what stands around it."""

    def __init__(self, switchboard: Switchboard, runtime: FakeRuntime, line: FakeLine) -> None:
        self.switchboard = switchboard
        self.runtime = runtime
        self.line = line
        self.agent: CallAgent

    @property
    def model(self) -> FakeRuntimeSession:
        return self.runtime.sessions[-1]

    async def talk(self, identity: str, seconds: float) -> None:
        """In real time: a call's frames follow the clock."""
        for _ in range(round(seconds / 0.02)):
            self.agent.hear(identity, LOUD)
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def call(
    *,
    runtime: FakeRuntime | None = None,
    sink: FakeSink | None = None,
    line: FakeLine | None = None,
    speakers: tuple[str, ...] = ("caller",),
    barge_in: bool = False,
    records: RecordStore | None = None,
    backoff: ReconnectBackoff = QUICK,
    **changes: Any,
) -> AsyncIterator[Scene]:
    model = runtime or FakeRuntime()
    board = Switchboard(
        Role(profile(**changes), runtime=model, barge_in=barge_in),
        model,
        backoff=backoff,
        records=records,
    )
    scene = Scene(board, model, line or FakeLine())
    async with board.call(
        board.reserve(),
        door="test",
        call_id="call",
        line=scene.line,
        sink=sink,
        speakers=speakers,
    ) as agent:
        scene.agent = agent
        yield scene


async def test_a_caller_is_told_before_he_is_heard_and_a_reply_is_said_and_shown() -> None:
    sink = Playing()
    async with call(sink=sink, runtime=FakeRuntime({0: Scripted("Good morning.")})) as scene:
        assert scene.line.notices[0][0] is Notice.ANNOUNCEMENT
        await scene.talk("caller", 0.6)
        await until(lambda: any(isinstance(event, Spoken) for event in scene.line.events))
        frame = scene.model.frames[0]
        assert [speaker.identity for speaker in frame.speakers] == ["caller"]
        assert scene.model.heard_reports[-1] == (0, len("Good morning."))
        await until(lambda: scene.line.decisions)
    assert sink.position_samples
    assert scene.switchboard.taken == 0


async def test_a_card_is_of_its_tag_s_category_whose_rules_hold() -> None:
    rules = {"categories": {"offer": {"once_a_call": True, "speaker": "customer"}}}
    async with call(
        speakers=("customer", "agent"),
        mode="assist",
        outputs=("cue",),
        cue=CueSettings.model_validate(rules),
    ) as scene:
        await scene.talk("agent", 0.6)
        scene.model.reply(Scripted("[offer] The agent had the word."), cause=Cause.MODEL)
        scene.agent.left("agent")
        await scene.talk("customer", 2.2)
        scene.model.reply(Scripted("[offer] Give her the discount."), cause=Cause.MODEL)
        scene.model.reply(Scripted("[offer] Give her another."), cause=Cause.MODEL)
        scene.model.reply(Scripted("Ask for her number."), cause=Cause.MODEL)
        await until(lambda: len(scene.line.cues) == 2)
    shown = [(cue.category, cue.text) for cue, _ in scene.line.cues]
    assert shown == [("offer", "Give her the discount."), ("note", "Ask for her number.")]


async def test_a_call_is_kept_as_its_profile_says_with_what_was_heard(tmp_path: Path) -> None:
    records = RecordStore(tmp_path)
    keep = PrivacySettings(retention="everything", audio=True)
    async with call(records=records, mode="assist", outputs=("cue",), privacy=keep) as scene:
        await scene.talk("caller", 1.0)
        scene.model.reply(Scripted("Her card is 4111 1111 1111 1111."), cause=Cause.MODEL)
        await until(lambda: scene.line.cues)
    (head,) = records.list()
    record = records.read(head.id)
    kinds = [line.type for line in record.lines]
    assert {"decision", "reply", "cue"} < set(kinds)
    assert kinds[-2:] == ["summary", "ended"]
    assert "Her card is [card]." in as_webvtt(record)
    assert head.call == "call"
    assert head.has_audio


async def test_a_call_shows_its_checklist_and_tells_at_its_end_what_is_open() -> None:
    items = {"greeting": "Greets by name", "consent": "Asks first"}
    listed = ChecklistSettings(items=items)
    async with call(checklist=listed, mode="observe", speakers=("agent",)) as scene:
        scene.model.reply(Scripted("[done consent]"), cause=Cause.MODEL)
        await until(lambda: len(scene.line.events) == 2)
        scene.agent.came("customer")
        await until(lambda: len(scene.line.events) == 3)
        scene.agent.left("customer")
        scene.agent.left("agent")
    assert isinstance(scene.line.events[-1], CallSummary)
    shown = [event for event in scene.line.events if isinstance(event, ChecklistUpdate)]
    assert [update.ticked for update in shown] == [(), ("consent",), (), ()]
    assert [update.identities for update in shown] == [
        ("agent",), ("agent",), ("agent", "customer"), ("agent", "customer")
    ]  # fmt: skip
    assert [update.over for update in shown] == [False, False, False, True]
    assert shown[-1].open == ("Greets by name",)
    assert all(update.call == "call" for update in shown)


async def test_a_call_s_summary_comes_at_its_end() -> None:
    async with call(sink=Playing(), speakers=("caller",), room=MUTE) as scene:
        await scene.talk("caller", 1.0)
        scene.model.reply(Scripted("Good morning."), cause=Cause.MODEL)
        scene.model.emit(Gap("s", 9, 5, GapReason.OVERLOAD))
        await until(lambda: any(isinstance(event, Spoken) for event in scene.line.events))
        scene.agent.left("caller")
    summary = scene.line.events[-1]
    assert isinstance(summary, CallSummary)
    assert (summary.call, summary.identities) == ("call", ()), "nobody is shown cues here"
    assert [(one.text, one.became) for one in summary.replies] == [("Good morning.", "said")]
    assert [(one.speaker, one.share) for one in summary.talk] == [("caller", 1.0)]
    assert summary.overload_s == 2.0


async def test_who_is_there_when_a_call_ends_has_left_it_too() -> None:
    async with call(speakers=("customer", "agent")) as scene:
        scene.agent.left("agent")
    figure = scene.switchboard.registry.get_sample_value
    assert figure("interject_test_departures_total") == 2
    scene.agent.left("customer")
    assert figure("interject_test_departures_total") == 2


async def test_words_that_wait_for_others_to_be_said_are_not_taken_for_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sink = FakeSink()
    async with call(sink=sink, line=FakeLine(writes=False)) as scene:
        scene.agent.digit("caller", "*")
        await asyncio.sleep(SEND_TIMEOUT_S + 0.2)
    assert "could not be written" not in caplog.text


async def test_a_door_learns_what_becomes_of_a_reply_before_its_words() -> None:
    order: list[object] = []
    async with call(mode="observe", runtime=FakeRuntime({0: Scripted("Hm.")})) as scene:
        scene.agent.followers.add(NotedOrder(order))
        await scene.talk("caller", 0.6)
        await until(lambda: ReplyEnded in order)
    assert order[:4] == [Decision, ReplyStarted, (0, Verdict.SHOW), ReplyDelta]


async def test_two_on_the_line_are_told_apart() -> None:
    async with call(speakers=("customer", "agent"), mode="assist", outputs=("cue",)) as scene:
        for _ in range(30):
            scene.agent.hear("customer", LOUD)
            scene.agent.hear("agent", LOUD // 4)
            await asyncio.sleep(0.02)
        await until(lambda: scene.model.frames)
        heard = [speaker.identity for speaker in scene.model.frames[0].speakers]
        assert heard == ["customer", "agent"]


async def test_a_card_goes_to_those_whom_the_call_names() -> None:
    async with call(mode="assist", outputs=("cue",), speakers=("customer", "agent")) as scene:
        scene.model.reply(Scripted("Offer a refund."), cause=Cause.MODEL)
        await until(lambda: scene.line.cues)
        assert scene.line.cues[0][1] == ["customer", "agent"]
        assert any(isinstance(event, Cue) for event in scene.line.events)


async def test_a_written_wish_stops_the_listening_and_another_lets_it_go_on() -> None:
    async with call() as scene:
        scene.agent.write("caller", "Please stop listening")
        assert not scene.agent.consent.listening
        await until(lambda: scene.line.notices[-1][0] is Notice.STOPPED)
        await scene.talk("caller", 0.6)
        assert not scene.model.frames
        scene.agent.write("caller", "start listening")
        await scene.talk("caller", 1.0)
        await until(lambda: scene.model.frames)


async def test_where_nothing_may_be_read_a_wish_is_taken_all_the_same() -> None:
    async with call() as scene:
        scene.agent.write("caller", "My number is 4444.", wishes_only=True)
        scene.agent.digit("caller", "4", wishes_only=True)
        scene.agent.write("caller", "Please stop listening", wishes_only=True)
        listening = [scene.agent.consent.listening]
        scene.agent.digit("caller", "*", wishes_only=True)
        listening.append(scene.agent.consent.listening)
        assert listening == [False, True]
        scene.agent.digit("caller", "5")
        await until(lambda: scene.model.told)
        assert scene.model.told == ["caller pressed 5."]


async def test_a_spoken_wish_stops_it_even_beyond_the_cap() -> None:
    async with call(reply=ReplyLimits(unprompted_per_minute=0)) as scene:
        scene.model.reply(Scripted("I will stop listening."), cause=Cause.MODEL)
        await until(lambda: not scene.agent.consent.listening)
        assert Cancelled(0, 0) in scene.model.cancelled


async def test_beyond_the_cap_other_replies_are_taken_back_at_once() -> None:
    async with call(reply=ReplyLimits(unprompted_per_minute=0)) as scene:
        scene.model.reply(Scripted("Good morning to", whole=False), cause=Cause.MODEL)
        await until(lambda: scene.model.cancelled == [Cancelled(0, 0)])
        assert scene.agent.consent.listening


async def test_who_hears_nothing_any_more_takes_back_what_the_model_still_says() -> None:
    sink = Playing()
    async with call(sink=sink) as scene:
        scene.agent.consent.stop("caller")
        scene.model.reply(Scripted("What was that?"), cause=Cause.MODEL)
        await until(lambda: scene.model.cancelled)
    assert sink.position_samples == 0


async def test_on_a_telephone_people_are_told_aloud() -> None:
    sink = Playing()
    async with call(sink=sink, line=FakeLine(writes=False)) as scene:
        await until(lambda: sink.position_samples)
        said = sink.position_samples
        scene.agent.digit("caller", "*")
        await until(lambda: sink.position_samples > said)
        assert scene.agent.consent.withdrawn == ()
        scene.agent.digit("caller", "7")
        assert not scene.model.told
        scene.agent.digit("caller", "*")
        scene.agent.digit("caller", "7")
        await until(lambda: scene.model.told == ["caller pressed 7."])
        assert scene.line.notices == []


class SpoiltLine(FakeLine):
    """A chat that takes nothing."""

    async def send_notice(self, notice: Notice, text: str, identities: list[str]) -> None:
        await super().send_notice(notice, text, identities)
        raise ConnectionError


async def test_what_cannot_be_written_is_said_once() -> None:
    sink = Playing()
    async with call(sink=sink, line=SpoiltLine()) as scene:
        await until(lambda: sink.position_samples)
        await asyncio.sleep(0.1)
        said = sink.position_samples
        scene.agent.came("somebody")
        await until(lambda: len(scene.line.notices) == 2)
        await asyncio.sleep(0.1)
        assert sink.position_samples == said
        scene.agent.write("caller", "stop listening")
        await until(lambda: sink.position_samples > said)


async def test_talking_over_it_cuts_what_is_said() -> None:
    sink = FakeSink(room_samples=100_000_000)
    async with call(sink=sink, barge_in=True) as scene:
        scene.model.reply(Scripted("This is a long story that nobody wants."), cause=Cause.MODEL)
        await until(lambda: sink.held_samples)
        await scene.talk("caller", 0.4)
        await until(lambda: scene.model.cancelled == [Cancelled(0, 0)])
        assert sink.held_samples == 0


async def test_whoever_talks_over_the_announcement_hears_all_of_it() -> None:
    sink = FakeSink(room_samples=100_000_000)
    async with call(sink=sink, barge_in=True, room=RoomSettings(announce="voice")) as scene:
        await until(lambda: sink.held_samples)
        await scene.talk("caller", 0.4)
        assert sink.cleared_samples == 0
        scene.model.reply(Scripted("This is a long story that nobody wants."), cause=Cause.MODEL)
        await sink.play(sink.held_samples)
        await until(lambda: sink.held_samples)
        await scene.talk("caller", 0.4)
        await until(lambda: scene.model.cancelled == [Cancelled(0, 0)])


async def test_an_alarm_comes_before_the_announcement_and_not_in_its_place() -> None:
    sink = FakeSink(room_samples=100_000_000)
    async with call(sink=sink, room=RoomSettings(announce="voice")) as scene:
        await until(lambda: sink.held_samples, "the announcement")
        fire = Scripted("Fire!", emotion=Emotion.URGENT)
        scene.model.reply(fire, cause=Cause.MODEL)
        await until(lambda: len(sink.began_at_s) == 2, "the alarm")
        playing = asyncio.create_task(sink.play(10_000_000))
        await until(lambda: len(sink.began_at_s) == 3, "the announcement again")
        await until(lambda: scene.model.heard_reports[-1:] == [(0, len("Fire!"))])
        playing.cancel()


async def test_what_people_are_owed_is_not_forgotten_with_the_replies_that_wait() -> None:
    sink = FakeSink(room_samples=100_000_000)
    async with call(sink=sink, barge_in=True, room=RoomSettings(announce="none")) as scene:
        scene.model.reply(Scripted("This is a long story that nobody wants."), cause=Cause.MODEL)
        await until(lambda: sink.held_samples)
        [session] = scene.agent.sessions.open
        owed = asyncio.create_task(session.say_own("I am listening again."))
        await scene.talk("caller", 0.4)
        await until(lambda: scene.model.cancelled == [Cancelled(0, 0)])
        await until(lambda: sink.held_samples)
        assert not owed.done()
        await sink.play(sink.held_samples)
        await owed


async def test_mode_and_threshold_are_switched_by_methods() -> None:
    async with call(sink=Playing(), outputs=("spoken", "posted")) as scene:
        scene.agent.control(Method.SET_MODE, '{"mode": "observe"}', caller="caller")
        await until(lambda: scene.model.updates)
        scene.model.reply(Scripted("Read this."), cause=Cause.MODEL)
        await until(lambda: any(isinstance(event, Posted) for event in scene.line.events))
        with pytest.raises(ControlRefused):
            scene.agent.control(Method.SET_MODE, '{"mode": "shout"}', caller="caller")
        assert scene.agent.controls.mode is FloorMode.OBSERVE


async def test_a_text_is_answered_and_a_refused_one_told() -> None:
    async with call() as scene:
        scene.agent.write("caller", "what time is it")
        await until(lambda: scene.model.replies)
        scene.agent.write("caller", "x" * 1_500)
        await until(lambda: scene.line.notices[-1][0] is Notice.UNREAD)


async def test_a_runtime_that_dies_is_found_again_within_the_call() -> None:
    async with call() as scene:
        scene.model.break_off("the worker died")
        await until(lambda: len(scene.runtime.sessions) == 2)
        await scene.talk("caller", 0.6)
        await until(lambda: scene.model.frames)
        assert not scene.agent.ended.is_set()


async def test_what_was_said_before_a_wish_to_stop_reaches_no_model_that_comes_back(
    tmp_path: Path,
) -> None:
    """Nor is it kept."""
    records, keep = RecordStore(tmp_path), PrivacySettings(retention="everything", audio=True)
    runtime = FakeRuntime(slots=1)
    async with call(runtime=runtime, records=records, backoff=PATIENT, privacy=keep) as scene:
        await scene.talk("caller", 0.6)
        await until(lambda: scene.model.frames)
        scene.model.break_off("the worker died")
        await scene.talk("caller", 1.2)
        scene.agent.consent.stop("caller")
        runtime.slots = 2
        await until(lambda: len(runtime.sessions) == 2)
        await asyncio.sleep(0.1)
        assert scene.model.frames == []
        heard = len(runtime.sessions[0].frames)
    with av.open(str(records.audio(records.list()[0].id)[0])) as file:
        kept = sum(one.samples for one in file.decode(audio=0))
    assert kept == heard * FRAME_SAMPLES


async def test_a_runtime_that_stays_away_ends_the_call_with_a_reason() -> None:
    async with call(runtime=FakeRuntime(slots=1)) as scene:
        scene.model.break_off("the worker died")
        await until(scene.agent.ended.is_set)
        assert isinstance(scene.agent.failure, RuntimeFailure)
    assert scene.switchboard.taken == 0


async def test_a_full_runtime_refuses_a_call_and_its_seat_is_free_again() -> None:
    runtime = FakeRuntime(slots=0)
    board = Switchboard(Role(profile(), runtime=runtime), runtime, most_calls=1)
    with pytest.raises(RuntimeBusy):
        async with board.call(board.reserve(), door="test", call_id="call", line=FakeLine()):
            pass
    seat = board.reserve()
    with pytest.raises(SwitchboardFull, match="the only call"):
        board.reserve()
    seat.release()
    seat.release()
    assert board.taken == 0


async def test_draining_takes_no_call_and_ends_those_that_stay() -> None:
    async with call(sink=Playing(), voice=NoVoice(engine="none")) as scene:
        draining = asyncio.create_task(scene.switchboard.drain(0.05))
        await until(scene.agent.ended.is_set)
        with pytest.raises(SwitchboardFull, match="stopped"):
            scene.switchboard.reserve()
    await draining


async def test_one_memory_for_each_of_two_speakers() -> None:
    async with call(speakers=("ann", "bob"), room=RoomSettings(ear="each")) as scene:
        await until(lambda: len(scene.agent.sessions.open) == 2)
        for _ in range(30):
            scene.agent.hear("ann", LOUD)
            await asyncio.sleep(0.02)
        await until(lambda: all(one.frames for one in scene.runtime.sessions))
        speakers = [
            {speaker.identity for frame in one.frames for speaker in frame.speakers}
            for one in scene.runtime.sessions
        ]
        assert sorted(map(len, speakers)) == [0, 1]
        scene.agent.left("bob")
        await until(lambda: len(scene.agent.sessions.open) == 1)
