"""Who can reach the server, and what it therefore has to ask of them."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from interject.cli.process.failures import InputFailure
from interject.integrations.web.loopback import is_loopback

if TYPE_CHECKING:
    from interject.cli.serve.options import ServeOptions

LEAST_TOKEN_CHARS = 16
MAKE_TOKEN = "export INTERJECT_API_TOKEN=$(openssl rand -hex 24)"


@dataclass(frozen=True, slots=True)
class Exposure:
    """`public_url` is None where nobody named one. `viewer_tokens` are for who may only look."""

    host: str
    port: int
    public_url: str | None
    tokens: tuple[str, ...] = field(repr=False)
    viewer_tokens: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)

    @property
    def own_url(self) -> str:
        """Without a proxy in front.

        :raises InputFailure: when the port is not known yet.
        """
        if not self.port:
            raise InputFailure(
                f"--bind {self.host}:0: telephones have to be told the port; name one, for example "
                "8080, or a --public-url"
            )
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def own_origins(self, port: int) -> tuple[str, ...]:
        """Under which a browser may have loaded our pages; `port` is the one that was bound."""
        hosts = [self.host] if not self.is_loopback else ["127.0.0.1", "localhost", "[::1]"]
        local = tuple(f"http://{host}:{port}" for host in hosts)
        return local if self.public_url is None else (*local, _origin(self.public_url))

    def listener(self) -> socket.socket:
        """Bound, and deaf until the app is there.

        :raises InputFailure: when it cannot be.
        """
        try:
            return _bound(self.host, self.port)
        except (OSError, UnicodeError) as error:
            why = (getattr(error, "strerror", None) or "no name of a host").lower()
            raise InputFailure(
                f"--bind {self.host}:{self.port}: {why}; name another address, or port 0"
            ) from None


def read_exposure(options: ServeOptions) -> Exposure:
    """:raises InputFailure: for an address that is none, and for one that would be open to others
    without asking who they are.
    """
    host, port = _address(options.bind)
    url = None if options.public_url is None else _public(options.public_url)
    tokens = _tokens("--api-token", options.api_token)
    viewer_tokens = _tokens("--viewer-token", options.viewer_token)
    if viewer_tokens and not tokens:
        raise InputFailure(
            "--viewer-token: without an --api-token everybody may operate; make one with "
            f"{MAKE_TOKEN}"
        )
    if set(tokens) & set(viewer_tokens):
        raise InputFailure("--viewer-token: it is an --api-token, too, and would operate")
    for origin in options.origins:
        _check_origin(origin)
    found = Exposure(host, port, url, tokens, viewer_tokens)
    if options.insecure_dev:
        if not found.is_loopback:
            raise InputFailure(
                f"--insecure-dev asks nobody who he is, so it serves loopback only, not {host}; "
                "leave --bind or --insecure-dev out"
            )
    elif not found.is_loopback and (url is None or not tokens):
        raise InputFailure(
            f"--bind {options.bind}: others can reach this address, so it needs a token "
            f"({MAKE_TOKEN}) and the https:// address of a proxy in front of it (--public-url); "
            "or bind 127.0.0.1"
        )
    elif url is not None and not tokens and not is_loopback(urlsplit(url).hostname or ""):
        raise InputFailure(
            f"--public-url {url}: others can reach it, so it needs a token: {MAKE_TOKEN}"
        )
    return found


def _tokens(option: str, text: str) -> tuple[str, ...]:
    """:raises InputFailure: for one that could be guessed, or not be sent."""
    tokens = tuple(token.strip() for token in text.split(",") if token.strip())
    if any(len(token) < LEAST_TOKEN_CHARS for token in tokens):
        raise InputFailure(
            f"{option}: {LEAST_TOKEN_CHARS} characters at least; make one with {MAKE_TOKEN}"
        )
    if not all(token.isascii() and token.isprintable() for token in tokens):
        raise InputFailure(
            f"{option}: no browser can send other characters than those of ASCII; make one "
            f"with {MAKE_TOKEN}"
        )
    return tokens


def _bound(host: str, port: int) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except BaseException:
        listener.close()
        raise
    return listener


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise InputFailure(f"--bind {text}: give host:port, for example 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def _public(url: str) -> str:
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        raise InputFailure("--public-url: not a URL; give https://voice.example.com") from None
    plain = not (parts.query or parts.fragment or parts.username or parts.path.strip("/"))
    secure = parts.scheme == "https" or (
        parts.scheme == "http" and is_loopback(parts.hostname or "")
    )
    if not (parts.hostname and plain and secure and has_port):
        raise InputFailure(
            "--public-url: give https:// and a host and nothing behind it, for example "
            "https://voice.example.com; browsers give no microphone to a page without TLS"
        )
    return url.rstrip("/")


def _check_origin(text: str) -> None:
    """Of whatever scheme: apps that are a web view have one of their own."""
    parts = urlsplit(text)
    if not (parts.scheme and parts.netloc) or parts.path.strip("/"):
        raise InputFailure(f"--origin {text}: give scheme and host, as in https://desk.example.com")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
