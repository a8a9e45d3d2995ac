"""AudioHook's upgrade request as an independent library signs it."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

API_KEY = "SGVsbG8sIEkgYW0gdGhlIEFQSSBrZXkh"
SECRET = base64.b64decode("TXlTdXBlclNlY3JldEtleVRlbGxOby0xITJAMyM0JDU=")
COVERED = (
    "@request-target", "@authority", "audiohook-organization-id", "audiohook-session-id",
    "audiohook-correlation-id", "x-api-key",
)  # fmt: skip


@dataclass
class Upgrade:
    """A request before it is sent, and what of it is signed."""

    url: str
    headers: dict[str, str]
    method: str = "GET"


@dataclass(frozen=True)
class Client:
    """One session of an organisation's client."""

    secret: bytes = SECRET
    api_key: str = API_KEY
    organization_id: str = field(default_factory=lambda: str(uuid4()))
    session_id: str = field(default_factory=lambda: str(uuid4()))

    def signed(
        self,
        url: str,
        *,
        now: float,
        nonce: str | None = None,
        covered: tuple[str, ...] = COVERED,
        life_s: float | None = 10.0,
        keyid: str | None = None,
    ) -> dict[str, str]:
        """The headers of an upgrade to this URL, which begins with https."""
        upgrade = Upgrade(
            url,
            {
                "Audiohook-Organization-Id": self.organization_id,
                "Audiohook-Session-Id": self.session_id,
                "Audiohook-Correlation-Id": str(uuid4()),
                "X-API-KEY": self.api_key,
            },
        )
        created = datetime.fromtimestamp(now, UTC)
        HTTPMessageSigner(
            signature_algorithm=algorithms.HMAC_SHA256, key_resolver=_OneKey(self.secret)
        ).sign(
            upgrade,
            key_id=keyid or self.api_key,
            created=created,
            expires=created + timedelta(seconds=life_s) if life_s is not None else None,
            nonce=secrets.token_urlsafe(24) if nonce is None else nonce,
            label="sig1",
            covered_component_ids=covered,
        )
        return upgrade.headers


class _OneKey(HTTPSignatureKeyResolver):
    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def resolve_private_key(self, key_id: str) -> bytes:
        return self._secret

    def resolve_public_key(self, key_id: str) -> bytes:
        return self._secret
