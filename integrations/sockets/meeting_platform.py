"""A platform whose bot sits in a meeting and sends its sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.integrations.sockets.bot_chat import BotChat, ChatApi
from interject.integrations.sockets.meeting_line import MeetingLine
from interject.integrations.sockets.platform import CallTerms, SocketPlatform
from interject.integrations.web.audio_socket import SocketLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.integrations.sockets.socket_codec import SocketCodec
    from interject.integrations.sockets.socket_events import Message, StreamOpened
    from interject.integrations.web.screen_line import CallScreens


class MeetingPlatform(SocketPlatform):
    """With a key of the platform's API the agent writes into the chat. `speaks`: its voice may be
    heard. A meeting may be silent for an hour.
    """

    speaks = True
    limits = SocketLimits(messages_a_s=3_000, most_at_once=15_000)
    silence_s = 3_600.0

    def __init__(self, url: str, api_key: str, chat: ChatApi, screens: CallScreens | None) -> None:
        self._control = BotChat(url, api_key, chat) if api_key else None
        self._screens = screens

    async def __aexit__(self, *_: object) -> None:
        if self._control is not None:
            await self._control.__aexit__()

    def terms(
        self, opened: StreamOpened, codec: SocketCodec, write: Callable[[Message], None]
    ) -> CallTerms:
        line = MeetingLine(opened.call_id, self._screens, self._control)
        return CallTerms(line, speaks=self.speaks)
