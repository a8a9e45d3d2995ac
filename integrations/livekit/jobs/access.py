"""Where a LiveKit server is and how to enter its rooms."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlparse

import aiohttp
from livekit import api, rtc

if TYPE_CHECKING:
    from livekit.rtc import RoomOptions

SCHEMES = ("ws", "wss", "http", "https")
TOKEN_TTL = timedelta(hours=6)
CONNECT_TIMEOUT_S = 10.0
REFUSED = "the server refuses the token; check --api-key and --api-secret against its keys"
NOBODY_THERE = "no LiveKit server answers there; is it running?"


class RoomFailure(Exception):
    """A room cannot be entered or used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Access:
    """`url` of the server and the key pair that its tokens are signed with.

    :raises RoomFailure: when one of them is missing or is no URL.
    """

    url: str
    api_key: str
    api_secret: str = field(repr=False)

    def __post_init__(self) -> None:
        if urlparse(self.url).scheme not in SCHEMES or not urlparse(self.url).netloc:
            raise RoomFailure(
                f"{self.url or 'no URL'}: not the address of a LiveKit server; "
                "give --url or LIVEKIT_URL, for example ws://127.0.0.1:7880"
            )
        if not self.api_key or not self.api_secret:
            raise RoomFailure(
                "a key and its secret are needed; give --api-key and --api-secret, "
                "or LIVEKIT_API_KEY and LIVEKIT_API_SECRET"
            )

    def token(self, room: str, identity: str, *, ttl: timedelta = TOKEN_TTL) -> str:
        """What lets one identity into one room, to speak, listen and write there."""
        grants = api.VideoGrants(room_join=True, room=room, can_update_own_metadata=True)
        token = api.AccessToken(self.api_key, self.api_secret).with_identity(identity)
        return token.with_grants(grants).with_ttl(ttl).to_jwt()


async def check(access: Access) -> None:
    """See whether the key pair is the server's; a server that is not there yet may come later.

    :raises RoomFailure: when the server refuses it.
    """
    request = api.ListRoomsRequest(names=["interject"])
    timeout = aiohttp.ClientTimeout(total=CONNECT_TIMEOUT_S)
    try:
        async with api.LiveKitAPI(
            access.url, access.api_key, access.api_secret, timeout=timeout
        ) as service:
            await service.room.list_rooms(request)
    except api.TwirpError as error:
        if error.status in (401, 403):
            raise RoomFailure(f"{access.url}: {REFUSED}") from None
    except (aiohttp.ClientError, TimeoutError, OSError):
        return


async def enter(room: rtc.Room, url: str, token: str, options: RoomOptions | None = None) -> None:
    """Connect, or say in one line why not. LiveKit's own message may quote the token.

    :raises RoomFailure: when the server is not there, or refuses.
    """
    chosen = options or rtc.RoomOptions()
    if chosen.connect_timeout is None:
        chosen.connect_timeout = CONNECT_TIMEOUT_S
    try:
        await room.connect(url, token, chosen)
    except rtc.ConnectError as error:
        raise RoomFailure(f"{url}: {_reason(str(error))}") from None


def _reason(message: str) -> str:
    lowered = message.lower()
    if "401" in lowered or "unauthorized" in lowered:
        if "expired" in lowered:
            return "the token has expired; ask for a new one"
        return REFUSED
    if "403" in lowered or "forbidden" in lowered:
        return "the server refuses this room to this token"
    if "404" in lowered:
        return "there is no such room, and the server does not make rooms by itself"
    if "connection error" in lowered or "io error" in lowered or "timeout" in lowered:
        return NOBODY_THERE
    return "the room cannot be entered; the server's log says more"
