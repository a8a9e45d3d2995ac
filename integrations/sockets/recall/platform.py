"""Recall.ai as a platform: a bot of theirs sits in a meeting and sends its sound."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from interject.integrations.sockets.platform import CallTerms, SocketPlatform
from interject.integrations.sockets.recall.codec import RecallCodec
from interject.integrations.web.screen_line import ScreenLine

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import HTTPConnection

    from interject.config import Profile
    from interject.integrations.sockets.socket_codec import SocketCodec
    from interject.integrations.sockets.socket_events import Message, StreamOpened
    from interject.integrations.web.bearer import Bearer
    from interject.integrations.web.screen_line import CallScreens
    from interject.integrations.web.webhook_signature import WebhookSecret

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
        token: Bearer,
        secret: WebhookSecret | None,
        screens: CallScreens | None = None,
        profile: Profile | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._token = token
        self._secret = secret
        self._screens = screens
        self._profile = profile
        self._clock = clock

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
        line = ScreenLine(opened.call_id, self._screens)
        return CallTerms(line, profile=self._profile, speaks=False)
