"""The service in a pipeline of text: what asks it for a reply, and when it cannot serve."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from pipecat.frames.frames import (
    LLMContextFrame,
    LLMMessagesAppendFrame,
    LLMRunFrame,
    TranscriptionFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext

from interject.integrations.pipecat.llm_service import InterjectLLMService
from interject.model_runtime.protocol import Cause
from tests.fakes.runtime import FakeRuntime, FakeRuntimeSession, Scripted
from tests.integrations.pipecat.stage import written_to
from tests.waiting import until

if TYPE_CHECKING:
    from interject.model_runtime.protocol import SessionOptions
    from tests.integrations.pipecat.stage import PipecatCall


def typed(*texts: str) -> LLMMessagesAppendFrame:
    return LLMMessagesAppendFrame([{"role": "user", "content": one} for one in texts], run_llm=True)


def contents(call: PipecatCall) -> list[Any]:
    return [one["content"] for one in call.context.messages if isinstance(one, dict)]


def contains(call: PipecatCall, text: str) -> bool:
    return text in contents(call)


async def test_a_transcript_that_comes_around_a_reply_asks_for_none() -> None:
    async with written_to() as call:
        for said, reply in (("Note one.", "Noted."), ("And two.", "I have.")):
            heard = TranscriptionFrame(said, "user", "2026-11-27T00:00:00Z")
            await call.worker.queue_frame(heard)
            await asyncio.sleep(0.05)
            call.model.reply(Scripted(reply), cause=Cause.MODEL)
            await until(partial(contains, call, reply), "the reply")
        await call.worker.queue_frame(typed("Hello"))
        await until(lambda: contents(call)[-1:] == ["You wrote Hello."], "the answer")
        assert contents(call)[:4] == ["Note one.", "Noted.", "And two.", "I have."]
        assert call.model.replies == 3


async def test_each_of_two_that_come_at_once_is_answered_and_nothing_else() -> None:
    async with written_to() as call:
        await call.worker.queue_frames([typed("One"), typed("Two")])
        await until(lambda: contents(call)[-1:] == ["You wrote Two."], "the second answer")
        assert "You wrote One." in contents(call)
        assert call.model.replies == 2
        await call.worker.queue_frame(LLMRunFrame())
        await until(lambda: contents(call)[-1:] == ["All right."], "a reply to nothing new")


async def test_what_is_only_guessed_is_not_read() -> None:
    async with written_to() as call:
        guess = LLMContext([{"role": "user", "content": "Hel"}])
        await call.worker.queue_frame(LLMContextFrame(guess, speculation=True))
        await call.worker.queue_frame(typed("Hello"))
        await until(lambda: contents(call)[-1:] == ["You wrote Hello."], "the answer")
        assert call.model.replies == 1


class Loading(FakeRuntime):
    """A model that takes its time."""

    def __init__(self) -> None:
        super().__init__(deciding=False)
        self.loaded = asyncio.Event()

    async def open(self, options: SessionOptions) -> FakeRuntimeSession:
        await self.loaded.wait()
        return await super().open(options)


class Impatient(InterjectLLMService):
    patience_s = 0.0


async def test_what_comes_while_the_model_is_loaded_waits_for_it() -> None:
    runtime = Loading()
    async with written_to(runtime, make=Impatient) as call:
        await call.worker.queue_frames([typed("One"), typed("Two")])
        await until(lambda: contents(call) == ["One", "Two"], "the context")
        runtime.loaded.set()
        await until(lambda: contents(call)[-1:] == ["You wrote Two."], "the second answer")
        assert call.model.replies == 2


async def test_who_stops_the_listening_before_it_begins_is_obeyed() -> None:
    runtime = Loading()
    async with written_to(runtime, make=Impatient) as call:
        call.llm.stop_listening()
        runtime.loaded.set()
        await until(lambda: call.llm.agent, "the model")
        assert not call.llm.listening


async def test_one_service_serves_one_pipeline_and_says_so() -> None:
    async with written_to() as first:
        assert first.agent
    async with written_to(first.runtime, make=lambda **_: first.llm) as second:
        await until(lambda: second.errors, "the error")
        assert "has served a pipeline; make another for each" in second.errors[0].error
        assert not first.llm.is_usable
