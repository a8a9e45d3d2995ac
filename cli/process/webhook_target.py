"""Where events are posted, and with which secret, as it was given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from interject.cli.process.failures import InputFailure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from interject.integrations.web.webhook_signature import WebhookSecret

WEBHOOK_SECRET = "INTERJECT_WEBHOOK_SECRET"


def read_url(option: str, url: str) -> str:
    """:raises InputFailure: when it is no address of the web."""
    if not _is_web_address(url):
        raise InputFailure(f"{option}: give a URL, as in https://desk.example.com/cues")
    return url


def read_secret(environment: Mapping[str, str]) -> WebhookSecret | None:
    """:raises InputFailure: when it is none; the message does not hold it."""
    from interject.integrations.web.webhook_signature import WebhookSecret

    secret = environment.get(WEBHOOK_SECRET, "")
    try:
        return WebhookSecret(secret) if secret else None
    except ValueError as error:
        raise InputFailure(f"{WEBHOOK_SECRET}: {error}") from None


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        web = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        return web and not re.search(r"[^!-~]", parts.netloc)
    except ValueError:
        return False
