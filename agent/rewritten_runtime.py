"""A runtime whose replies are changed, letter by letter, before anybody sees them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from interject.model_runtime.forwarding import ForwardingSession
from interject.model_runtime.protocol import EndReason, ReplyDelta, ReplyEnded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from interject.model_runtime.protocol import (
        Event,
        Runtime,
        RuntimeSession,
        SessionOptions,
    )

MOST_KEPT = 256
"""Of so many replies it is known where they were changed: what was heard of one is told in time."""


class RewrittenText(Protocol):
    """One reply's text on its way out."""

    def push(self, piece: str) -> str:
        """What of the text so far is certain and new."""

    def finish(self, *, whole: bool) -> str:
        """The rest. A text that is not whole was broken off."""

    def raw_chars(self, chars: int) -> int:
        """How far the first `chars` characters of what came out reach in what came in."""


TextT = TypeVar("TextT", bound=RewrittenText)


class RewrittenRuntime:
    """Whoever opens sessions here counts the characters of replies as they come out."""

    def __init__(
        self, runtime: Runtime, around: Callable[[RuntimeSession], RuntimeSession]
    ) -> None:
        self._runtime = runtime
        self._around = around

    async def open(self, options: SessionOptions) -> RuntimeSession:
        return self._around(await self._runtime.open(options))

    async def aclose(self) -> None:
        await self._runtime.aclose()


class RewrittenSession(ForwardingSession, Generic[TextT]):
    """Inherit, and say what a reply that has ended comes to."""

    def __init__(self, inner: RuntimeSession, begin: Callable[[], TextT]) -> None:
        super().__init__(inner)
        self._begin = begin
        self._texts: OrderedDict[int, TextT] = OrderedDict()

    def kept(self, ended: ReplyEnded, streamed: TextT, *, whole: bool) -> ReplyEnded:
        """Of a reply that was cut less is kept than was streamed."""
        raise NotImplementedError

    async def cancel(self, reply_id: int, *, heard_chars: int) -> None:
        await self.inner.cancel(reply_id, heard_chars=self._raw(reply_id, heard_chars))

    async def heard(self, reply_id: int, *, chars: int) -> None:
        await self.inner.heard(reply_id, chars=self._raw(reply_id, chars))

    async def events(self) -> AsyncIterator[Event]:
        async for event in self.inner.events():
            for one in self._rewritten(event):
                yield one

    def changed(self, delta: ReplyDelta, streamed: TextT) -> ReplyDelta:
        return replace(delta, text=streamed.push(delta.text))

    def rest(self, ended: ReplyEnded, streamed: TextT, *, whole: bool) -> ReplyDelta:
        """What had to wait for the end. It may be nothing."""
        return ReplyDelta(ended.session_id, ended.reply_id, (), streamed.finish(whole=whole))

    def _rewritten(self, event: Event) -> Iterator[Event]:
        match event:
            case ReplyDelta():
                yield self.changed(event, self._text(event.reply_id))
            case ReplyEnded():
                streamed = self._text(event.reply_id)
                whole = event.reason is EndReason.COMPLETE
                rest = self.rest(event, streamed, whole=whole)
                if rest.text or rest.token_ids:
                    yield rest
                yield self.kept(event, streamed, whole=whole)
            case _:
                yield event

    def _text(self, reply_id: int) -> TextT:
        if reply_id not in self._texts:
            self._texts[reply_id] = self._begin()
            if len(self._texts) > MOST_KEPT:
                self._texts.popitem(last=False)
        return self._texts[reply_id]

    def _raw(self, reply_id: int, chars: int) -> int:
        text = self._texts.get(reply_id)
        return chars if text is None else text.raw_chars(chars)
