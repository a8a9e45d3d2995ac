"""A session that leaves everything to another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.protocol import Emotion

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.model_runtime.protocol import Event, FloorMode, Frame, RuntimeSession


class ForwardingSession:
    """Inherit and override what is to be watched; the rest passes through to `inner`."""

    def __init__(self, inner: RuntimeSession) -> None:
        self.inner = inner

    @property
    def session_id(self) -> str:
        return self.inner.session_id

    async def push(self, frame: Frame) -> None:
        await self.inner.push(frame)

    async def finish(self) -> None:
        await self.inner.finish()

    async def text_turn(self, text: str, *, answer: bool = True) -> None:
        await self.inner.text_turn(text, answer=answer)

    async def say(self, text: str, *, emotion: Emotion = Emotion.NORMAL) -> None:
        await self.inner.say(text, emotion=emotion)

    async def answer_now(self) -> None:
        await self.inner.answer_now()

    async def cancel(self, reply_id: int, *, heard_chars: int) -> None:
        await self.inner.cancel(reply_id, heard_chars=heard_chars)

    async def heard(self, reply_id: int, *, chars: int) -> None:
        await self.inner.heard(reply_id, chars=chars)

    async def update(
        self, *, threshold: float | None = None, mode: FloorMode | None = None
    ) -> None:
        await self.inner.update(threshold=threshold, mode=mode)

    def events(self) -> AsyncIterator[Event]:
        return self.inner.events()

    async def close(self) -> None:
        await self.inner.close()
