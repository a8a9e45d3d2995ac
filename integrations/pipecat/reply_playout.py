"""One reply or notice in the pipeline: its text, and how much of it has been heard."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from interject.agent.voice.base import SpokenChunk, VoiceFailure, WordTiming
from interject.integrations.conversation.heard_text import (
    CHARS_PER_S,
    end_of_word,
    whole_words,
)
from interject.model_runtime.protocol import SAMPLE_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SILENT_S = 15.0
"""A pipeline that has a whole text and plays nothing more for so long has lost it."""


class ReplyPlayout:
    """Told by the pipeline what of it sounds; `chunks` tells it on, a sample a character.

    A voice with word times says each word as it is heard. One without says a sentence when it is
    over: within a sentence, the seconds that were played are counted as speech of usual pace.

    What sounds before the mark `start_id` is passed is somebody else's.
    """

    def __init__(self, silent_s: float = SILENT_S, *, start_id: int | None = None) -> None:
        self.text = ""
        self._silent_s = silent_s
        self.start_id = start_id
        self.mark_id: int | None = None
        self.played = False
        self.flushed = False
        self.sounded = False
        self.error = ""
        self._begun = start_id is None
        self._chars = 0
        self._untold_s = 0.0
        self._timed = False
        self._news = asyncio.Event()

    @property
    def over(self) -> bool:
        return self.played or self.flushed

    @property
    def heard_chars(self) -> int:
        if self.played:
            return len(self.text)
        if self._timed:
            return self._chars
        rest = self.text[self._chars :]
        return self._chars + whole_words(rest, round(self._untold_s * CHARS_PER_S))

    def say(self, words: str, *, timed: bool) -> None:
        """These have been heard. Others than its own are somebody else's, and words without any
        sound are those of a voice that failed.
        """
        end = end_of_word(self.text, self._chars, words)
        if end is None or self.over or not self.sounded:
            return
        self._chars, self._untold_s = max(self._chars, end), 0.0
        self._timed = self._timed or timed
        self._news.set()

    def sound(self, seconds: float, *, own: bool = True) -> None:
        """While others are heard, it is not late."""
        if self.over:
            return
        if own and self._begun:
            self.sounded = True
            self._untold_s += seconds
        self._news.set()

    def passed(self, mark_id: int) -> None:
        """What stands before this mark in the pipeline has been played."""
        if mark_id == self.start_id:
            self._begun = True
        elif mark_id == self.mark_id:
            self.play_out()

    def play_out(self) -> None:
        """The pipeline has passed its end."""
        self.played = not self.flushed
        self._news.set()

    def flush(self) -> None:
        """An interruption has thrown away what was not heard."""
        self.flushed = not self.played
        self._news.set()

    async def chunks(self) -> AsyncIterator[SpokenChunk]:
        """As it is heard, until it is played out. One that was flushed waits to be closed.

        :raises VoiceFailure: when the pipeline says nothing of it.
        """
        told, played = 0, False
        while not played:
            self._news.clear()
            played = self.played
            if played and self._is_unsaid():
                raise VoiceFailure(f"the pipeline's voice failed: {self.error}")
            if (chars := self.heard_chars) > told:
                yield _chunk(self.text, told, chars)
                told = chars
            elif not played:
                await self._wait()

    def _is_unsaid(self) -> bool:
        return bool(self.error) and not self.sounded

    async def _wait(self) -> None:
        """While it is still being written nothing is late."""
        try:
            async with asyncio.timeout(None if self.mark_id is None else self._silent_s):
                await self._news.wait()
        except TimeoutError:
            raise VoiceFailure("the pipeline did not say a reply to its end") from None


def _chunk(text: str, start: int, end: int) -> SpokenChunk:
    words = (WordTiming(text[start:end], start, end, start, end),)
    return SpokenChunk(bytes((end - start) * SAMPLE_BYTES), words)
