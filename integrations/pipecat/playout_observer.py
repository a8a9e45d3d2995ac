"""What leaves the output transport, which is what people hear."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from pipecat.frames.frames import (
    AggregatedTextFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStartedFrame,
    TTSTextFrame,
)
from pipecat.observers.base_observer import BaseObserver
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.tts_service import TTSService

from interject.integrations.pipecat.played_frame import PlayedFrame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipecat.frames.frames import Frame
    from pipecat.observers.base_observer import FramePushed
    from pipecat.processors.frame_processor import FrameProcessor

    from interject.integrations.pipecat.pipeline_voice import PipelineVoice


MOST_ASIDES = 64


class PlayoutObserver(BaseObserver):
    """It watches from outside, so that a user's pipeline needs no processor for it. `mouths` are
    the pipeline's output transports, or whatever stands for them.

    What the program lets a voice say by itself (`TTSSpeakFrame`) is known by its words: a voice
    announces them with the id of the context that its sound will have.
    """

    def __init__(self, voice: PipelineVoice, mouths: Sequence[FrameProcessor]) -> None:
        super().__init__()
        self._voice = voice
        self._mouths = tuple(mouths)
        self._asides: deque[str] = deque(maxlen=MOST_ASIDES)
        self._aside_contexts: deque[str] = deque(maxlen=MOST_ASIDES)
        self._context: str | None = None

    async def on_push_frame(self, data: FramePushed) -> None:
        if data.direction is not FrameDirection.DOWNSTREAM:
            return
        self._note_aside(data)
        if data.source in self._mouths:
            self._follow(data.frame)

    def _note_aside(self, data: FramePushed) -> None:
        match data.frame:
            case TTSSpeakFrame() as frame if isinstance(data.destination, TTSService):
                self._asides.append(frame.text)
            case AggregatedTextFrame(will_be_spoken=True, context_id=str() as context) as frame if (
                isinstance(data.source, TTSService) and frame.text in self._asides
            ):
                self._asides.remove(frame.text)
                self._aside_contexts.append(context)

    def _follow(self, left: Frame) -> None:
        match left:
            case TTSStartedFrame() as frame:
                self._context = frame.context_id
            case TTSAudioRawFrame() as frame:
                own = self._context not in self._aside_contexts
                self._voice.on_sound(frame.num_frames / frame.sample_rate, own=own)
            case TTSTextFrame() as frame if frame.append_to_context:
                if frame.context_id not in self._aside_contexts:
                    self._voice.on_words(frame.text, timed=frame.pts is not None)
            case PlayedFrame() as frame:
                self._voice.on_mark(frame.id)
