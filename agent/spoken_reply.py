"""A reply on its way to the ear."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.agent.text_feed import TextFeed
from interject.model_runtime.protocol import Emotion

if TYPE_CHECKING:
    from interject.model_runtime.protocol import ReplyStarted


@dataclass(slots=True, eq=False)
class SpokenReply:
    """`settled` is set when it is over, however it ended; `own_words` are not the model's."""

    started: ReplyStarted
    own_words: bool = False
    feed: TextFeed = field(default_factory=TextFeed)
    cut: bool = False
    failed: bool = False
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    def again(self) -> SpokenReply:
        """The same words from their beginning, as far as they are known."""
        other = SpokenReply(self.started, self.own_words)
        other.feed.push(self.feed.text)
        other.feed.close()
        return other

    @property
    def urgent(self) -> bool:
        return self.started.emotion is Emotion.URGENT
