"""Signatures as standardwebhooks.com has them, so that its libraries check them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "whsec_"
LEAST_KEY_BYTES, MOST_KEY_BYTES = 24, 64
PARTS = ("id", "timestamp", "signature")
TOLERANCE_S = 300
MOST_DIGITS = 16


class WebhookSecret:
    """`whsec_` and 24 to 64 bytes in base64."""

    def __init__(self, text: str) -> None:
        """:raises ValueError: when it is no such secret; the message does not hold it."""
        try:
            # Whoever keeps it in a file has a line's end behind it.
            key = base64.b64decode(text.strip().removeprefix(PREFIX), validate=True)
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
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(now_s),
            "webhook-signature": self._signature(signed),
        }

    def has_signed(self, headers: Mapping[str, str], body: bytes, *, now_s: float) -> bool:
        """Whether one of a request's signatures is of this secret and not from another time. Their
        names may begin with `svix-`, too.
        """
        message_id, written_at, signatures = (
            headers.get(f"webhook-{part}", headers.get(f"svix-{part}", "")) for part in PARTS
        )
        if not (written_at.isascii() and written_at.isdecimal() and len(written_at) < MOST_DIGITS):
            return False
        if abs(now_s - int(written_at)) > TOLERANCE_S:
            return False
        wanted = self._signature(f"{message_id}.{written_at}.".encode() + body).encode()
        matches = [hmac.compare_digest(wanted, one.encode()) for one in signatures.split(" ")]
        return any(matches)

    def _signature(self, signed: bytes) -> str:
        digest = hmac.digest(self._key, signed, hashlib.sha256)
        return f"v1,{base64.b64encode(digest).decode()}"
