from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from aiortc.rtcicetransport import connection_kwargs
from aiortc.rtcsctptransport import SCTP_MAX_PACKET_LENGTH
from pydantic import ValidationError

from interject.integrations.webrtc.settings import WebRtcSettings
from interject.integrations.webrtc.turn_server import TurnServer, for_aiortc, ice_servers

NOW = 1_700_000_000.0
URL = "turns:turn.example.org:443?transport=tcp"


def test_without_settings_nothing_is_asked_of_anybody() -> None:
    """aiortc would ask a server of Google's if it were given no list at all."""
    settings = WebRtcSettings()
    servers = for_aiortc(ice_servers(settings.stun, settings.turn, now=NOW))
    assert servers == []
    assert connection_kwargs(servers) == {}


def test_a_shared_secret_makes_an_account_that_runs_out_as_coturn_checks_it() -> None:
    server = TurnServer(urls=(URL,), secret="north", ttl_s=600)
    name, password = server.account(now=NOW)
    assert name.split(":")[0] == "1700000600"
    digest = hmac.new(b"north", name.encode(), hashlib.sha1).digest()
    assert base64.b64decode(password) == digest


def test_aiortc_and_browsers_get_the_same_servers() -> None:
    turn = TurnServer(urls=(URL,), username="ann", credential="pass")
    found = ice_servers(("stun:stun.example.org:3478",), turn, now=NOW)
    assert [server.model_dump(exclude_none=True) for server in found] == [
        {"urls": ("stun:stun.example.org:3478",)},
        {"urls": (URL,), "username": "ann", "credential": "pass"},
    ]
    assert connection_kwargs(for_aiortc(found)) == {
        "stun_server": ("stun.example.org", 3478),
        "turn_server": ("turn.example.org", 443),
        "turn_ssl": True,
        "turn_transport": "tcp",
        "turn_username": "ann",
        "turn_password": "pass",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"urls": (URL,)},
        {"urls": (URL,), "username": "ann"},
        {"urls": (URL,), "username": "ann", "credential": "x", "secret": "y"},
        {"urls": (), "secret": "y"},
        {"urls": ("https://turn.example.org",), "secret": "y"},
    ],
)
def test_half_an_account_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        TurnServer.model_validate(wrong)
    assert "Value error" not in refused.value.errors()[0]["msg"]


def test_secrets_are_not_shown() -> None:
    shown = repr(WebRtcSettings(turn=TurnServer(urls=(URL,), secret="north")))
    assert "north" not in shown


def test_a_message_fits_into_the_least_packet_that_ipv6_promises() -> None:
    """aiortc before 1.16 sent larger ones, and long messages never arrived behind a tunnel."""
    ipv6, udp, turn_channel, dtls_record, aes_gcm = 40, 8, 4, 13, 24
    assert SCTP_MAX_PACKET_LENGTH + ipv6 + udp + turn_channel + dtls_record + aes_gcm <= 1_280
