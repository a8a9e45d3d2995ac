"""Bots of Attendee's that dial in from a meeting."""

from __future__ import annotations

import hmac
import logging
from typing import TYPE_CHECKING, Self

from interject.integrations.sockets.attendee.codec import AttendeeCodec
from interject.integrations.sockets.attendee.messages import LONGEST_TEXT
from interject.integrations.sockets.attendee.roster import Roster
from interject.integrations.sockets.attendee.webhooks import AttendeeWebhooks
from interject.integrations.sockets.bot_chat import ChatApi
from interject.integrations.sockets.meeting_platform import MeetingPlatform

if TYPE_CHECKING:
    from fastapi import APIRouter
    from starlette.requests import HTTPConnection

    from interject.integrations.sockets.attendee.settings import AttendeeSettings
    from interject.integrations.sockets.platform import CallEvents
    from interject.integrations.web.screen_line import CallScreens

logger = logging.getLogger(__name__)

CHAT_API = ChatApi("/api/v1/bots/{bot}/send_chat_message", LONGEST_TEXT, takes_emoji=False)
NOT_KNOWN = "its URL does not end with INTERJECT_ATTENDEE_SECRET"


class AttendeePlatform(MeetingPlatform):
    """`/sockets/attendee/SECRET`. A bot that is cut off tries again every 2 or 10 s, by its
    version.
    """

    name = "attendee"
    path = "/sockets/attendee/{secret}"
    linger_s = 60.0

    def __init__(self, settings: AttendeeSettings, screens: CallScreens | None = None) -> None:
        super().__init__(settings.url, settings.api_key, CHAT_API, screens)
        self._settings = settings
        self._roster = Roster()

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

    def routes(self, calls: CallEvents) -> APIRouter:
        return AttendeeWebhooks(self._settings, self._roster, self._control, calls).router()

    def refusal(self, connection: HTTPConnection) -> str | None:
        secret, given = self._settings.secret, str(connection.path_params.get("secret", ""))
        if secret and not hmac.compare_digest(secret.encode(), given.encode()):
            return NOT_KNOWN
        return None

    def codec(self, connection: HTTPConnection) -> AttendeeCodec:
        return AttendeeCodec(self._roster, self._settings.speech_rate_hz)
