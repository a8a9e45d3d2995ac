"""What leaves the output transport, which is what people hear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipecat.frames.frames import TTSAudioRawFrame, TTSTextFrame
from pipecat.observers.base_observer import BaseObserver
from pipecat.processors.frame_processor import FrameDirection

from interject.integrations.pipecat.played_frame import PlayedFrame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipecat.observers.base_observer import FramePushed
    from pipecat.processors.frame_processor import FrameProcessor

    from interject.integrations.pipecat.pipeline_voice import PipelineVoice


class PlayoutObserver(BaseObserver):
    """It watches from outside, so that a user's pipeline needs no processor for it. `mouths` are
    the pipeline's output transports, or whatever stands for them.
    """

    def __init__(self, voice: PipelineVoice, mouths: Sequence[FrameProcessor]) -> None:
        super().__init__()
        self._voice = voice
        self._mouths = tuple(mouths)

    async def on_push_frame(self, data: FramePushed) -> None:
        if data.direction is not FrameDirection.DOWNSTREAM or data.source not in self._mouths:
            return
        match data.frame:
            case TTSAudioRawFrame() as frame:
                self._voice.on_sound(frame.num_frames / frame.sample_rate)
            case TTSTextFrame() as frame if frame.append_to_context:
                self._voice.on_words(frame.text, timed=frame.pts is not None)
            case PlayedFrame() as frame:
                self._voice.on_mark(frame.id)
