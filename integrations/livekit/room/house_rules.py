"""What an agent owes the people of a room: telling them, and doing what they ask of it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Self

from interject.integrations.livekit.room.chat import Chat
from interject.integrations.livekit.room.encryption import EncryptionNotice
from interject.integrations.livekit.room.people import people_only
from interject.integrations.livekit.room.room_announcement import RoomAnnouncement
from interject.integrations.livekit.room.rpc_control import RpcControl

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit import rtc

    from interject.config import RoomSettings
    from interject.integrations.conversation.consent import Consent
    from interject.integrations.conversation.floor_control import Controls


class HouseRules:
    """Used with `async with` on a connected room, before anything is heard there.

    Once entered, everybody who is there has been told, and wishes count. `on_text(identity, text)`
    gets what is written and is no wish.
    """

    def __init__(
        self,
        room: rtc.Room,
        settings: RoomSettings,
        consent: Consent,
        controls: Controls,
        *,
        may_control: Callable[[str], bool],
        on_text: Callable[[str, str], None],
    ) -> None:
        self._consent = consent
        self._announcement = RoomAnnouncement(room, settings, accepts=people_only)
        self.announcement = self._announcement.announcement
        self._control = RpcControl(room, controls, consent, may_control=may_control)
        self._chat = Chat(room, settings, consent, accepts=people_only, on_text=on_text)
        self._encryption = EncryptionNotice(room, accepts=people_only)
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Whom to tell what follows from what they want, so that comes first."""
        async with contextlib.AsyncExitStack() as stack:
            self._consent.attach(self.announcement)
            stack.callback(self._consent.detach, self.announcement)
            await stack.enter_async_context(self._control)
            await stack.enter_async_context(self._announcement)
            await stack.enter_async_context(self._encryption)
            await stack.enter_async_context(self._chat)
            self._stack = stack.pop_all()
        return self

    def unread(self, identity: str) -> None:
        self._chat.unread(identity)

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
