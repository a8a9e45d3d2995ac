"""Bots of Attendee's that dial in from a meeting."""

from __future__ import annotations

import hmac
import logging
from typing import TYPE_CHECKING, Self

from interject.integrations.sockets.attendee.codec import AttendeeCodec
from interject.integrations.sockets.attendee.messages import LONGEST_TEXT
from interject.integrations.sockets.attendee.roster import Roster
from interject.integrations.sockets.attendee.webhooks import AttendeeWebhooks
from interject.integrations.sockets.bot_chat import BotChat, ChatApi
from interject.integrations.sockets.meeting_line import MeetingLine
from interject.integrations.sockets.platform import CallTerms, SocketPlatform
from interject.integrations.web.audio_socket import SocketLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import APIRouter
    from starlette.requests import HTTPConnection

    from interject.integrations.sockets.attendee.settings import AttendeeSettings
    from interject.integrations.sockets.platform import CallEvents
    from interject.integrations.sockets.socket_codec import SocketCodec
    from interject.integrations.sockets.socket_events import Message, StreamOpened
    from interject.integrations.web.screen_line import CallScreens

logger = logging.getLogger(__name__)

CHAT_API = ChatApi("/api/v1/bots/{bot}/send_chat_message", LONGEST_TEXT, takes_emoji=False)
NOT_KNOWN = "its URL does not end with INTERJECT_ATTENDEE_SECRET"


class AttendeePlatform(SocketPlatform):
    """`/sockets/attendee/SECRET`. A bot that is cut off tries again every 2 or 10 s, by its
    version; a meeting may be silent for long.
    """

    name = "attendee"
    path = "/sockets/attendee/{secret}"
    limits = SocketLimits(messages_a_s=3_000, most_at_once=15_000)
    linger_s = 60.0
    silence_s = 3_600.0

    def __init__(self, settings: AttendeeSettings, screens: CallScreens | None = None) -> None:
        self._settings = settings
        self._screens = screens
        self._roster = Roster()
        self._control = (
            BotChat(settings.url, settings.api_key, CHAT_API) if settings.api_key else None
        )

    async def __aenter__(self) -> Self:
        settings = self._settings
        if settings.insecure_dev and not settings.secret:
            logger.warning(
                "INSECURE: no secret is asked for: whoever reaches this server can open calls"
            )
        if not settings.api_key:
            logger.warning(
                "Nothing is written into the chat of meetings: people are told aloud who listens",
                extra={"setting": settings.variable("api_key")},
            )
        if not settings.webhook_secret:
            logger.warning(
                "Nothing is known of names and chat in meetings: no webhook can be checked",
                extra={"setting": settings.variable("webhook_secret")},
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._control is not None:
            await self._control.__aexit__()

    def routes(self, calls: CallEvents) -> APIRouter:
        return AttendeeWebhooks(self._settings, self._roster, self._control, calls).router()

    def refusal(self, connection: HTTPConnection) -> str | None:
        secret, given = self._settings.secret, str(connection.path_params.get("secret", ""))
        if secret and not hmac.compare_digest(secret.encode(), given.encode()):
            return NOT_KNOWN
        return None

    def codec(self, connection: HTTPConnection) -> AttendeeCodec:
        return AttendeeCodec(self._roster, self._settings.speech_rate_hz)

    def terms(
        self, opened: StreamOpened, codec: SocketCodec, write: Callable[[Message], None]
    ) -> CallTerms:
        return CallTerms(MeetingLine(opened.call_id, self._screens, self._control))
