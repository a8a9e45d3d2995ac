"""A runtime whose replies hold no tags: they are read, and taken out, before anybody sees them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from interject.agent.cues.read_text import KnownReplies, ReadText
from interject.agent.cues.tags import TaggedText, Tags, names_of
from interject.agent.rewritten_runtime import RewrittenRuntime, RewrittenSession
from interject.agent.sourced_reply import SourcedReply, sources_of

if TYPE_CHECKING:
    from interject.config import Profile
    from interject.model_runtime.protocol import ReplyEnded, Runtime, RuntimeSession


@dataclass(frozen=True, slots=True)
class TaggedReply(SourcedReply):
    """A reply and what its tags said: of which categories it is, which items of the checklist have
    happened, and which sounds are played (or `SILENCE`), in their order.
    """

    categories: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    sounds: tuple[str, ...] = ()


class TaggedSession(RewrittenSession[ReadText]):
    def __init__(self, inner: RuntimeSession, tags: Tags, known: KnownReplies) -> None:
        super().__init__(inner, lambda: ReadText(known, TaggedText(tags)))
        self._tags = tags
        self._known = known

    def kept(self, ended: ReplyEnded, streamed: ReadText, *, whole: bool) -> TaggedReply:
        """What its tags said it has said, even where they are not kept."""
        kept = ReadText(self._known, TaggedText(self._tags))
        text = kept.push(ended.text) + kept.finish(whole=whole)
        found = (*streamed.found, *kept.found)
        return TaggedReply(
            session_id=ended.session_id,
            reply_id=ended.reply_id,
            reason=ended.reason,
            text=text,
            token_count=ended.token_count,
            sources=sources_of(ended),
            categories=names_of(found, self._tags.categories),
            done=names_of(found, self._tags.items),
            sounds=names_of(found, self._tags.sounds),
        )


def untagged(ended: ReplyEnded) -> ReplyEnded:
    """What was taken back says nothing, neither with its tags."""
    if not isinstance(ended, TaggedReply):
        return ended
    return replace(ended, categories=(), done=(), sounds=())


def without_tags(runtime: Runtime, profile: Profile) -> Runtime:
    """The runtime itself where the profile names none, and knows no reply."""
    tags, known = Tags.of(profile), KnownReplies(profile.reply.read_as)
    if not (tags or known):
        return runtime
    return RewrittenRuntime(runtime, lambda inner: TaggedSession(inner, tags, known))
