"""A runtime whose replies hold no tags: they are read, and taken out, before anybody sees them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from interject.agent.cues.tags import TaggedText, Tags, names_of
from interject.agent.sourced_reply import SourcedReply, sources_of
from interject.model_runtime.forwarding import ForwardingSession
from interject.model_runtime.protocol import EndReason, ReplyDelta, ReplyEnded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from interject.config import Profile
    from interject.model_runtime.protocol import (
        Event,
        Runtime,
        RuntimeSession,
        SessionOptions,
    )

MOST_KEPT = 256
"""Of so many replies it is known where their tags stood: what was heard of one is told in time."""


@dataclass(frozen=True, slots=True)
class TaggedReply(SourcedReply):
    """A reply and what its tags said: of which categories it is, which items of the checklist have
    happened.
    """

    categories: tuple[str, ...] = ()
    done: tuple[str, ...] = ()


class TaggedRuntime:
    """Whoever opens sessions here counts the characters of replies without their tags."""

    def __init__(self, runtime: Runtime, tags: Tags) -> None:
        self._runtime = runtime
        self._tags = tags

    async def open(self, options: SessionOptions) -> TaggedSession:
        return TaggedSession(await self._runtime.open(options), self._tags)

    async def aclose(self) -> None:
        await self._runtime.aclose()


class TaggedSession(ForwardingSession):
    def __init__(self, inner: RuntimeSession, tags: Tags) -> None:
        super().__init__(inner)
        self._tags = tags
        self._texts: OrderedDict[int, TaggedText] = OrderedDict()

    async def cancel(self, reply_id: int, *, heard_chars: int) -> None:
        await self.inner.cancel(reply_id, heard_chars=self._raw(reply_id, heard_chars))

    async def heard(self, reply_id: int, *, chars: int) -> None:
        await self.inner.heard(reply_id, chars=self._raw(reply_id, chars))

    async def events(self) -> AsyncIterator[Event]:
        async for event in self.inner.events():
            for one in self._bare(event):
                yield one

    def _bare(self, event: Event) -> Iterator[Event]:
        match event:
            case ReplyDelta():
                yield replace(event, text=self._text(event.reply_id).push(event.text))
            case ReplyEnded():
                yield from self._ended(event)
            case _:
                yield event

    def _ended(self, event: ReplyEnded) -> Iterator[Event]:
        """Of a reply that was cut less is kept than it said; what its tags said it has said."""
        streamed = self._text(event.reply_id)
        whole = event.reason is EndReason.COMPLETE
        if rest := streamed.finish(whole=whole):
            yield ReplyDelta(event.session_id, event.reply_id, (), rest)
        kept = TaggedText(self._tags)
        text = kept.push(event.text) + kept.finish(whole=whole)
        found = (*streamed.found, *kept.found)
        yield TaggedReply(
            session_id=event.session_id,
            reply_id=event.reply_id,
            reason=event.reason,
            text=text,
            token_count=event.token_count,
            sources=sources_of(event),
            categories=names_of(found, self._tags.categories),
            done=names_of(found, self._tags.items),
        )

    def _text(self, reply_id: int) -> TaggedText:
        if reply_id not in self._texts:
            self._texts[reply_id] = TaggedText(self._tags)
            if len(self._texts) > MOST_KEPT:
                self._texts.popitem(last=False)
        return self._texts[reply_id]

    def _raw(self, reply_id: int, chars: int) -> int:
        text = self._texts.get(reply_id)
        return chars if text is None else text.raw_chars(chars)


def untagged(ended: ReplyEnded) -> ReplyEnded:
    """What was taken back says nothing, neither with its tags."""
    return replace(ended, categories=(), done=()) if isinstance(ended, TaggedReply) else ended


def without_tags(runtime: Runtime, profile: Profile) -> Runtime:
    """The runtime itself where the profile names none."""
    tags = Tags.of(profile)
    return TaggedRuntime(runtime, tags) if tags else runtime
