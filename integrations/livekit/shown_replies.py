"""Replies to be read: posted, put on a card, or read because no voice says them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from livekit.agents import llm

from interject.agent.floor import Verdict
from interject.agent.outputs import read_instead, shown_events
from interject.model_runtime.protocol import EndReason, FloorMode

if TYPE_CHECKING:
    from interject.agent.floor import Floor
    from interject.config import Profile
    from interject.integrations.livekit.emitter import Emitter
    from interject.integrations.livekit.generation import Generation
    from interject.integrations.livekit.history import History
    from interject.integrations.livekit.reply_memory import ReplyMemory
    from interject.model_runtime.protocol import ReplyEnded

logger = logging.getLogger(__name__)


class ShownReplies:
    """Each leaves as `interject_output`."""

    def __init__(
        self,
        profile: Profile,
        floor: Floor,
        history: History,
        memory: ReplyMemory,
        emit: Emitter,
    ) -> None:
        self._profile = profile
        self._floor = floor
        self._history = history
        self._memory = memory
        self._emit = emit

    def show(self, generation: Generation, ended: ReplyEnded) -> None:
        """Post it or put it on a card; a reply that is only shown enters LiveKit's history here."""
        outputs = shown_events(self._profile, self._floor.mode, generation.started, ended)
        for output in outputs:
            self._emit("interject_output", output)
        only_shown = generation.verdict is Verdict.SHOW and not generation.user_initiated
        if not only_shown or not ended.text.strip() or ended.reason is EndReason.CANCELLED:
            return
        if outputs:
            self._memory.heard(generation.started, chars=len(ended.text))
        message = generation.chat_message(ended.text)
        self._history.add(message)
        added = llm.RemoteItemAddedEvent(previous_item_id=None, item=message)
        self._emit("remote_item_added", added)

    def read_instead(self, generation: Generation, *, captioned: bool = False) -> None:
        """What no voice says is posted, unless the profile posts everything anyway."""
        text = generation.text
        posts = "posted" in self._profile.outputs
        if posts or self._floor.mode is not FloorMode.SPEAK or not text.strip():
            return
        started = generation.started
        logger.info("A reply has no voice and is posted", extra={"reply_id": started.reply_id})
        self._emit("interject_output", read_instead(started, text, captioned=captioned))
