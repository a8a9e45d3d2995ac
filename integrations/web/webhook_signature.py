"""Signatures as standardwebhooks.com has them, so that its libraries check them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"
LEAST_KEY_BYTES, MOST_KEY_BYTES = 24, 64


class WebhookSecret:
    """`whsec_` and 24 to 64 bytes in base64."""

    def __init__(self, text: str) -> None:
        """:raises ValueError: when it is no such secret; the message does not hold it."""
        try:
            key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            key = b""
        if not LEAST_KEY_BYTES <= len(key) <= MOST_KEY_BYTES:
            raise ValueError(
                f"a webhook's secret is {PREFIX} and {LEAST_KEY_BYTES} to {MOST_KEY_BYTES} bytes "
                'in base64: make one with echo "whsec_$(openssl rand -base64 32)"'
            )
        self._key = key

    def headers(self, message_id: str, body: bytes, *, now_s: int) -> dict[str, str]:
        """`now_s` is the time of this attempt: an old one is a replay."""
        signed = f"{message_id}.{now_s}.".encode() + body
        digest = hmac.new(self._key, signed, hashlib.sha256).digest()
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(now_s),
            "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        }
