"""Recall.ai as a platform: a bot of theirs sits in a meeting and sends its sound."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Self

from interject.integrations.sockets.platform import CallTerms, SocketPlatform
from interject.integrations.sockets.recall.codec import RecallCodec
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.screen_line import ScreenLine
from interject.integrations.web.webhook_signature import WebhookSecret

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import HTTPConnection

    from interject.integrations.sockets.recall.settings import RecallSettings
    from interject.integrations.sockets.socket_codec import SocketCodec
    from interject.integrations.sockets.socket_events import Message, StreamOpened
    from interject.integrations.web.screen_line import CallScreens

logger = logging.getLogger(__name__)

TOKEN_PARAMETER = "token"
LINGER_S = 15.0
"""Recall tries again every three seconds."""


class RecallPlatform(SocketPlatform):
    """Who dials in shows the token in the URL, or Recall's signature of the upgrade, whose body is
    empty; where both were configured, both.
    """

    name = "recall"
    path = "/sockets/recall"
    linger_s = LINGER_S

    def __init__(
        self,
        settings: RecallSettings,
        screens: CallScreens | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._token = Bearer(settings.token)
        self._secret = WebhookSecret(settings.secret) if settings.secret else None
        self._is_open = not (settings.token or settings.secret)
        self._screens = screens
        self._clock = clock

    async def __aenter__(self) -> Self:
        if self._is_open:
            logger.warning(
                "INSECURE: no secret is asked for: whoever reaches this server can open calls",
                extra={"door": self.name},
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
        return RecallCodec()

    def terms(
        self, opened: StreamOpened, codec: SocketCodec, write: Callable[[Message], None]
    ) -> CallTerms:
        return CallTerms(ScreenLine(opened.call_id, self._screens), speaks=False)
