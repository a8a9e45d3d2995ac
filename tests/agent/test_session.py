from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from interject.agent import (
    AgentSession,
    CollectingOutput,
    Cue,
    FloorState,
    Pacing,
    Posted,
    Spoken,
    TimelineSink,
    YieldToSpeech,
)
from interject.agent.outputs import Unvoiced
from interject.config import Profile, ReplyLimits
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    Cause,
    Closed,
    CloseReason,
    Decision,
    Emotion,
    Event,
    FloorMode,
    ReplyStarted,
    RuntimeBusy,
    RuntimeFailure,
    SessionClosed,
    Speaker,
)
from tests.fakes.clock import FakeClock
from tests.fakes.runtime import Cancelled, FakeRuntime, Scripted
from tests.fakes.sink import FakeSink, Trouble, TroubledSink
from tests.fakes.voice import FakeVoice

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.outputs import OutputEvent
    from interject.model_runtime.protocol import Frame

TEXT = "It is ten past four."
CHAR_SAMPLES = 1_600


def profile(**changes: Any) -> Profile:
    return Profile(name="test", system_prompt="listen", **changes)


def silence(frames: int = 1) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.zeros(frames * FRAME_SAMPLES, np.int16)


async def until(condition: Callable[[], bool]) -> None:
    """Let other tasks run; no time passes."""
    for _ in range(2_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("this never became true")


async def test_a_file_is_heard_answered_and_spoken_in_its_place() -> None:
    runtime = FakeRuntime({1: Scripted(TEXT)})
    sounds: list[tuple[float, int]] = []
    sink = TimelineSink(lambda at, pcm, rate: sounds.append((at, len(pcm) // 2)))
    seen: list[Event] = []
    output = CollectingOutput()
    async with AgentSession(
        runtime,
        profile(),
        voice=FakeVoice(),
        sink=sink,
        outputs=[output],
        session_id="s",
        observer=seen.append,
    ) as session:
        for index in range(6):
            await session.push_audio(silence(), index * 0.4)
        await session.finish()
    fake = runtime.sessions[0]
    assert [event.seq for event in seen if isinstance(event, Decision)] == list(range(6))
    assert isinstance(seen[-1], Closed)
    assert [frame.captured_at for frame in fake.frames] == pytest.approx(
        [0.0, 0.4, 0.8, 1.2, 1.6, 2.0]
    )
    assert sounds[0][0] == pytest.approx(0.8)
    assert sum(samples for _, samples in sounds) == len(TEXT) * CHAR_SAMPLES
    (spoken,) = output.events
    assert isinstance(spoken, Spoken)
    assert (spoken.text, spoken.heard_chars, spoken.interrupted) == (TEXT, len(TEXT), False)
    statistics = session.statistics()
    assert (statistics.decisions, statistics.replies.spoken) == (6, 1)
    assert statistics.floor is FloorState.LISTENING


async def test_options_come_from_the_profile_and_can_be_overruled() -> None:
    runtime = FakeRuntime()
    async with AgentSession(
        runtime,
        profile(threshold=0.7, reply=ReplyLimits(max_tokens=9)),
        voice=FakeVoice(),
        threshold=0.3,
        mode=FloorMode.OBSERVE,
        prompt_ids=(1, 2),
    ) as session:
        options = runtime.sessions[0].options
        assert session.mode is FloorMode.OBSERVE
    assert (options.threshold, options.mode, options.prompt_ids) == (0.3, "observe", (1, 2))
    assert (options.system_prompt, options.max_reply_tokens) == ("listen", 9)
    assert options.session_id == session.session_id


async def test_heard_words_follow_the_loudspeaker_and_are_reported() -> None:
    runtime = FakeRuntime({0: Scripted(TEXT)})
    sink = FakeSink()
    async with AgentSession(runtime, profile(), voice=FakeVoice(), sink=sink) as session:
        await session.push_audio(silence(2), 0.0)
        await sink.play(6 * CHAR_SAMPLES)
        assert [word.text for word in session.heard_words()] == ["It", "is"]
        assert session.floor_state is FloorState.SPEAKING
        assert session.statistics().saying == (0, 6)
        await until(lambda: (0, 6) in runtime.sessions[0].heard_reports)
        await sink.play((len(TEXT) - 6) * CHAR_SAMPLES)
        await until(lambda: session.floor_state is FloorState.LISTENING)
        assert session.statistics().saying is None
        await session.finish()
    reports = [chars for _, chars in runtime.sessions[0].heard_reports]
    assert reports == sorted(reports)
    assert reports[-1] == len(TEXT)


async def test_an_interruption_keeps_only_what_was_heard() -> None:
    runtime = FakeRuntime({0: Scripted(TEXT)})
    sink, output = FakeSink(), CollectingOutput()
    async with AgentSession(
        runtime, profile(), voice=FakeVoice(), sink=sink, outputs=[output]
    ) as session:
        await session.push_audio(silence(2), 0.0)
        await sink.play(12 * CHAR_SAMPLES)
        await session.interrupt()
        assert runtime.sessions[0].cancelled == [Cancelled(0, 10)]
        assert sink.held_samples == 0
        assert session.floor_state is FloorState.LISTENING
        await session.interrupt()
        assert len(runtime.sessions[0].cancelled) == 1
        await session.finish()
    (spoken,) = output.events
    assert isinstance(spoken, Spoken)
    assert (spoken.heard_chars, spoken.interrupted) == (10, True)
    assert session.statistics().replies.cut == 1


async def test_it_can_speak_again_after_an_interruption() -> None:
    runtime = FakeRuntime()
    sink = FakeSink()
    async with AgentSession(runtime, profile(), voice=FakeVoice(), sink=sink) as session:
        await session.say("one two")
        await sink.play(4 * CHAR_SAMPLES)
        await session.interrupt()
        await session.say("three")
        await sink.play(5 * CHAR_SAMPLES)
        await until(lambda: session.floor_state is FloorState.LISTENING)
        await session.finish()
    assert runtime.sessions[0].cancelled == [Cancelled(0, 4)]
    assert (1, 5) in runtime.sessions[0].heard_reports


async def test_replies_wait_for_each_other() -> None:
    runtime = FakeRuntime()
    sink, output = FakeSink(), CollectingOutput()
    async with AgentSession(
        runtime, profile(), voice=FakeVoice(), sink=sink, outputs=[output]
    ) as session:
        await session.say("first")
        await session.say("second")
        await until(lambda: session.floor_state is FloorState.HOLDING)
        await sink.play(11 * CHAR_SAMPLES)
        await session.finish()
    assert [event.text for event in output.events if isinstance(event, Spoken)] == [
        "first",
        "second",
    ]


async def test_urgent_words_cut_own_speech_and_pass_what_waits() -> None:
    runtime = FakeRuntime()
    sink, output = FakeSink(), CollectingOutput()
    async with AgentSession(
        runtime, profile(), voice=FakeVoice(), sink=sink, outputs=[output]
    ) as session:
        await session.say("a long story")
        await session.say("more of it")
        await sink.play(7 * CHAR_SAMPLES)
        await session.say("Fire", emotion=Emotion.URGENT)
        await until(lambda: runtime.sessions[0].cancelled == [Cancelled(0, 7)])
        await sink.play(14 * CHAR_SAMPLES)
        await session.finish()
    assert [event.text for event in output.events if isinstance(event, Spoken)] == [
        "a long story",
        "Fire",
        "more of it",
    ]


async def test_two_alarms_do_not_cut_each_other() -> None:
    runtime = FakeRuntime()
    sink = FakeSink()
    async with AgentSession(runtime, profile(), voice=FakeVoice(), sink=sink) as session:
        await session.say("Fire", emotion=Emotion.URGENT)
        await until(lambda: session.floor_state is FloorState.SPEAKING)
        await session.say("Smoke", emotion=Emotion.URGENT)
        await sink.play(9 * CHAR_SAMPLES)
        await session.finish()
    assert runtime.sessions[0].cancelled == []


@pytest.mark.parametrize(
    ("mode", "kinds"),
    [
        (FloorMode.OBSERVE, [Posted]),
        (FloorMode.ASSIST, [Cue]),
        (FloorMode.SPEAK, [Posted, Cue, Spoken]),
    ],
)
async def test_the_mode_decides_who_gets_a_reply(
    mode: FloorMode, kinds: list[type[OutputEvent]]
) -> None:
    runtime = FakeRuntime({0: Scripted(TEXT, Emotion.URGENT)})
    voice, output = FakeVoice(), CollectingOutput()
    async with AgentSession(
        runtime,
        profile(outputs=("spoken", "posted", "cue")),
        voice=voice,
        outputs=[output],
        mode=mode,
        session_id="s",
    ) as session:
        await session.push_audio(silence(2), 0.0)
        await session.finish()
    assert [type(event) for event in output.events] == kinds
    assert bool(voice.texts) is (mode is FloorMode.SPEAK)
    for event in output.events:
        if isinstance(event, Cue):
            assert (event.id, event.priority, event.chunk) == ("s-0", 1_000, 0)
            assert event.expires_at_s == pytest.approx(30.4)


async def test_a_reply_that_is_only_shown_counts_as_heard() -> None:
    runtime = FakeRuntime({0: Scripted(TEXT)})
    async with AgentSession(
        runtime, profile(outputs=("posted",)), voice=FakeVoice(), outputs=[CollectingOutput()]
    ) as session:
        await session.push_audio(silence(2), 0.0)
        await until(lambda: runtime.sessions[0].heard_reports == [(0, len(TEXT))])
        await session.finish()


async def test_going_to_observe_stops_speech_in_the_word() -> None:
    runtime = FakeRuntime()
    sink = FakeSink()
    async with AgentSession(runtime, profile(), voice=FakeVoice(), sink=sink) as session:
        await session.say("one two three")
        await sink.play(5 * CHAR_SAMPLES)
        await session.set_mode(FloorMode.OBSERVE)
        assert sink.held_samples == 0
        await session.say("nobody hears this")
        await session.set_threshold(0.8)
        await session.finish()
    fake = runtime.sessions[0]
    assert fake.cancelled == [Cancelled(0, 4)]
    assert fake.updates == [(None, FloorMode.OBSERVE), (0.8, None)]
    assert sink.position_samples == 5 * CHAR_SAMPLES
    assert session.statistics().replies.shown == 1


async def test_more_unprompted_replies_than_allowed_are_taken_back() -> None:
    script = {seq: Scripted(f"word {seq}") for seq in range(4)}
    script[3] = Scripted("Fire", Emotion.URGENT)
    runtime = FakeRuntime(script)
    voice = FakeVoice(samples_per_char=10)
    async with AgentSession(
        runtime,
        profile(reply=ReplyLimits(unprompted_per_minute=1)),
        voice=voice,
    ) as session:
        await session.push_audio(silence(5), 0.0)
        await session.say("forced")
        await until(lambda: session.statistics().replies.started == 5)
        await session.finish()
    assert session.statistics().replies.suppressed == 2
    assert Cancelled(1, 0) in runtime.sessions[0].cancelled
    assert "forced" in voice.texts
    assert "Fire" in voice.texts


async def test_in_a_file_the_cap_counts_minutes_of_the_file() -> None:
    runtime = FakeRuntime({0: Scripted("one"), 149: Scripted("two"), 150: Scripted("three")})
    voice = FakeVoice(samples_per_char=10)
    async with AgentSession(
        runtime, profile(reply=ReplyLimits(unprompted_per_minute=1)), voice=voice
    ) as session:
        for index in range(152):
            await session.push_audio(silence(), index * 0.4)
        await session.finish()
    assert voice.texts == ["one", "three"]


async def test_barge_in_by_policy() -> None:
    runtime = FakeRuntime()
    sink = FakeSink()
    async with AgentSession(
        runtime,
        profile(),
        voice=FakeVoice(),
        sink=sink,
        barge_in=YieldToSpeech(level_dbfs=-30, frames=2),
    ) as session:
        await session.say("one two three")
        await sink.play(4 * CHAR_SAMPLES)
        quiet, loud = [Speaker("anna", -50.0)], [Speaker("anna", -20.0)]
        for index, speakers in enumerate([loud, quiet, loud]):
            await session.push_audio(silence(), index * 0.4, speakers)
        assert runtime.sessions[0].cancelled == []
        await session.push_audio(silence(2), 1.2, loud)
        assert runtime.sessions[0].cancelled == [Cancelled(0, 4)]
        await session.finish()


async def test_a_reply_is_spoken_while_it_is_being_written() -> None:
    runtime = FakeRuntime()
    sink = FakeSink()
    async with AgentSession(runtime, profile(), voice=FakeVoice(), sink=sink) as session:
        fake = runtime.sessions[0]
        reply_id = fake.reply(Scripted("Wait. And", whole=False), cause=Cause.MODEL)
        await sink.play(6 * CHAR_SAMPLES)
        assert [word.text for word in session.heard_words()] == ["Wait."]
        fake.end_reply(reply_id, "Wait. And")
        await sink.play(3 * CHAR_SAMPLES)
        await until(lambda: session.floor_state is FloorState.LISTENING)
        await session.finish()
    assert fake.heard_reports[-1] == (0, 9)


async def test_a_voice_that_breaks_down_does_not_end_the_listening() -> None:
    runtime = FakeRuntime({0: Scripted("Good. Bad."), 2: Scripted("Fine.")})
    voice = FakeVoice(samples_per_char=100, fails_after=1)
    async with AgentSession(runtime, profile(), voice=voice) as session:
        await session.push_audio(silence(4), 0.0)
        await session.finish()
    statistics = session.statistics()
    assert (statistics.voice_failures, statistics.decisions) == (1, 4)
    assert (statistics.replies.cut, statistics.replies.spoken) == (1, 1)


async def test_a_reply_whose_voice_breaks_down_is_read_where_somebody_reads() -> None:
    runtime = FakeRuntime({0: Scripted("Good. Bad.")})
    voice = FakeVoice(samples_per_char=100, fails_after=1)
    output = CollectingOutput()
    async with AgentSession(
        runtime, profile(), voice=voice, outputs=[output], readers=True
    ) as session:
        await session.push_audio(silence(4), 0.0)
        heard = runtime.sessions[0].heard_reports
        await until(lambda: heard[-1:] == [(0, len("Good. Bad."))])
        await session.finish()
    (unvoiced,) = output.events
    assert isinstance(unvoiced, Unvoiced)
    assert unvoiced.text == "Good. Bad."
    assert session.statistics().replies.shown == 1


async def test_an_output_that_breaks_down_is_counted() -> None:
    class Broken:
        async def emit(self, event: OutputEvent) -> None:
            raise OSError("down")

    output = CollectingOutput()
    runtime = FakeRuntime({0: Scripted(TEXT)})
    async with AgentSession(
        runtime, profile(outputs=("posted",)), voice=FakeVoice(), outputs=[Broken(), output]
    ) as session:
        await session.push_audio(silence(2), 0.0)
        await session.finish()
    assert session.statistics().output_failures == 1
    assert len(output.events) == 1


async def test_controls_reach_the_runtime() -> None:
    runtime = FakeRuntime()
    seen: list[Event] = []
    async with AgentSession(runtime, profile(), voice=FakeVoice(), observer=seen.append) as session:
        await session.text_turn("hello")
        await session.answer_now()
        with pytest.raises(ValueError, match="a threshold is a probability"):
            await session.set_threshold(1.5)
        await session.finish()
    causes = [event.cause for event in seen if isinstance(event, ReplyStarted)]
    assert causes == [Cause.TEXT_TURN, Cause.ANSWER_NOW]


async def test_a_full_runtime_says_so() -> None:
    with pytest.raises(RuntimeBusy, match="every slot"):
        async with AgentSession(FakeRuntime(slots=0), profile(), voice=FakeVoice()):
            pass


async def test_a_session_that_is_not_open_says_how_to_open_it() -> None:
    session = AgentSession(FakeRuntime(), profile(), voice=FakeVoice())
    with pytest.raises(RuntimeFailure, match="async with"):
        await session.say("hello")


async def test_a_runtime_that_breaks_off_ends_the_block_with_its_reason() -> None:
    runtime = FakeRuntime()
    session = AgentSession(runtime, profile(), voice=FakeVoice())

    async def use() -> None:
        async with session:
            runtime.sessions[0].break_off("out of memory")
            with pytest.raises(SessionClosed):
                await session.push_audio(silence(2), 0.0)
            await session.finish()

    with pytest.raises(RuntimeFailure, match="out of memory"):
        await use()
    assert session.closed == Closed(session.session_id, CloseReason.FAILURE, "out of memory")


async def test_an_error_in_the_block_ends_everything_and_comes_out_as_itself() -> None:
    runtime = FakeRuntime()

    async def use() -> None:
        async with AgentSession(runtime, profile(), voice=FakeVoice(), sink=FakeSink()) as session:
            await session.say("one two three")
            await asyncio.sleep(0)
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await use()
    with pytest.raises(SessionClosed):
        await runtime.sessions[0].answer_now()


async def test_leaving_the_block_in_the_middle_of_a_reply_is_quick_and_clean() -> None:
    runtime = FakeRuntime()
    sink = FakeSink()
    async with AgentSession(runtime, profile(), voice=FakeVoice(), sink=sink) as session:
        await session.say("one two three")
        await session.say("and more")
        await sink.play(4 * CHAR_SAMPLES)
    assert runtime.sessions[0].cancelled == [Cancelled(1, 0), Cancelled(0, 4)]


async def test_a_file_is_not_read_far_ahead_of_the_model() -> None:
    runtime = FakeRuntime(deciding=False)
    async with AgentSession(runtime, profile(), voice=FakeVoice()) as session:
        fake = runtime.sessions[0]
        async with asyncio.TaskGroup() as group:
            group.create_task(session.push_audio(silence(100), 0.0))
            await until(lambda: len(fake.frames) == 65)
            for _ in range(20):
                await asyncio.sleep(0)
            assert len(fake.frames) == 65
            for seq in range(99):
                await until(lambda wanted=seq: len(fake.frames) > wanted)  # type: ignore[misc]
                fake.decide(fake.frames[seq])
        await session.stop()
    assert len(fake.frames) == 99


async def test_live_silence_is_framed_by_the_clock() -> None:
    clock = FakeClock()
    runtime = FakeRuntime()
    async with AgentSession(
        runtime, profile(), voice=FakeVoice(), clock=clock, pacing=Pacing.WALL_CLOCK
    ) as session:
        await session.push_audio(np.ones(1_600, np.int16), clock.now_s)
        clock.advance(1.2)
        await session.tick()
        assert len(runtime.sessions[0].frames) == 2
        assert session.statistics().framing.missing_samples > 0
        await session.finish()


async def test_sessions_share_nothing() -> None:
    runtime = FakeRuntime({1: Scripted(TEXT)})
    voice = FakeVoice()

    async def one(name: str) -> int:
        async with AgentSession(runtime, profile(), voice=voice, session_id=name) as session:
            for index in range(5):
                await session.push_audio(silence(), index * 0.4)
            await session.finish()
        return session.statistics().replies.spoken

    assert list(await asyncio.gather(one("a"), one("b"), one("c"))) == [1, 1, 1]


async def test_sound_in_time_is_heard_in_order_while_an_interruption_takes_long() -> None:
    runtime, clock = FakeRuntime(deciding=False), FakeClock()
    sink = TroubledSink(Trouble.HANGS)
    asked: list[int] = []

    def over(frame: Frame) -> bool:
        asked.append(frame.seq)
        return True

    async with AgentSession(
        runtime,
        profile(),
        voice=FakeVoice(),
        sink=sink,
        clock=clock,
        pacing=Pacing.WALL_CLOCK,
        barge_in=over,
    ) as session:
        await session.say("one two three")
        await until(lambda: session.floor_state is FloorState.SPEAKING)
        pushing = []
        for _ in range(20):
            block = np.full(FRAME_SAMPLES // 2, 500, np.int16)
            pushing.append(asyncio.create_task(session.push_audio(block, clock())))
            clock.advance(0.2)
            await asyncio.sleep(0)
            pushing.append(asyncio.create_task(session.tick()))
            await until(lambda: all(push.done() for push in pushing))
        assert asked, "the policy was never asked"
        assert session.floor_state is FloorState.YIELDED
        sink.freed.set()
        await until(lambda: session.floor_state is FloorState.LISTENING)
        report = session.statistics().framing
    frames = runtime.sessions[0].frames
    assert [frame.seq for frame in frames] == list(range(len(frames)))
    assert len(frames) == 9
    assert (report.late_samples, report.missing_samples, report.skipped_frames) == (0, 0, 0)


@pytest.mark.parametrize("trouble", list(Trouble))
async def test_a_sink_that_fails_does_not_end_the_listening(trouble: Trouble) -> None:
    runtime, sink = FakeRuntime({0: Scripted(TEXT)}), TroubledSink(trouble, nth=1)
    async with AgentSession(runtime, profile(), voice=FakeVoice(), sink=sink) as session:
        await session.push_audio(silence(2), 0.0)
        await until(lambda: sink.awaits > 1)
        stopping = asyncio.create_task(session.stop())
        await asyncio.sleep(0)
        sink.freed.set()
        async with asyncio.timeout(5):
            await stopping
    assert session.closed is not None
    assert session.closed.reason is CloseReason.CLIENT


async def test_whoever_waits_for_the_end_returns_when_the_session_fails() -> None:
    def observer(event: Event) -> None:
        raise ZeroDivisionError

    session = AgentSession(FakeRuntime(), profile(), voice=FakeVoice(), observer=observer)
    finishing: list[asyncio.Task[None]] = []

    async def listen() -> None:
        async with session:
            finishing.extend(asyncio.create_task(session.finish()) for _ in range(2))
            await session.push_audio(silence(2), 0.0)
            await asyncio.Event().wait()

    with pytest.raises(ZeroDivisionError):
        await listen()
    async with asyncio.timeout(5):
        await asyncio.gather(*finishing)
