"""The address of a server that runs already, as somebody wrote it."""

from __future__ import annotations

from urllib.parse import urlsplit

from interject.cli.process.failures import InputFailure


def server_address(url: str) -> str:
    """Its host:port.

    :raises InputFailure: when it is none.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme == "http" and parts.hostname and not parts.path.strip("/")
        address = parts.netloc if parts.port else f"{parts.netloc}:80"
    except ValueError:
        good, address = False, ""
    if not good:
        raise InputFailure(
            f"--server {url}: give the address that it logged, behind any proxy, for example "
            "http://127.0.0.1:8080"
        )
    return address
