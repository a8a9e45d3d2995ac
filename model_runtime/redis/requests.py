"""What a client asks the workers for, in its tenant's stream, and what it is told.

A client asks again, under the same number, until it is answered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from interject.model_runtime.redis.keys import tenant_of
from interject.model_runtime.remote import wire

if TYPE_CHECKING:
    from interject.model_runtime.remote.wire import Fields

LONGEST_LEASE_MS = 60_000
_NAME, _TOKEN, _NUMBER = (
    re.compile(pattern)
    for pattern in (rb"[a-z0-9-]+\.[0-9a-f]{32}", rb"[0-9a-f]{32}", rb"\w{1,32}")
)


class Verdict(Enum):
    """What became of a request."""

    PLACED = b"placed"
    ATTACHED = b"attached"
    IN_USE = b"in_use"
    BUSY = b"busy"
    NO_WORKER = b"no_worker"
    REFUSED = b"refused"


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """`token` names the client. Who has been silent for `lease_ms` may be replaced.

    `refusal` says what is wrong with the options.
    """

    name: str
    token: str
    number: str
    options: bytes
    lease_ms: int
    refusal: str = ""

    def encode(self) -> dict[bytes, bytes]:
        """The fields of an entry."""
        return {
            b"v": wire.VERSION,
            b"n": self.name.encode(),
            b"t": self.token.encode(),
            b"r": self.number.encode(),
            b"o": str(self.lease_ms).encode(),
            b"d": self.options,
        }


def read_request(tenant: str, fields: Fields) -> OpenRequest:
    """An entry of a tenant's stream.

    :raises wire.WireError: when nobody can be told what is wrong with it.
    """
    name, token, number, lease = (fields.get(letter, b"") for letter in (b"n", b"t", b"r", b"o"))
    if not (_NAME.fullmatch(name) and _TOKEN.fullmatch(token) and _NUMBER.fullmatch(number)):
        raise wire.WireError("a request without a session, a client or a number")
    if tenant_of(name.decode()) != tenant:
        raise wire.WireError("a request for another tenant's session")
    options = fields.get(b"d", b"")
    lease_ms = int(lease) if lease.isdigit() and len(lease) < 9 else LONGEST_LEASE_MS
    refusal = ""
    try:
        wire.check_version(fields)
        wire.decode_options(options)
    except wire.WireError as error:
        refusal = str(error)
    return OpenRequest(
        name.decode(), token.decode(), number.decode(),
        b"" if refusal else options, min(lease_ms, LONGEST_LEASE_MS), refusal,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """Where the client begins: its generation, and the last entry that it need not read.

    Who attends says that it will be there for `grace_ms`.
    """

    verdict: Verdict
    generation: int
    read_to: str
    grace_ms: int
    error: str


def read_answer(fields: Fields) -> tuple[str, Answer]:
    """With the number of the request.

    :raises wire.WireError: when it cannot be read.
    """
    try:
        answer = Answer(
            Verdict(fields[b"a"]),
            int(fields[b"g"]),
            fields[b"l"].decode(),
            int(fields[b"p"]),
            fields[b"e"].decode("utf-8", "replace"),
        )
        return fields[b"r"].decode(), answer
    except (KeyError, ValueError):
        raise wire.WireError("the answer to a request cannot be read") from None
