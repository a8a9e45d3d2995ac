"""Sound in, event log out: a real `AgentSession` around a scripted model."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest
from livekit.agents import llm
from livekit.agents.voice.room_io import TextInputEvent

from interject.agent.floor import FloorState, Verdict
from interject.agent.outputs import Posted
from interject.config import load_profile
from interject.integrations.livekit.builder import on_text
from interject.model_runtime.protocol import Cause, Emotion, FloorMode
from tests.fakes.livekit_audio import silence
from tests.fakes.runtime import Cancelled, FakeRuntime, Scripted
from tests.integrations.livekit.stage import opened, stage
from tests.waiting import until

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONG = "One two three four five six seven eight nine ten."


def talk(seconds: float, *, seed: int = 3) -> NDArray[np.int16]:
    """Somebody loud: noise, none of whose frames is all zeros."""
    noise = np.random.default_rng(seed).normal(0.0, 6_000.0, round(seconds * 16_000))
    return np.clip(noise, -32_768, 32_767).astype(np.int16)


async def test_silence_stays_silent() -> None:
    async with stage(FakeRuntime()) as here:
        await here.hear(silence(4.1))
        await until(lambda: len(here.decisions) == 10)
        assert here.speaker.segments == []
        assert here.messages() == []


async def test_an_alarm_is_answered_unprompted_in_its_emotion() -> None:
    runtime = FakeRuntime(script={3: Scripted("Something is burning.", Emotion.URGENT)})
    async with stage(runtime) as here:
        await here.hear(silence(4.1))
        await until(here.messages)
        spoken = here.messages()[0]
        assert spoken.text_content == "Something is burning."
        assert spoken.extra == {"interject.emotion": "urgent"}
        assert here.voice.emotions == [Emotion.URGENT]
        await until(lambda: runtime.sessions[0].heard_reports)
        assert runtime.sessions[0].heard_reports == [(0, len("Something is burning."))]


async def test_metrics_come_once_a_reply_and_never_for_a_decision() -> None:
    runtime = FakeRuntime(script={3: Scripted("Yes."), 8: Scripted("No.")})
    async with stage(runtime) as here:
        await here.hear(silence(6.1))
        await until(lambda: len(here.messages()) == 2)
        assert len(here.metrics) == 2
        assert len(here.decisions) == 15


async def test_whoever_talks_over_the_agent_is_heard_whole_and_cuts_nothing() -> None:
    """LiveKit's echo warm-up would hand over digital silence in place of the first 3 s."""
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime, by_hand=True) as here:
        model = await opened(runtime)
        model.reply(Scripted(LONG), cause=Cause.MODEL)
        await until(lambda: here.speaker.captured_s > 1.0)
        here.speaker.play(0.5)
        await here.hear(talk(4.1))
        await until(lambda: len(model.frames) == 10)
        assert all(any(frame.pcm) for frame in model.frames)
        assert here.speaker.playing
        await until(lambda: here.speaker.whole)
        here.speaker.play_all()
        await until(here.messages)
        assert here.speaker.interrupted == [False]
        assert model.cancelled == []


async def test_barge_in_stops_speech_and_the_memory_keeps_what_was_heard() -> None:
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime, by_hand=True, barge_in=True) as here:
        model = await opened(runtime)
        model.reply(Scripted(LONG), cause=Cause.MODEL)
        await until(lambda: here.speaker.captured_s > 2.0)
        await until(lambda: here.agent.agent_state == "speaking")
        here.speaker.play(1.0)
        await here.hear(talk(0.25))
        await until(lambda: model.cancelled)
        assert here.speaker.interrupted == [True]
        assert model.cancelled == [Cancelled(0, len("One two three four "))]
        (spoken,) = here.spoken
        assert (spoken.text, spoken.interrupted) == (LONG, True)
        assert spoken.text[: spoken.heard_chars] == "One two three four "
        assert here.ear.floor_state is FloorState.LISTENING


async def test_a_short_noise_is_no_barge_in() -> None:
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime, by_hand=True, barge_in=True) as here:
        model = await opened(runtime)
        model.reply(Scripted(LONG), cause=Cause.MODEL)
        await until(lambda: here.agent.agent_state == "speaking")
        await here.hear(np.concatenate([talk(0.1), silence(0.3), talk(0.1), silence(0.4)]))
        await until(lambda: len(model.frames) == 2)
        assert here.speaker.playing
        assert model.cancelled == []


async def test_observe_makes_no_sound_and_posts() -> None:
    profile = load_profile("meeting_assistant")
    runtime = FakeRuntime(script={2: Scripted("The plan has no owner.")})
    async with stage(runtime, profile=profile) as here:
        await here.hear(silence(3.3))
        await until(lambda: here.ended)
        assert [verdict for _, verdict in here.started] == [Verdict.SHOW]
        assert [output.text for output in here.outputs if isinstance(output, Posted)] == [
            "The plan has no owner."
        ]
        await until(lambda: len(here.decisions) == 8)
        assert here.speaker.segments == []
        assert here.voice.texts == []


async def test_in_observe_even_a_reply_that_was_asked_for_is_silent() -> None:
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime, mode=FloorMode.OBSERVE) as here:
        await here.agent.generate_reply()
        assert here.messages()[0].text_content == "All right."
        assert here.speaker.segments == []
        assert here.voice.texts == []


async def test_typed_text_is_answered() -> None:
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime) as here:
        await on_text(here.agent, TextInputEvent(text="hello"))
        await until(here.messages)
        assert here.messages()[0].text_content == "You wrote hello."
        assert len(here.speaker.segments) == 1


async def test_generate_reply_answers_now() -> None:
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime) as here:
        await here.agent.generate_reply(user_input="Is the oven off?")
        assert [m.text_content for m in here.messages("user")] == ["Is the oven off?"]
        assert [m.text_content for m in here.messages()] == ["All right."]
        assert here.speaker.interrupted == [False]


async def test_instructions_for_a_reply_are_a_text_turn() -> None:
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime) as here:
        await here.agent.generate_reply(instructions="Greet.")
        assert [m.text_content for m in here.messages()] == ["You wrote Greet.."]


async def test_a_reply_that_does_not_come_fails_soon() -> None:
    runtime = FakeRuntime(deciding=False, answering=False)
    async with stage(runtime, reply_timeout_s=0.1) as here:
        handle = here.agent.generate_reply()
        async with asyncio.timeout(30):
            await handle
        assert isinstance(handle.exception(), llm.RealtimeError)
        assert here.messages() == []


async def test_what_is_said_for_the_model_enters_its_memory_and_is_heard_once() -> None:
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime) as here:
        model = await opened(runtime)
        await here.agent.say("Interject is listening.")
        await until(lambda: model.replies == 1)
        await here.agent.generate_reply()
        assert here.voice.texts == ["Interject is listening.", "All right."]
        assert len(here.speaker.segments) == 2


async def test_two_replies_are_said_one_after_the_other() -> None:
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime, by_hand=True) as here:
        model = await opened(runtime)
        model.reply(Scripted("The first."), cause=Cause.MODEL)
        model.reply(Scripted("The second."), cause=Cause.MODEL)
        await until(lambda: here.speaker.whole)
        await until(lambda: here.ear.floor_state is FloorState.HOLDING)
        assert here.voice.texts == ["The first."]
        here.speaker.play_all()
        await until(lambda: here.voice.texts == ["The first.", "The second."])
        await until(lambda: here.speaker.whole)
        here.speaker.play_all()
        await until(lambda: len(here.messages()) == 2)
        assert here.speaker.interrupted == [False, False]
        await until(lambda: here.ear.floor_state is FloorState.LISTENING)


async def test_an_urgent_reply_interrupts_and_is_never_behind_others() -> None:
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime, by_hand=True) as here:
        model = await opened(runtime)
        model.reply(Scripted(LONG), cause=Cause.MODEL)
        model.reply(Scripted("By the way."), cause=Cause.MODEL)
        await until(lambda: here.speaker.captured_s > 1.0)
        here.speaker.play(0.5)
        model.reply(Scripted("Fire!", Emotion.URGENT), cause=Cause.MODEL)
        await until(lambda: "Fire!" in here.voice.texts)
        assert here.voice.texts[-1] == "Fire!"
        assert here.speaker.interrupted == [True]
        assert model.cancelled == [Cancelled(0, len("One two "))]
        await until(lambda: here.speaker.whole)
        here.speaker.play_all()
        await until(lambda: here.voice.texts[-1] == "By the way.")


async def test_an_urgent_reply_interrupts_what_was_said_without_the_model() -> None:
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime, by_hand=True) as here:
        model = await opened(runtime)
        here.agent.say("A long announcement that nobody needs to hear to its end.")
        await until(lambda: here.speaker.captured_s > 1.0)
        model.reply(Scripted("Fire!", Emotion.URGENT), cause=Cause.MODEL)
        await until(lambda: here.voice.texts[-1] == "Fire!")
        assert here.speaker.interrupted == [True]


async def test_interrupting_the_session_forgets_what_waits() -> None:
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime, by_hand=True) as here:
        model = await opened(runtime)
        model.reply(Scripted(LONG), cause=Cause.MODEL)
        model.reply(Scripted("By the way."), cause=Cause.MODEL)
        await until(lambda: here.speaker.captured_s > 1.0)
        await here.agent.interrupt()
        await until(lambda: len(model.cancelled) == 2)
        assert model.cancelled[0] == Cancelled(1, 0)
        assert "By the way." not in here.voice.texts


async def test_the_cap_suppresses_chatter_and_spares_alarms() -> None:
    profile = load_profile("default")
    limits = profile.reply.model_copy(update={"unprompted_per_minute": 1})
    profile = profile.model_copy(update={"reply": limits})
    runtime = FakeRuntime(
        script={1: Scripted("One."), 3: Scripted("Two."), 5: Scripted("Fire!", Emotion.URGENT)}
    )
    async with stage(runtime, profile=profile) as here:
        await here.hear(silence(3.3))
        await until(lambda: len(here.messages()) == 2)
        assert [m.text_content for m in here.messages()] == ["One.", "Fire!"]
        assert Cancelled(1, 0) in runtime.sessions[0].cancelled


async def test_beyond_the_cap_only_what_may_be_a_wish_to_stop_is_read_to_its_end() -> None:
    profile = load_profile("default")
    limits = profile.reply.model_copy(update={"unprompted_per_minute": 0})
    profile = profile.model_copy(update={"reply": limits})
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime, profile=profile) as here:
        model = await opened(runtime)
        model.reply(Scripted("I will stop", whole=False), cause=Cause.MODEL)
        model.reply(Scripted("I will stop listening to", whole=False), cause=Cause.MODEL)
        await until(lambda: model.cancelled)
        assert model.cancelled == [Cancelled(1, 0)]
        model.end_reply(0, "I will stop listening.")
        await until(lambda: len(model.cancelled) == 2)
        assert model.cancelled[1] == Cancelled(0, 0)
        assert [ended.text for ended in here.ended] == ["I will stop listening."]
        assert here.voice.texts == []


async def test_switching_to_observe_stops_in_the_middle_of_a_word() -> None:
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime, by_hand=True) as here:
        model = await opened(runtime)
        model.reply(Scripted(LONG), cause=Cause.MODEL)
        await until(lambda: here.speaker.captured_s > 1.0)
        here.speaker.play(0.5)
        here.ear.set_mode(FloorMode.OBSERVE)
        await until(lambda: model.cancelled)
        assert (None, FloorMode.OBSERVE) in model.updates
        model.reply(Scripted("More."), cause=Cause.MODEL)
        await until(lambda: len(here.ended) == 2)
        assert "More." not in here.voice.texts
        here.ear.set_mode(FloorMode.SPEAK)
        model.reply(Scripted("Again."), cause=Cause.MODEL)
        await until(lambda: "Again." in here.voice.texts)


async def test_nothing_is_heard_from_the_moment_it_shall_not_listen() -> None:
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime) as here:
        model = await opened(runtime)
        await here.hear(talk(1.0))
        await until(lambda: here.ear.framing_report().received_samples == 16_000)
        here.ear.stop_listening()
        await here.hear(talk(2.0))
        await until(here.microphone.empty)
        here.ear.resume_listening()
        await here.hear(silence(1.3))
        await until(lambda: model.frames and model.frames[-1].seq >= 8)
        assert [frame.seq for frame in model.frames if any(frame.pcm)] == [0, 1]


async def test_what_it_says_as_it_stops_listening_is_said_to_its_end() -> None:
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime, by_hand=True, barge_in=True) as here:
        model = await opened(runtime)
        here.ear.on("interject_reply_ended", lambda *_: here.ear.stop_listening())
        model.reply(Scripted("I will stop listening."), cause=Cause.MODEL)
        await until(lambda: not here.ear.listening)
        await until(lambda: here.agent.agent_state == "speaking")
        await here.hear(talk(1.0))
        await until(lambda: here.speaker.whole)
        here.speaker.play_all()
        await until(here.messages)
        assert here.speaker.interrupted == [False]
        assert model.cancelled == []
        assert not any(any(frame.pcm) for frame in model.frames)


async def test_a_broken_runtime_is_opened_anew_and_frames_go_on() -> None:
    runtime = FakeRuntime(deciding=True)
    async with stage(runtime, instructions="Speak of bread only.") as here:
        first = await opened(runtime)
        await here.hear(silence(2.1))
        await until(lambda: len(here.decisions) == 5)
        first.break_off("the engine died")
        await until(lambda: len(runtime.sessions) == 2)
        await here.hear(silence(2.0))
        await until(lambda: len(here.decisions) == 10)
        assert [decision.seq for decision in here.decisions] == list(range(10))
        assert here.reconnections == 1
        assert [error.recoverable for error in here.errors] == [True]


async def test_a_reply_whose_runtime_breaks_is_said_as_far_as_it_came() -> None:
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime) as here:
        model = await opened(runtime)
        model.reply(Scripted("There is smoke", whole=False), cause=Cause.MODEL)
        await until(lambda: here.started)
        model.break_off("the engine died")
        await until(here.messages)
        assert here.messages()[0].text_content == "There is smoke"


async def test_a_full_line_lets_the_oldest_go() -> None:
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime, by_hand=True):
        model = await opened(runtime)
        for number in range(12):
            model.reply(Scripted(f"Number {number}."), cause=Cause.MODEL)
        await until(lambda: len(model.cancelled) == 3)
        assert [cut.reply_id for cut in model.cancelled] == [1, 2, 3]


@pytest.mark.parametrize("rate_hz", [8_000, 24_000, 48_000])
async def test_any_rate_is_heard(rate_hz: int) -> None:
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime) as here:
        model = await opened(runtime)
        await here.hear(silence(2.1, rate_hz=rate_hz), rate_hz=rate_hz)
        await until(lambda: len(model.frames) >= 4)
