"""What is played on a call, beside what is said."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from interject.agent.soundboard.library import SoundboardFault
from interject.agent.soundboard.soundboard import Soundboard, SoundCarrier, plays_aloud

if TYPE_CHECKING:
    from interject.integrations.conversation.call_parts import CallParts

logger = logging.getLogger(__name__)


class CallSounds(Soundboard):
    """Heard where both the profile and the line let it be."""

    def __init__(self, parts: CallParts) -> None:
        super().__init__(parts.role.profile.soundboard)
        sink: object = parts.sink
        plays = plays_aloud(parts.role.profile)
        self._carrier = sink if plays and isinstance(sink, SoundCarrier) else None

    async def begin(self) -> None:
        """A call is no worse for sounds that cannot be played: they are cards then."""
        if self._carrier is None:
            return
        try:
            await self.open_for(self._carrier)
        except SoundboardFault as fault:
            logger.warning("The sounds cannot be played", extra={"reason": str(fault)})
