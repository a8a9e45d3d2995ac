"""What a client asks the workers for, in its tenant's stream, and what it is told.

A client asks again, under the same number, until it is answered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from interject.model_runtime.redis.keys import tenant_of
from interject.model_runtime.remote import options_codec, wire

if TYPE_CHECKING:
    from interject.model_runtime.remote.wire import Fields

LONGEST_LEASE_MS = 60_000
LONGEST_NUMBER = 64
_WORD = re.compile(rb"[A-Za-z0-9_-]{1,64}")
_LEASE = re.compile(rb"[0-9]{1,8}")
_FORMS: tuple[tuple[bytes, re.Pattern[bytes], str], ...] = (
    (
        b"n",
        re.compile(rb"[a-z0-9-]{1,32}\.[0-9a-f]{32}"),
        "TENANT.DIGITS with 32 hexadecimal digits in lower case",
    ),
    (b"t", re.compile(rb"[0-9a-f]{32}"), "32 hexadecimal digits in lower case"),
    (b"r", _WORD, "1 to 64 letters, digits, - and _"),
)
"""What a field must be, and how that is said."""


class OpenVerdict(Enum):
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

    `refusal` says what is wrong with it; then there is neither a name nor options.
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
    token = fields.get(b"t", b"")
    if not _WORD.fullmatch(token):
        raise wire.WireError("a request that does not say whose it is")
    number = fields.get(b"r", b"")[:LONGEST_NUMBER].decode("utf-8", "replace")
    try:
        lease_ms = _check(tenant, fields)
    except wire.WireError as error:
        return OpenRequest("", token.decode(), number, b"", 0, str(error))
    return OpenRequest(fields[b"n"].decode(), token.decode(), number, fields[b"d"], lease_ms)


def _check(tenant: str, fields: Fields) -> int:
    """The client's lease in ms.

    :raises wire.WireError: when the request cannot be granted.
    """
    wire.check_version(fields)
    for field, pattern, form in _FORMS:
        if not pattern.fullmatch(fields.get(field, b"")):
            raise wire.WireError(f"{field.decode()} must be {form}")
    if tenant_of(fields[b"n"].decode()) != tenant:
        raise wire.WireError(f"n must be a session of the tenant {tenant}")
    lease = fields.get(b"o", b"")
    if not _LEASE.fullmatch(lease) or int(lease) > LONGEST_LEASE_MS:
        raise wire.WireError(f"o must be a whole number of ms from 0 to {LONGEST_LEASE_MS}")
    options_codec.decode_options(fields.get(b"d", b""))
    return int(lease)


@dataclass(frozen=True, slots=True)
class OpenAnswer:
    """Where the client begins: its generation, and the last entry that it need not read.

    Who attends says that it will be there for `grace_ms`.
    """

    verdict: OpenVerdict
    generation: int
    read_to: str
    grace_ms: int
    error: str


def read_answer(fields: Fields) -> tuple[str, OpenAnswer]:
    """With the number of the request.

    :raises wire.WireError: when it cannot be read.
    """
    try:
        answer = OpenAnswer(
            OpenVerdict(fields[b"a"]),
            int(fields[b"g"]),
            fields[b"l"].decode(),
            int(fields[b"p"]),
            fields[b"e"].decode("utf-8", "replace"),
        )
        return fields[b"r"].decode(), answer
    except (KeyError, ValueError):
        raise wire.WireError("the answer to a request cannot be read") from None
