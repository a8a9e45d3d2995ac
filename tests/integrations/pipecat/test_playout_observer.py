"""What leaves a pipeline's mouth, and what of it the program has said by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipecat.frames.frames import (
    AggregatedTextFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStartedFrame,
    TTSTextFrame,
)
from pipecat.observers.base_observer import FramePushed
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.utils.text.base_text_aggregator import TextType

from interject.config import EspeakVoice
from interject.integrations.pipecat.pipeline_voice import PipelineVoice
from interject.integrations.pipecat.playout_observer import PlayoutObserver
from interject.integrations.pipecat.tts_service import InterjectTTSService
from tests.fakes.pipeline_port import FakePipelinePort
from tests.integrations.pipecat.spoken import TEXT, said
from tests.waiting import until

if TYPE_CHECKING:
    from pipecat.frames.frames import Frame

ASIDE = "The dog barks. Let me think about that."


class Watched:
    """The hops that count: into a voice, out of it, and out of the mouth."""

    def __init__(self, voice: PipelineVoice) -> None:
        self._llm, self._mouth = FrameProcessor(), FrameProcessor()
        self._tts = InterjectTTSService(voice=EspeakVoice())
        self._observer = PlayoutObserver(voice, [self._mouth])

    async def ask(self, text: str) -> None:
        await self._hop(self._llm, self._tts, TTSSpeakFrame(text))

    async def announce(self, text: str, context: str) -> None:
        frame = AggregatedTextFrame(text, TextType.SENTENCE, context_id=context)
        frame.will_be_spoken = True
        await self._hop(self._tts, self._mouth, frame)

    async def play(self, *frames: Frame) -> None:
        for frame in frames:
            await self._hop(self._mouth, self._llm, frame)

    async def _hop(self, source: FrameProcessor, target: FrameProcessor, frame: Frame) -> None:
        hop = FramePushed(source, target, frame, FrameDirection.DOWNSTREAM, 0)
        await self._observer.on_push_frame(hop)


def sound(seconds: float) -> TTSAudioRawFrame:
    return TTSAudioRawFrame(bytes(2 * int(16_000 * seconds)), 16_000, 1)


async def test_what_the_program_says_by_itself_is_known_by_its_words() -> None:
    port = FakePipelinePort()
    voice = PipelineVoice(port)
    watched = Watched(voice)
    async with said(voice) as heard:
        await until(lambda: len(port.marks) == 2, "the reply in the pipeline")
        await watched.play(port.pushed[0])
        await watched.ask(ASIDE)
        await watched.announce(ASIDE, "aside")
        await watched.announce(TEXT, "reply")
        word = TTSTextFrame("The", TextType.WORD, context_id="aside")
        await watched.play(TTSStartedFrame(context_id="aside"), sound(3.0), word)
        assert not voice.sounding
        await watched.play(TTSStartedFrame(context_id="reply"), sound(0.7))
        await until(lambda: heard, "its first words")
        assert heard == ["The bread "]
