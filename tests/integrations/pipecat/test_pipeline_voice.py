"""Replies and notices in a pipeline: whose sound is whose, and when one is over."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

import pytest

from interject.integrations.pipecat.pipeline_voice import PipelineVoice
from tests.fakes.pipeline_port import FakePipelinePort
from tests.integrations.pipecat.spoken import TEXT, said
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

SILENT_S = 0.2
GIVEN_UP = "A notice was not said to its end"


@pytest.fixture
def port() -> FakePipelinePort:
    return FakePipelinePort()


@pytest.fixture
def voice(port: FakePipelinePort) -> PipelineVoice:
    return PipelineVoice(port, silent_s=SILENT_S)


@contextlib.contextmanager
def notified(voice: PipelineVoice, text: str = "I listen.") -> Iterator[asyncio.Task[None]]:
    task = asyncio.create_task(voice.notify(text))
    try:
        yield task
    finally:
        task.cancel()


async def test_what_sounds_before_a_reply_is_not_its_own(
    port: FakePipelinePort, voice: PipelineVoice
) -> None:
    async with said(voice) as heard:
        await until(lambda: len(port.marks) == 2, "the reply in the pipeline")
        voice.on_sound(3.0)
        voice.on_words("The", timed=True)
        assert not voice.sounding
        voice.on_mark(port.marks[0])
        voice.on_sound(0.4)
        await until(lambda: heard, "its first word")
        assert heard == ["The "]
        voice.on_mark(port.marks[1])
        await until(lambda: "".join(heard) == TEXT, "the rest")


async def test_what_the_program_says_amid_a_reply_is_not_heard_of_it(
    port: FakePipelinePort, voice: PipelineVoice
) -> None:
    async with said(voice) as heard:
        await until(lambda: len(port.marks) == 2, "the reply in the pipeline")
        voice.on_mark(port.marks[0])
        voice.on_sound(3.0, own=False)
        assert not voice.sounding
        voice.on_sound(0.4)
        await until(lambda: heard, "its first word")
        assert heard == ["The "]


async def test_a_notice_may_take_long_as_long_as_it_sounds(
    port: FakePipelinePort, voice: PipelineVoice, caplog: pytest.LogCaptureFixture
) -> None:
    with notified(voice) as notice:
        await until(lambda: port.marks, "the notice in the pipeline")
        for _ in range(8):
            await asyncio.sleep(SILENT_S / 4)
            voice.on_sound(0.05)
        assert not notice.done()
        voice.on_mark(port.marks[0])
        await notice
    assert GIVEN_UP not in caplog.messages


async def test_a_notice_that_nobody_says_is_given_up(
    voice: PipelineVoice, caplog: pytest.LogCaptureFixture
) -> None:
    await voice.notify("I listen.")
    assert GIVEN_UP in caplog.messages


async def test_nobody_waits_for_notices_of_a_pipeline_that_ends(
    port: FakePipelinePort, voice: PipelineVoice, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with notified(voice) as said_now, notified(voice) as waiting:
        await until(lambda: port.marks, "the notice in the pipeline")
        await voice.close()
        await asyncio.wait_for(asyncio.gather(said_now, waiting), SILENT_S / 2)
    assert port.names() == ["TTSSpeakFrame", "PlayedFrame"]
    assert GIVEN_UP not in caplog.messages
