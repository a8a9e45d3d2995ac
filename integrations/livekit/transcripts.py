"""What people say, written down by a recogniser of LiveKit's beside the model."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING, Any

from livekit.agents import llm, stt

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit import rtc

logger = logging.getLogger(__name__)

RESTART_S = 5.0


class Transcripts:
    """The model never reads them: it has heard the sound itself.

    A recogniser that fails is asked again after a pause. The ear does not wait for it.
    """

    def __init__(
        self,
        recogniser: stt.STT[Any],
        on_transcript: Callable[[llm.InputTranscriptionCompleted], None],
        *,
        restart_s: float = RESTART_S,
    ) -> None:
        self._recogniser = recogniser
        self._on_transcript = on_transcript
        self._restart_s = restart_s
        self._stream: stt.RecognizeStream | None = None
        self._item_id = uuid.uuid4().hex

    def push(self, frame: rtc.AudioFrame) -> None:
        if self._stream is not None:
            self._stream.push_frame(frame)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._stream = self._recogniser.stream()
            try:
                async for event in self._stream:
                    self._tell(event)
            except Exception as error:
                logger.warning(
                    "The recogniser failed; nothing is written down for a moment",
                    extra={"error_type": type(error).__name__},
                )
            finally:
                stream, self._stream = self._stream, None
                await stream.aclose()
            await asyncio.sleep(self._restart_s)

    def _tell(self, event: stt.SpeechEvent) -> None:
        final = event.type is stt.SpeechEventType.FINAL_TRANSCRIPT
        if not final and event.type is not stt.SpeechEventType.INTERIM_TRANSCRIPT:
            return
        if not event.alternatives or not event.alternatives[0].text.strip():
            return
        best = event.alternatives[0]
        said = llm.InputTranscriptionCompleted(self._item_id, best.text, final, best.confidence)
        if final:
            self._item_id = uuid.uuid4().hex
        self._on_transcript(said)
