"""HTTP message signatures, RFC 9421: an HMAC-SHA256 over parts of a request, which it names."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import http_sf

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ALGORITHM = "hmac-sha256"
TEXTS, NUMBERS = ("alg", "keyid", "nonce", "tag"), ("created", "expires")


class SignatureRefused(Exception):
    """Its text says why, and holds nothing that was sent."""


@dataclass(frozen=True, slots=True)
class MessageSignature:
    """`covered` names what is signed, in order; `written` is how the signed text ends."""

    covered: tuple[str, ...]
    parameters: Mapping[str, str | int]
    digest: bytes
    written: str

    def text(self, key: str) -> str:
        return str(self.parameters.get(key, ""))

    def number(self, key: str) -> int | None:
        value = self.parameters.get(key)
        return value if isinstance(value, int) else None

    def is_made_with(self, key: bytes, value_of: Callable[[str], str]) -> bool:
        """Compared in a time that says nothing of the key."""
        made = hmac.digest(key, self.base(value_of).encode("latin-1"), hashlib.sha256)
        return hmac.compare_digest(made, self.digest)

    def base(self, value_of: Callable[[str], str]) -> str:
        """The signed text: a line for each part, and last how they were named."""
        lines = [f'"{name}": {value_of(name)}' for name in self.covered]
        return "\n".join((*lines, f'"@signature-params": {self.written}'))


def read_signature(signature_input: str, signature: str) -> MessageSignature:
    """Of the two headers. What is signed ends with the parsed input written anew, so that no other
    spelling of it passes.

    :raises SignatureRefused: when they are none, or there are several: whose is meant is not said.
    """
    if not signature_input or not signature:
        raise SignatureRefused("it is not signed: Signature or Signature-Input is missing")
    inputs, digests = _dictionary(signature_input), _dictionary(signature)
    if len(inputs) != 1 or inputs.keys() != digests.keys():
        raise SignatureRefused("Signature-Input and Signature name not one and the same signature")
    ((components, parameters),) = inputs.values()
    ((digest, _),) = digests.values()
    if not isinstance(components, list) or not isinstance(digest, bytes):
        raise SignatureRefused("the signature has another form than a list of names and bytes")
    return MessageSignature(
        _covered(components),
        _checked(parameters),
        digest,
        http_sf.ser([(components, parameters)]),
    )


def _dictionary(field: str) -> dict[str, Any]:
    try:
        parsed = http_sf.parse(
            field.encode("ascii"), tltype="dictionary", on_duplicate_key=_named_twice
        )
    except (ValueError, UnicodeEncodeError):
        raise SignatureRefused("Signature or Signature-Input cannot be read") from None
    assert isinstance(parsed, dict), "a dictionary was asked for"
    return parsed


def _named_twice(*_: str) -> None:
    raise SignatureRefused("something in Signature or Signature-Input is named twice")


def _covered(components: list[Any]) -> tuple[str, ...]:
    """A part with parameters (`;sf`, `;req`) is signed in another way than it is read here."""
    names = [name for name, parameters in components if type(name) is str and not parameters]
    if len(names) != len(components) or len(set(names)) != len(names):
        raise SignatureRefused("a signed part has parameters, or is named twice")
    return tuple(names)


def _checked(parameters: Mapping[str, Any]) -> Mapping[str, str | int]:
    for name, value in parameters.items():
        wanted = str if name in TEXTS else int if name in NUMBERS else None
        if type(value) is not wanted:
            raise SignatureRefused("a parameter of the signature is unknown, or of another kind")
    return dict(parameters)
