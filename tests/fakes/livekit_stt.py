"""A recogniser that writes down what a test tells it to, and counts the sound that it is given."""

from __future__ import annotations

import asyncio
from typing import Any

from livekit.agents import stt
from livekit.agents.language import LanguageCode
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN


class FakeRecogniser(stt.STT[Any]):
    def __init__(self, *, streaming: bool = True) -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(streaming=streaming, interim_results=True)
        )
        self.heard_s = 0.0
        self.streams = 0
        self.said: asyncio.Queue[stt.SpeechEvent | Exception] = asyncio.Queue()

    def say(self, text: str, *, final: bool) -> None:
        kind = stt.SpeechEventType.FINAL_TRANSCRIPT if final else None
        words = stt.SpeechData(language=LanguageCode("en"), text=text, confidence=0.9)
        event = stt.SpeechEvent(
            type=kind or stt.SpeechEventType.INTERIM_TRANSCRIPT, alternatives=[words]
        )
        self.said.put_nowait(event)

    async def _recognize_impl(self, *_: Any, **__: Any) -> stt.SpeechEvent:
        raise NotImplementedError

    def stream(self, *, language: Any = NOT_GIVEN, conn_options: Any = None) -> stt.RecognizeStream:
        self.streams += 1
        return _Stream(stt=self, conn_options=conn_options or DEFAULT_API_CONNECT_OPTIONS)


class _Stream(stt.RecognizeStream):
    async def _run(self) -> None:
        recogniser = self._stt
        assert isinstance(recogniser, FakeRecogniser)
        listening = asyncio.create_task(self._listen(recogniser))
        try:
            while True:
                said = await recogniser.said.get()
                if isinstance(said, Exception):
                    raise said
                self._event_ch.send_nowait(said)
        finally:
            listening.cancel()

    async def _listen(self, recogniser: FakeRecogniser) -> None:
        async for item in self._input_ch:
            if not isinstance(item, self._FlushSentinel):
                recogniser.heard_s += item.duration
