"""Which names mean this machine, whoever asks for them."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(address: str) -> str:
    """Without its port, in small letters; empty where it is no `host:port`."""
    if "@" in address:
        return ""
    try:
        return urlsplit(f"//{address}").hostname or ""
    except ValueError:
        return ""
