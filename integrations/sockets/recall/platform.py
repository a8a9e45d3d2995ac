"""Recall.ai as a platform: a bot of theirs sits in a meeting and sends its sound."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Self

from interject.integrations.sockets.bot_chat import ChatApi
from interject.integrations.sockets.meeting_platform import MeetingPlatform
from interject.integrations.sockets.recall.codec import RecallCodec
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.webhook_signature import WebhookSecret

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import HTTPConnection

    from interject.integrations.sockets.recall.settings import RecallSettings
    from interject.integrations.web.screen_line import CallScreens

logger = logging.getLogger(__name__)

TOKEN_PARAMETER = "token"
CHAT_API = ChatApi("/api/v1/bot/{bot}/send_chat_message/", 500, takes_emoji=True)
"""Meet's chat takes the shortest texts of all."""
LINGER_S = 15.0
"""Recall tries again every three seconds."""


class RecallPlatform(MeetingPlatform):
    """Who dials in shows the token in the URL, or Recall's signature of the upgrade, whose body is
    empty; where both were configured, both. Nothing comes while nobody speaks, and after thirty
    sockets in a row that were closed none does.
    """

    name = "recall"
    path = "/sockets/recall"
    opening_s = MeetingPlatform.silence_s
    linger_s = LINGER_S
    speaks = False

    def __init__(
        self,
        settings: RecallSettings,
        screens: CallScreens | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(settings.url, settings.api_key, CHAT_API, screens)
        self._token = Bearer(settings.token)
        self._secret = WebhookSecret(settings.secret) if settings.secret else None
        self._settings = settings
        self._clock = clock

    async def __aenter__(self) -> Self:
        settings = self._settings
        if not (settings.token or settings.secret):
            logger.warning(
                "INSECURE: no secret is asked for: whoever reaches this server can open calls",
                extra={"door": self.name},
            )
        if self._control is None:
            logger.warning(
                "Nothing is written into the chat of Recall's meetings, so nobody is told there "
                "who listens",
                extra={"setting": settings.variable("api_key")},
            )
        return self

    def refusal(self, connection: HTTPConnection) -> str | None:
        given = connection.query_params.get(TOKEN_PARAMETER, "")
        if not self._token.permits(f"Bearer {given}"):
            return "its URL has not the token that was configured"
        if self._secret is None:
            return None
        if self._secret.has_signed(connection.headers, b"", now_s=self._clock()):
            return None
        return "it is not signed with the workspace's secret, or not now"

    def codec(self, connection: HTTPConnection) -> RecallCodec:
        return RecallCodec() if self._control is None else RecallCodec(self._control.is_own)
