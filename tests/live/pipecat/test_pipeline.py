"""What happens around replies in Pipecat's own pipeline, with a telephone at its end."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    InterruptionFrame,
    LLMMessagesAppendFrame,
    LLMUpdateSettingsFrame,
    TTSAudioRawFrame,
)
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService

from interject.integrations.pipecat.llm_service import InterjectLLMService
from interject.integrations.pipecat.settings import Interruptions
from interject.integrations.pipecat.tts_service import InterjectTTSService
from interject.integrations.twilio.simulator.mulaw import decode
from interject.model_runtime.protocol import Cause, Emotion, RuntimeFailure
from tests.contract.door_contract import STORY
from tests.fakes.runtime import Cancelled, FakeRuntime, Scripted
from tests.integrations.pipecat.stage import phoned, quiet_profile
from tests.live.twilio.test_door import Caller
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pipecat.frames.frames import Frame

    from tests.integrations.pipecat.stage import PipecatCall

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(60),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here"),
]

SHORT = "The bread is burning."


def assistant(call: PipecatCall) -> list[str]:
    """What stands in Pipecat's own context."""
    return [
        str(message["content"])
        for message in call.context.messages
        if isinstance(message, dict) and message["role"] == "assistant"
    ]


async def test_an_unprompted_reply_enters_the_context_once_it_was_heard() -> None:
    async with phoned() as call:
        call.model.reply(Scripted(SHORT), cause=Cause.MODEL)
        await until(lambda: assistant(call), "the context")
        assert assistant(call) == [SHORT]
        await until(lambda: call.model.heard_reports, "the report")
        await until(lambda: call.model.heard_reports[-1] == (0, len(SHORT)), "the last word")
        reports = [chars for _, chars in call.model.heard_reports]
        assert reports == sorted(reports)
        assert len(reports) > 1


async def test_whoever_interrupts_the_pipeline_cuts_the_reply_and_what_waits() -> None:
    async with phoned() as call:
        call.model.reply(Scripted(STORY), cause=Cause.MODEL)
        call.model.reply(Scripted("And so on."), cause=Cause.MODEL)
        await until(lambda: call.model.heard_reports, "its first words")
        await until(lambda: call.model.heard_reports[-1][1] > 20, "some more of them")
        await call.worker.queue_frame(InterruptionFrame())
        await until(lambda: len(call.model.cancelled) == 2, "the cuts")
        cut = {cancelled.reply_id: cancelled.heard_chars for cancelled in call.model.cancelled}
        assert 20 < cut[0] < len(STORY) / 2
        assert cut[1] == 0
        await until(lambda: assistant(call), "the context")
        [kept] = assistant(call)
        assert STORY.startswith(kept)
        assert abs(len(kept) - cut[0]) < 20
        call.model.reply(Scripted(SHORT), cause=Cause.MODEL)
        await until(lambda: assistant(call)[-1] == SHORT, "the next one")


@pytest.mark.rare
async def test_an_urgent_reply_comes_before_what_is_being_said() -> None:
    async with phoned() as call:
        call.model.reply(Scripted(STORY), cause=Cause.MODEL)
        await until(lambda: call.model.heard_reports, "its first words")
        call.model.reply(Scripted(SHORT, Emotion.URGENT), cause=Cause.MODEL)
        await until(lambda: call.model.cancelled, "the cut")
        await until(lambda: (1, len(SHORT)) in call.model.heard_reports, "the alarm")
        assert call.model.cancelled[0].reply_id == 0
        await until(lambda: assistant(call)[-1] == SHORT, "the context")


@pytest.mark.rare
async def test_a_voice_that_knows_emotions_is_told_of_them() -> None:
    voices: list[InterjectTTSService] = []

    def make_tts() -> InterjectTTSService:
        voices.append(InterjectTTSService())
        return voices[-1]

    async with phoned(make_tts=make_tts) as call:
        for emotion in (Emotion.URGENT, Emotion.NORMAL):
            call.model.reply(Scripted(SHORT, emotion), cause=Cause.MODEL)
            await until(lambda: len(assistant(call)) == call.model.replies, "the reply")
            assert voices[0].settings.given_fields()["emotion"] == emotion.value


async def test_people_are_told_first_and_nothing_interrupts_that() -> None:
    profile = quiet_profile(room={"announce": "text", "spoken_announcement": "I listen to you."})
    async with phoned(profile=profile) as call:
        await until(lambda: call.caller.heard_after(0.0), "the announcement")
        await call.worker.queue_frame(InterruptionFrame())
        call.model.reply(Scripted(SHORT), cause=Cause.MODEL)
        await until(lambda: (0, len(SHORT)) in call.model.heard_reports, "the reply")
        await until(lambda: assistant(call) == [SHORT], "the context")
        spoken = decode(bytes(call.caller.recording.heard))
        assert (abs(spoken.astype(int)) > 600).sum() > 0.5 * 8_000


async def test_what_is_typed_is_answered_and_stop_words_are_obeyed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="interject")
    async with phoned() as call:
        told = {"role": "developer", "content": "Somebody has come."}
        await say(call, told, {"role": "user", "content": "Hello"})
        await until(lambda: assistant(call) == ["You wrote Hello."], "the answer")
        assert call.model.told == ["Somebody has come."]
        await say(call, {"role": "user", "content": "Please stop listening"})
        await until(lambda: not call.llm.listening, "the agent to be deaf")
        await say(call, {"role": "user", "content": "Hello again"})
        await until(lambda: any("not passed on" in one for one in caplog.messages), "no reading")
        call.llm.resume_listening()
        assert call.llm.listening
        await say(call, {"role": "user", "content": "And now"})
        await until(lambda: "You wrote And now." in assistant(call), "the answer")
        assert "You wrote Hello again." not in assistant(call)


async def say(call: PipecatCall, *messages: Any) -> None:
    await call.worker.queue_frame(LLMMessagesAppendFrame(list(messages), run_llm=True))


async def test_settings_change_while_it_runs_and_bad_ones_are_refused() -> None:
    async with phoned() as call:
        await update(call, threshold=0.8)
        await until(lambda: (0.8, None) in call.model.updates, "the threshold")
        await update(call, threshold=7.0)
        await until(lambda: call.errors, "the error")
        assert "threshold" in call.errors[0].error
        assert call.llm.settings.given_fields()["threshold"] == 0.8
        await update(call, system_instruction="Speak French.")
        await until(lambda: call.model.told == ["Speak French."], "the note")


async def update(call: PipecatCall, **changes: Any) -> None:
    delta = InterjectLLMService.Settings(**changes)
    await call.worker.queue_frame(LLMUpdateSettingsFrame(delta=delta))


async def test_by_decision_it_falls_silent_for_who_speaks_and_is_not_answered() -> None:
    settings = InterjectLLMService.Settings(interruptions=Interruptions.DECISION)
    async with phoned(FakeRuntime(), settings=settings) as call:
        call.model.reply(Scripted(STORY), cause=Cause.MODEL)
        await until(lambda: call.model.heard_reports, "its first words")
        await Caller(call.caller).talk(1.0)
        await until(lambda: call.model.cancelled, "the cut")
        assert 0 < call.model.cancelled[0].heard_chars < len(STORY) / 2


class Mute(TTSService):
    """A voice whose account has run out."""

    def __init__(self) -> None:
        settings = TTSSettings(model=None, voice=None, language=None)
        super().__init__(push_start_frame=True, push_stop_frames=True, settings=settings)

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        yield ErrorFrame("the account has run out")


class Sentences(TTSService):
    """A voice that tells no words: a second of sound for each sentence."""

    def __init__(self) -> None:
        settings = TTSSettings(model=None, voice=None, language=None)
        super().__init__(push_start_frame=True, push_stop_frames=True, settings=settings)

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        yield TTSAudioRawFrame(b"\x00\x10" * 8_000, 8_000, 1, context_id)


async def test_a_voice_that_fails_leaves_nothing_in_the_memory_as_heard() -> None:
    async with phoned(make_tts=Mute) as call:
        call.model.reply(Scripted(SHORT), cause=Cause.MODEL)
        await until(lambda: call.model.cancelled, "the report")
        assert call.model.cancelled == [Cancelled(0, 0)]
        assert any("the account has run out" in error.error for error in call.errors)


@pytest.mark.rare
async def test_of_a_voice_without_word_times_the_heard_sentences_stay() -> None:
    async with phoned(make_tts=Sentences) as call:
        call.model.reply(Scripted("One two three. Four five six. Seven."), cause=Cause.MODEL)
        await until(lambda: call.model.heard_reports, "its first words")
        await until(lambda: call.model.heard_reports[-1][1] >= 15, "its first sentence")
        await call.worker.queue_frame(InterruptionFrame())
        await until(lambda: call.model.cancelled, "the cut")
        assert 15 <= call.model.cancelled[0].heard_chars < 30


@pytest.mark.rare
async def test_a_pipeline_that_ends_says_what_it_was_given() -> None:
    async with phoned() as call:
        call.model.reply(Scripted("One two three four five six seven."), cause=Cause.MODEL)
        await until(lambda: call.model.heard_reports, "its first words")
        ended_s = call.caller.now_s
        await call.worker.queue_frame(EndFrame())
        await until(lambda: call.worker.has_finished(), "the end")
        assert call.llm.agent is None
        await call.llm.cleanup()
        assert call.caller.heard_after(ended_s + 0.5)


class Refusing(FakeRuntime):
    async def open(self, options: Any) -> Any:
        raise RuntimeFailure("this model cannot be loaded")


async def test_a_model_that_cannot_be_had_is_an_error_of_the_pipeline() -> None:
    async with phoned(Refusing()) as call:
        await until(lambda: call.errors, "the error")
        assert call.errors[0].error == "this model cannot be loaded"
        assert not call.llm.is_usable
        assert not call.worker.has_finished()
