"""How each simulated platform dials in: at which address, as whom, and with what to show."""

from __future__ import annotations

import base64
import binascii
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from interject.cli.process.failures import InputFailure
from interject.cli.sockets.command import SimulatedPlatform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from interject.integrations.sockets.simulator.peer import SimulatedPeer

RATE_HZ = 16_000
CALL, SPEAKER = "simulated", "caller"
TOKEN = "INTERJECT_API_TOKEN"
KEY, SECRET = "INTERJECT_AUDIOHOOK_API_KEY", "INTERJECT_AUDIOHOOK_CLIENT_SECRET"
SHOWN = {
    SimulatedPlatform.PLAIN: TOKEN,
    SimulatedPlatform.ATTENDEE: "INTERJECT_ATTENDEE_SECRET",
    SimulatedPlatform.RECALL: "INTERJECT_RECALL_TOKEN",
    SimulatedPlatform.MONITOR: f"{KEY}, {SECRET} and INTERJECT_PUBLIC_URL",
    SimulatedPlatform.CONNECTOR: f"{KEY}, {SECRET} and INTERJECT_PUBLIC_URL",
}


@dataclass(frozen=True, slots=True)
class Dial:
    """`call` is what the server calls it; `speaker` says the sound, at the rate of his dialect."""

    peer: SimulatedPeer
    path: str
    headers: Mapping[str, str]
    call: str = CALL
    speaker: str = SPEAKER


def dial_of(platform: SimulatedPlatform, address: str, environment: Mapping[str, str]) -> Dial:
    """:raises InputFailure: when a secret is none."""
    return _DIALS[platform](platform, address, environment)


def _plain(_: SimulatedPlatform, address: str, environment: Mapping[str, str]) -> Dial:
    from interject.integrations.sockets.simulator.peer import SimulatedPeer
    from interject.integrations.sockets.simulator.plain import PlainDialect

    dialect = PlainDialect(rate_hz=RATE_HZ, tracks=(SPEAKER,), call=CALL, marks=True)
    token = api_token(environment)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Dial(SimulatedPeer(dialect, speakers=(SPEAKER,)), "/sockets/plain", headers)


def _attendee(_: SimulatedPlatform, address: str, environment: Mapping[str, str]) -> Dial:
    from interject.integrations.sockets.simulator.attendee import AttendeeDialect
    from interject.integrations.sockets.simulator.peer import SimulatedPeer

    dialect = AttendeeDialect(CALL, named={SPEAKER: SPEAKER})
    secret = environment.get("INTERJECT_ATTENDEE_SECRET", "").strip() or "none"
    peer = SimulatedPeer(dialect, speakers=(SPEAKER,))
    return Dial(peer, f"/sockets/attendee/{secret}", {})


def _recall(_: SimulatedPlatform, address: str, environment: Mapping[str, str]) -> Dial:
    from interject.integrations.sockets.simulator.peer import SimulatedPeer
    from interject.integrations.sockets.simulator.recall import RecallDialect

    dialect = RecallDialect(CALL, there=(SPEAKER,))
    token = environment.get("INTERJECT_RECALL_TOKEN", "").strip()
    peer = SimulatedPeer(dialect, speakers=(SPEAKER,), sends_silence=False)
    return Dial(peer, f"/sockets/recall?token={token}", {})


def _audiohook(platform: SimulatedPlatform, address: str, environment: Mapping[str, str]) -> Dial:
    """A monitor's customer speaks, and nobody answers him."""
    from interject.integrations.sockets.simulator.audiohook import AudioHookDialect
    from interject.integrations.sockets.simulator.audiohook_session import (
        CONNECTOR_OFFERS,
        EXTERNAL,
        AudioHookSession,
    )
    from interject.integrations.sockets.simulator.audiohook_signing import signed_headers
    from interject.integrations.sockets.simulator.peer import SimulatedPeer

    speaks = platform is SimulatedPlatform.CONNECTOR
    session = (
        AudioHookSession(media=CONNECTOR_OFFERS, may_play=True) if speaks else AudioHookSession()
    )
    path = f"/sockets/{platform.replace('-', '/')}"
    host = urlsplit(environment.get("INTERJECT_PUBLIC_URL", "")).netloc or address
    headers = signed_headers(
        f"https://{host}{path}", session, *_signing(environment), now=time.time()
    )
    return Dial(
        SimulatedPeer(AudioHookDialect(session), speakers=(EXTERNAL,)),
        path,
        headers,
        f"{session.conversation_id}{'-bot' if speaks else ''}",
        EXTERNAL,
    )


def _signing(environment: Mapping[str, str]) -> tuple[str, bytes]:
    """Where none are set, as with --insecure-dev, some that nobody has."""
    key, secret = (environment.get(name, "").strip() for name in (KEY, SECRET))
    try:
        return key or "none", base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        raise InputFailure(f"{SECRET}: it is no base64") from None


def api_token(environment: Mapping[str, str]) -> str:
    return environment.get(TOKEN, "").split(",")[0].strip()


_DIALS: dict[
    SimulatedPlatform, Callable[[SimulatedPlatform, str, Mapping[str, str]], Dial]
] = {
    SimulatedPlatform.PLAIN: _plain,
    SimulatedPlatform.ATTENDEE: _attendee,
    SimulatedPlatform.RECALL: _recall,
    SimulatedPlatform.MONITOR: _audiohook,
    SimulatedPlatform.CONNECTOR: _audiohook,
}  # fmt: skip
