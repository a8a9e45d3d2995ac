"""How AudioHook's client signs its upgrade request: written out, as its documentation has it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from interject.integrations.sockets.simulator.audiohook_session import AudioHookSession

LIFE_S = 10


def signed_headers(
    url: str, session: AudioHookSession, api_key: str, secret: bytes, *, now: float
) -> dict[str, str]:
    """Of an upgrade to `url`, which is the one that was configured, proxy or not."""
    parts = urlsplit(url)
    headers = {
        "audiohook-organization-id": session.organization_id,
        "audiohook-session-id": session.session_id,
        "audiohook-correlation-id": str(uuid.uuid4()),
        "x-api-key": api_key,
    }
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    lines = {"@request-target": target, "@authority": parts.netloc, **headers}
    names = " ".join(f'"{name}"' for name in lines)
    created = int(now)
    written = (
        f'({names});keyid="{api_key}";nonce="{secrets.token_urlsafe(24)}";alg="hmac-sha256";'
        f"created={created};expires={created + LIFE_S}"
    )
    base = "\n".join(
        (*(f'"{name}": {value}' for name, value in lines.items()),
         f'"@signature-params": {written}')
    )  # fmt: skip
    digest = base64.b64encode(hmac.digest(secret, base.encode(), hashlib.sha256)).decode()
    return {**headers, "signature-input": f"sig1={written}", "signature": f"sig1=:{digest}:"}
