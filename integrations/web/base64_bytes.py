"""Bytes in a message of JSON."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from pydantic import BeforeValidator


def _decoded(text: object) -> bytes:
    if not isinstance(text, str):
        raise ValueError("it must be text in base64")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("it is no base64") from None


Base64Bytes = Annotated[bytes, BeforeValidator(_decoded)]
