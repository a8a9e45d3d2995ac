"""Whether the profile's voice can speak, found out by letting it say a word to nobody."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from interject.agent.voice import VoiceFailure, open_voice
from interject.agent.voice.espeak import EspeakSpeaker
from interject.config import NoVoice, OpenAIVoice
from interject.model_runtime.protocol import Emotion

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from interject.agent.voice import Voice
    from interject.config import VoiceSettings

ANSWER_S = 3.0
WORD = "Yes. "
SILENT = "it makes no sound"
HANGS = "it does not answer"


class VoiceCheck:
    """A voice on another server is opened and not asked to speak: that may cost money. Nor is a
    natural one that has spoken: it computes. One that hangs is asked no second time before it has
    answered.
    """

    def __init__(
        self,
        settings: VoiceSettings,
        make_voice: Callable[[VoiceSettings], Voice] = open_voice,
        *,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._settings = settings
        self._make_voice = make_voice
        self._answer_s = answer_s
        self._has_spoken = False
        self._asked: asyncio.Task[str] | None = None

    async def fault(self) -> str:
        """Empty: it speaks."""
        if self._asked is None:
            self._asked = asyncio.create_task(self._ask(), name="voice-check")
        await asyncio.wait({self._asked}, timeout=self._answer_s)
        if not self._asked.done():
            return HANGS
        asked, self._asked = self._asked, None
        return asked.result()

    async def _ask(self) -> str:
        try:
            voice = await asyncio.to_thread(self._make_voice, self._settings)
            try:
                return await self._spoken(voice)
            finally:
                await voice.aclose()
        except VoiceFailure as failure:
            return str(failure)

    async def _spoken(self, voice: Voice) -> str:
        if isinstance(self._settings, OpenAIVoice | NoVoice) or self._has_spoken:
            return ""
        chunks = [chunk.pcm async for chunk in voice.speak(_word(), Emotion.NORMAL)]
        if not any(map(any, chunks)):
            return SILENT
        self._has_spoken = not isinstance(voice, EspeakSpeaker)
        return ""


async def _word() -> AsyncIterator[str]:
    yield WORD
