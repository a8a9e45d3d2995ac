"""One reply on its way through LiveKit: its text while it is written, and what was heard of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

from livekit.agents import llm

from interject.agent.text_feed import TextFeed
from interject.integrations.conversation.heard_text import (
    CHARS_PER_S,
    matching_chars,
    whole_words,
)
from interject.integrations.livekit.attachment import EMOTION_KEY
from interject.model_runtime.protocol import Emotion

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from livekit import rtc
    from livekit.agents import SpeechHandle

    from interject.agent.floor import Verdict
    from interject.model_runtime.protocol import ReplyStarted


class ReplyText(str):
    """A piece of a reply that carries the reply itself, and with it the emotion, to our voice."""

    __slots__ = ("generation",)
    generation: Generation

    def __new__(cls, text: str, generation: Generation) -> Self:
        piece = super().__new__(cls, text)
        piece.generation = generation
        return piece


@dataclass(frozen=True, slots=True)
class WordEnd:
    """A word of the voice's text: where it ends there, and when in the reply's sound."""

    end_char: int
    end_s: float


class OnAir:
    """The generation that is being said, for a voice whose text lost its marks on the way."""

    def __init__(self) -> None:
        self.generation: Generation | None = None


@dataclass(slots=True, eq=False)
class Generation:
    """`silent` shows the text without a sound, whatever voice the session has.

    LiveKit has `received` it from the event on; `taken` tells that somebody has begun to read the
    text; `heard_chars` is known after a cut; `unvoiced`: its voice failed.
    Times are seconds on the session's clock.
    """

    started: ReplyStarted
    verdict: Verdict
    created_at_s: float
    on_taken: Callable[[Generation], None]
    on_closed: Callable[[Generation], None]
    user_initiated: bool = False
    silent: bool = False
    feed: TextFeed = field(default_factory=TextFeed)
    handle: SpeechHandle | None = None
    unread_timer: asyncio.TimerHandle | None = None
    received: bool = False
    taken: bool = False
    closed: bool = False
    interrupted: bool = False
    unvoiced: bool = False
    heard_chars: int | None = None
    first_text_at_s: float | None = None
    spoken_text: str = field(default="", repr=False)
    word_ends: list[WordEnd] = field(default_factory=list)
    _written: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def message_id(self) -> str:
        return message_id(self.started.session_id, self.started.reply_id)

    @property
    def emotion(self) -> Emotion:
        return self.started.emotion

    @property
    def urgent(self) -> bool:
        return self.emotion is Emotion.URGENT

    @property
    def text(self) -> str:
        return self.feed.text

    @property
    def cut(self) -> bool:
        """Whether it was stopped, or never came to be read."""
        stopped = self.handle is not None and self.handle.interrupted
        return self.interrupted or stopped or not self.taken

    def finish(self) -> None:
        """No text follows."""
        self.feed.close()
        self._written.set()

    def event(self) -> llm.GenerationCreatedEvent:
        return llm.GenerationCreatedEvent(
            message_stream=_Messages(self),
            function_stream=_no_calls(),
            user_initiated=self.user_initiated,
            response_id=self.message_id,
        )

    def chat_message(self, text: str) -> llm.ChatMessage:
        """`text` of it as LiveKit's history keeps it."""
        return llm.ChatMessage(
            id=self.message_id,
            role="assistant",
            content=[text],
            interrupted=self.interrupted,
            extra={EMOTION_KEY: self.emotion.value},
        )

    def message(self) -> llm.MessageGeneration:
        modalities: asyncio.Future[list[Literal["text", "audio"]]]
        modalities = asyncio.get_running_loop().create_future()
        modalities.set_result(["text", "audio"] if self.silent else ["text"])
        return llm.MessageGeneration(
            message_id=self.message_id,
            text_stream=self._read(),
            audio_stream=self._no_sound(),
            modalities=modalities,
        )

    def note_heard(self, *, audio_end_s: float, transcript: str) -> None:
        """Count what was heard in `audio_end_s` seconds of sound; `transcript` is a second guess.

        A transcript that follows no playout holds the whole text, so it counts only when shorter.
        """
        if self.word_ends:
            over = [word.end_char for word in self.word_ends if word.end_s <= audio_end_s]
            heard = self.spoken_text[: max(over, default=0)]
            self.heard_chars = matching_chars(self.text, heard)
        else:
            by_text = matching_chars(self.text, transcript) if transcript else len(self.text)
            by_time = whole_words(self.text, round(audio_end_s * CHARS_PER_S))
            self.heard_chars = by_text if by_text < len(self.text) else by_time

    async def written(self) -> None:
        await self._written.wait()

    async def _read(self) -> AsyncIterator[str]:
        self.taken = True
        self.on_taken(self)
        async for part in self.feed.read():
            yield ReplyText(part, self)

    async def _no_sound(self) -> AsyncIterator[rtc.AudioFrame]:
        await self.written()
        for frame in NO_FRAMES:
            yield frame


NO_FRAMES: tuple[rtc.AudioFrame, ...] = ()
NO_CALLS: tuple[llm.FunctionCall, ...] = ()


class _Messages:
    """One message; open while its text is written, and closed by LiveKit once it has been said."""

    def __init__(self, generation: Generation) -> None:
        self._generation = generation
        self._given = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> llm.MessageGeneration:
        if not self._given:
            self._given = self._generation.received = True
            return self._generation.message()
        await self._generation.written()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        if not self._generation.closed:
            self._generation.closed = True
            self._generation.on_closed(self._generation)


async def _no_calls() -> AsyncIterator[llm.FunctionCall]:
    for call in NO_CALLS:
        yield call


def message_id(session_id: str, reply_id: int) -> str:
    return f"{session_id}-{reply_id}"
