"""Replies that nobody is to hear or see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.agent.phrases import begins_phrase

if TYPE_CHECKING:
    from interject.config import Profile


def is_read_on(text: str, profile: Profile) -> bool:
    """Whether what follows may count whatever the floor allows, so that the reply is taken back
    only when it is whole: as the answer to a wish to stop listening, or as a tick of the checklist,
    before which there are no words.
    """
    is_tick = bool(profile.checklist.items) and not text.strip()
    return is_tick or begins_phrase(text, profile.room.stop_replies)
