"""Which replies of the gate's a responder is given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from interject.agent.cues.tags import TaggedText, Tags, names_of
from interject.config.lists import plain
from interject.model_runtime.protocol import Emotion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interject.config import Profile
    from interject.config.responder import RouteSettings
    from interject.model_runtime.protocol import ReplyStarted


class Routing:
    """Alarms come too late when they are well put, and words that the floor acts on stay the
    gate's: neither is ever given away.
    """

    def __init__(self, profile: Profile, route: RouteSettings) -> None:
        self._route = route
        self._tags = Tags.of(profile)
        self._only = _patterns(route.drafts)
        self._never = _patterns((*route.never_drafts, *profile.room.stop_replies))

    def may_take(self, started: ReplyStarted) -> bool:
        """As far as can be said before its words are there."""
        return started.emotion is not Emotion.URGENT and started.cause.value in self._route.causes

    def takes(self, draft: str) -> bool:
        found, bare = self._read(draft)
        categories = frozenset(names_of(found, self._tags.categories))
        if not bare.strip():
            return False
        route = self._route
        if route.categories and categories.isdisjoint(route.categories):
            return False
        if not categories.isdisjoint(route.never_categories):
            return False
        if self._only and not _like(bare, self._only):
            return False
        return not _like(bare, self._never)

    def parted(self, draft: str) -> tuple[str, str]:
        """Its tags, and the words of it."""
        found, bare = self._read(draft)
        return "".join(f"{tag} " for tag in found), bare

    def _read(self, draft: str) -> tuple[list[str], str]:
        if not self._tags:
            return [], draft
        reading = TaggedText(self._tags)
        bare = reading.push(draft) + reading.finish(whole=True)
        return reading.found, bare


def _patterns(entries: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    """`*` is any words, none included."""
    parts = ([plain(part) for part in entry.split("*")] for entry in entries)
    return tuple(re.compile(r"\s*.*\s*".join(map(re.escape, one)), re.DOTALL) for one in parts)


def _like(text: str, patterns: Iterable[re.Pattern[str]]) -> bool:
    words = plain(text)
    return any(pattern.fullmatch(words) for pattern in patterns)
