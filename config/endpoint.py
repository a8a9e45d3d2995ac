"""Servers that a user names: their address, and the key that they ask for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Mapping


def _address(value: str) -> str:
    """It is shown in messages, so it may hold no password."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise PydanticCustomError("url", "it is no URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PydanticCustomError("url", "it must begin with http:// or https:// and name a host")
    if parts.username is not None or parts.query or parts.fragment:
        raise PydanticCustomError(
            "url",
            "it must hold no user name, password, query or fragment; "
            "name the variable that holds the key in api_key_env",
        )
    if not value.isascii() or not value.isprintable() or " " in value:
        raise PydanticCustomError("url", "it holds a letter that a URL may not hold")
    return value.rstrip("/")


HttpAddress = Annotated[str, AfterValidator(_address)]
KeyVariable = Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")]


class KeyMissing(ValueError):
    """The environment does not hold the key that a setting names; the message has no key in it."""


def read_key(variable: str, server: str, environment: Mapping[str, str] | None = None) -> str:
    """Empty where no variable is named.

    :raises KeyMissing: when it is not set, or holds what no header may hold.
    """
    if not variable:
        return ""
    key = (os.environ if environment is None else environment).get(variable, "").strip()
    if not key:
        raise KeyMissing(
            f"the key for {server} is taken from the environment variable {variable}, "
            "which is not set"
        )
    if not (key.isascii() and key.isprintable()):
        raise KeyMissing(f"the environment variable {variable} holds letters that no key has")
    return key


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}
