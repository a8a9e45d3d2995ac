"""Genesys Cloud as a platform: a silent copilot in a call, or a bot that talks with the caller."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

from interject.integrations.conversation.copilot_profile import copilot_profile
from interject.integrations.sockets.audiohook.codec import AudioHookCodec, AudioHookRole
from interject.integrations.sockets.audiohook.http_signature import SignatureRefused
from interject.integrations.sockets.audiohook.request_check import (
    ORGANIZATION,
    SESSION,
    RequestCheck,
)
from interject.integrations.sockets.platform import CallTerms, SocketPlatform
from interject.integrations.web.screen_line import ScreenLine

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import HTTPConnection

    from interject.config import Profile
    from interject.integrations.sockets.audiohook.settings import AudioHookSettings
    from interject.integrations.sockets.socket_codec import SocketCodec
    from interject.integrations.sockets.socket_events import Message, StreamOpened
    from interject.integrations.web.screen_line import CallScreens

AGENT = "agent"
SILENCE_S = 60.0
"""The client pings every five seconds."""
FAREWELL_S = 5.0

logger = logging.getLogger(__name__)


def audiohook_platforms(
    settings: AudioHookSettings, host: str | None, screens: CallScreens | None, usual: Profile
) -> list[AudioHookPlatform]:
    """Both integrations, with one memory of what was signed. `host` is what they were told to dial,
    and `usual` the role of other doors.
    """
    check = None if settings.insecure_dev else RequestCheck(settings.keys, host)
    copilot = copilot_profile(settings.copilot, usual)
    return [
        AudioHookPlatform(AudioHookRole.MONITOR, check, screens, copilot),
        AudioHookPlatform(AudioHookRole.CONNECTOR, check, screens),
    ]


class AudioHookPlatform(SocketPlatform):
    """`check` is None where nobody is asked who he is, which is for trying it on loopback.

    A session that was cut never comes back: the platform begins no second one.
    """

    silence_s = SILENCE_S
    farewell_s = FAREWELL_S
    tells_strangers = True

    def __init__(
        self,
        role: AudioHookRole,
        check: RequestCheck | None,
        screens: CallScreens | None = None,
        profile: Profile | None = None,
    ) -> None:
        self.name = f"audiohook-{role.value}"
        self.path = f"/sockets/audiohook/{role.value}"
        self._role = role
        self._check = check
        self._screens = screens
        self._profile = profile

    async def __aenter__(self) -> Self:
        if self._check is None:
            logger.warning(
                "INSECURE: signatures of Genesys are not checked: whoever reaches this server can "
                "open calls",
                extra={"door": self.name},
            )
        return self

    def refusal(self, connection: HTTPConnection) -> str | None:
        if self._check is None:
            return None
        try:
            self._check.check(connection)
        except SignatureRefused as refused:
            return str(refused)
        return None

    def codec(self, connection: HTTPConnection) -> AudioHookCodec:
        """What the headers say is believed where it is signed."""
        headers = connection.headers
        return AudioHookCodec(
            self._role,
            session_id=headers.get(SESSION, ""),
            organization_id=headers.get(ORGANIZATION, "") if self._check else "",
        )

    def terms(
        self, opened: StreamOpened, codec: SocketCodec, write: Callable[[Message], None]
    ) -> CallTerms:
        line = ScreenLine(opened.call_id, self._screens)
        if self._role is AudioHookRole.CONNECTOR:
            return CallTerms(line, profile=self._profile)
        return CallTerms(line, profile=self._profile, cue_to=(AGENT,), speaks=False)
