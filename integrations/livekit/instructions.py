"""What an agent's instructions are to a model whose memory can only be added to."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from interject.agent.options import session_options

if TYPE_CHECKING:
    from interject.config import Profile
    from interject.model_runtime.protocol import FloorMode, SessionOptions

WAIT_S = 0.5
"""LiveKit gives an agent's instructions at once, or never."""


class Instructions:
    """Those that a session begins with follow the profile's in the system prompt.

    Later ones are a note in the memory, where the earlier ones stay as well.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._text = ""
        self._given = asyncio.Event()
        self._prompted = False

    def update(self, text: str) -> str | None:
        """What has to be noted in the memory, if anything."""
        changed, self._text = text != self._text, text
        self._given.set()
        return text if self._prompted and changed and text else None

    async def wait(self) -> None:
        """Return when they have been given, or will not be."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._given.wait(), WAIT_S)

    def options(self, session_id: str, *, mode: FloorMode, threshold: float) -> SessionOptions:
        """What a session of the runtime is opened with."""
        self._prompted = True
        prompt = "\n\n".join(filter(None, (self._profile.system_prompt, self._text)))
        current = self._profile.model_copy(update={"mode": mode.value, "system_prompt": prompt})
        return session_options(current, session_id, threshold=threshold)
