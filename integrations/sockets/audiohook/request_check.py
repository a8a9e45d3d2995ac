"""Whether an AudioHook connection comes from the organisation that has our key and secret."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING

from interject.integrations.sockets.audiohook.http_signature import (
    ALGORITHM,
    SignatureRefused,
    read_signature,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import HTTPConnection

    from interject.integrations.sockets.audiohook.http_signature import MessageSignature

ORGANIZATION, SESSION = "audiohook-organization-id", "audiohook-session-id"
API_KEY = "x-api-key"
TARGET, AUTHORITY = "@request-target", "@authority"
COVERED = frozenset({TARGET, AUTHORITY, ORGANIZATION, SESSION, "audiohook-correlation-id", API_KEY})
MOST_SKEW_S = 3
MOST_AGE_S = 10
LEAST_NONCE_CHARS = 22
MOST_NONCES = 10_000
DEFAULT_PORT = ":443"


class RequestCheck:
    """`keys` are the client secrets by their API keys, decoded. `authority` is the host that the
    platform was told to dial; where it is None the request's own `Host` has to do.

    A signature is good once: whoever records a request cannot send it again.
    """

    def __init__(
        self,
        keys: Mapping[str, bytes],
        authority: str | None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = dict(keys)
        self._authority = authority
        self._clock = clock
        self._unknown_key = secrets.token_bytes(32)
        self._nonces: OrderedDict[str, float] = OrderedDict()

    def check(self, request: HTTPConnection) -> None:
        """:raises SignatureRefused: when anything about it is wrong."""
        signature = read_signature(
            _header(request, "signature-input"), _header(request, "signature")
        )
        if missing := COVERED - set(signature.covered):
            raise SignatureRefused(f"the signature leaves out {', '.join(sorted(missing))}")
        self._check_parameters(signature, _header(request, API_KEY))
        self._check_time(signature)
        self._check_secret(signature, request)
        self._use(signature)

    def _check_parameters(self, signature: MessageSignature, api_key: str) -> None:
        if signature.text("alg") not in ("", ALGORITHM):
            raise SignatureRefused("the signature is made in another way than hmac-sha256")
        if len(signature.text("nonce")) < LEAST_NONCE_CHARS:
            raise SignatureRefused("the signature has no nonce, or a short one")
        if not hmac.compare_digest(signature.text("keyid").encode(), api_key.encode("latin-1")):
            raise SignatureRefused("X-API-KEY is another key than the signature's")

    def _check_time(self, signature: MessageSignature) -> None:
        now, created = self._clock(), signature.number("created")
        expires = signature.number("expires")
        if created is None:
            raise SignatureRefused("the signature does not say when it was made")
        if created > now + MOST_SKEW_S:
            raise SignatureRefused("the signature is of the future: set this machine's clock")
        too_old = created + MOST_AGE_S + MOST_SKEW_S < now
        if too_old or (expires is not None and expires + MOST_SKEW_S < now):
            raise SignatureRefused("the signature is too old: set this machine's clock")

    def _check_secret(self, signature: MessageSignature, request: HTTPConnection) -> None:
        """An unknown key costs as much time as a known one. Which of both it was is for the log."""
        keyid = signature.text("keyid")
        key = self._keys.get(keyid, self._unknown_key)
        made = [
            signature.is_made_with(key, partial(_value, request, host))
            for host in self._authorities(request)
        ]
        if keyid not in self._keys:
            raise SignatureRefused("X-API-KEY is none of this server's keys")
        if not any(made):
            raise SignatureRefused(
                "it is signed with another secret, for another address, or in another way"
            )

    def _authorities(self, request: HTTPConnection) -> tuple[str, ...]:
        authority = self._authority or _header(request, "host")
        bare = authority.lower().removesuffix(DEFAULT_PORT)
        return bare, bare + DEFAULT_PORT

    def _use(self, signature: MessageSignature) -> None:
        nonce, now = signature.text("nonce"), self._clock()
        while self._nonces and next(iter(self._nonces.values())) < now:
            self._nonces.popitem(last=False)
        if nonce in self._nonces:
            raise SignatureRefused("the signature was used before")
        if len(self._nonces) >= MOST_NONCES:
            self._nonces.popitem(last=False)
        self._nonces[nonce] = now + MOST_AGE_S + 2 * MOST_SKEW_S


def _value(request: HTTPConnection, authority: str, name: str) -> str:
    """:raises SignatureRefused: for a part that this request does not have."""
    if name == TARGET:
        return _target(request)
    if name == AUTHORITY:
        return authority
    if name.startswith("@") or name not in request.headers:
        raise SignatureRefused("something is signed that the request does not have")
    return _header(request, name)


def _target(request: HTTPConnection) -> str:
    """As it was sent, and not as a framework has decoded it."""
    path = request.scope.get("raw_path") or request.scope["path"].encode()
    query = request.scope["query_string"]
    return bytes(path + b"?" + query if query else path).decode("latin-1")


def _header(request: HTTPConnection, name: str) -> str:
    return ", ".join(value.strip() for value in request.headers.getlist(name))
