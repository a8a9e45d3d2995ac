"""Signatures of requests that come in, made by the standard's own library."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from interject.integrations.web.webhook_signature import WebhookSecret

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"
NOW = 1_800_000_000.0
BODY = b'{"event":"join"}'


def headers(
    secret: str = SECRET, *, at: float = NOW, body: bytes = BODY, prefix: str = "webhook"
) -> dict[str, str]:
    signature = Webhook(secret).sign("msg_1", datetime.fromtimestamp(at, UTC), body.decode())
    return {
        f"{prefix}-id": "msg_1",
        f"{prefix}-timestamp": str(int(at)),
        f"{prefix}-signature": signature,
    }


@pytest.mark.parametrize("prefix", ["webhook", "svix"])
@pytest.mark.parametrize("body", [BODY, b""])
@pytest.mark.parametrize("at", [NOW, NOW - 299, NOW + 299])
def test_what_the_standard_s_library_signs_passes(prefix: str, body: bytes, at: float) -> None:
    signed = headers(at=at, body=body, prefix=prefix)
    assert WebhookSecret(SECRET).has_signed(signed, body, now_s=NOW)


def test_one_of_several_signatures_is_enough_while_secrets_are_exchanged() -> None:
    both = headers(OTHER)["webhook-signature"] + " " + headers()["webhook-signature"]
    signed = headers() | {"webhook-signature": f"v1a,AAAA {both}"}
    assert WebhookSecret(SECRET).has_signed(signed, BODY, now_s=NOW)


@pytest.mark.parametrize(
    "forged",
    [
        {},
        headers(OTHER),
        headers(body=b"{}"),
        headers(at=NOW - 301),
        headers(at=NOW + 301),
        headers() | {"webhook-id": "msg_2"},
        headers() | {"webhook-timestamp": str(int(NOW) + 1)},
        headers() | {"webhook-timestamp": ""},
        headers() | {"webhook-timestamp": "٣"},
        headers() | {"webhook-timestamp": "9" * 5_000},
        headers() | {"webhook-timestamp": "-1"},
        headers() | {"webhook-signature": "ä,"},
        headers() | {"webhook-signature": headers()["webhook-signature"].replace("v1", "v2")},
    ],
)
def test_anything_else_is_refused(forged: dict[str, str]) -> None:
    assert not WebhookSecret(SECRET).has_signed(forged, BODY, now_s=NOW)


def test_what_we_sign_ourselves_passes_too() -> None:
    secret = WebhookSecret(SECRET)
    signed = secret.headers("msg_9", BODY, now_s=int(NOW))
    assert secret.has_signed(signed, BODY, now_s=NOW)
