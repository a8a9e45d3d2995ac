"""What Twilio's debugger would show of a call: its error numbers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class ErrorCode(IntEnum):
    """As Twilio lists them."""

    HTTP_RETRIEVAL = 11200
    DOCUMENT_PARSE = 12100
    SCHEMA = 12200
    STREAM_HANDSHAKE = 31920
    STREAM_CLOSED = 31921
    SLOW_READER = 31930
    STREAM_TRACK = 31941
    BINARY_MESSAGE = 31950
    INVALID_MESSAGE = 31951


@dataclass(frozen=True)
class Alert:
    """`detail` is for a person who reads a failed test."""

    code: ErrorCode
    detail: str


class TwilioRefusal(Exception):
    """Something that Twilio does not do; it goes into the debugger."""

    def __init__(self, code: ErrorCode, detail: str) -> None:
        super().__init__(f"{code.value}: {detail}")
        self.alert = Alert(code, detail)
