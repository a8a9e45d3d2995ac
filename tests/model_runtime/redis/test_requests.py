"""What a request must be, and that whoever can be told is told what is wrong with one."""

from __future__ import annotations

from typing import Any

import pytest

from interject.model_runtime.protocol import SessionOptions
from interject.model_runtime.redis.requests import OpenRequest, read_request
from interject.model_runtime.remote import options_codec, wire

TOKEN = "5" * 32
NAME = "acme." + "0a" * 16
GOOD = OpenRequest(NAME, TOKEN, "n-1", options_codec.encode_options(SessionOptions("a")), 2_000)


def read(**changes: bytes | None) -> OpenRequest:
    """A good request, in which some fields are replaced or left out."""
    fields: dict[bytes, Any] = {
        **GOOD.encode(),
        **{name.encode(): value for name, value in changes.items()},
    }
    return read_request(
        "acme", {name: value for name, value in fields.items() if value is not None}
    )


def test_a_request_comes_out_as_it_went_in() -> None:
    assert read() == GOOD
    assert read(r=b"6ba7b810-9dad-11d1-80b4-00c04fd430c8").refusal == ""
    assert read(o=b"60000").lease_ms == 60_000
    assert read(o=b"0").lease_ms == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"v": b"1"}, "protocol version 1: this side speaks 2 only"),
        ({"n": NAME.upper().encode()}, "n must be TENANT.DIGITS with 32 hexadecimal digits"),
        ({"n": b"acme." + b"0A" * 16}, "in lower case"),
        ({"n": b"acme." + b"0" * 64}, "n must be"),
        ({"n": None}, "n must be"),
        ({"n": b"other." + b"0" * 32}, "n must be a session of the tenant acme"),
        ({"t": b"A" * 32}, "t must be 32 hexadecimal digits in lower case"),
        ({"t": b"5" * 31}, "t must be 32 hexadecimal digits"),
        ({"r": None}, "r must be 1 to 64 letters, digits, - and _"),
        ({"r": b"a b"}, "r must be"),
        ({"r": b"x" * 65}, "r must be"),
        ({"o": b"99999"}, "o must be a whole number of ms from 0 to 60000"),
        ({"o": b"abc"}, "o must be"),
        ({"o": b"1" * 500}, "o must be"),
        ({"o": None}, "o must be"),
        ({"d": None}, "options: d: Invalid JSON"),
        (
            {"d": b'{"session_id":"a","sampling.temperature":1}'},
            'options: sampling.temperature: objects are nested: {"sampling": {"top_k": 5}}',
        ),
    ],
)
def test_what_is_wrong_is_said_to_whoever_asked(
    changes: dict[str, bytes | None], reason: str
) -> None:
    request = read(**changes)
    assert reason in request.refusal
    assert (request.name, request.options) == ("", b"")
    assert request.token == (changes.get("t") or TOKEN.encode()).decode()
    assert request.number == (changes.get("r", b"n-1") or b"").decode()[:64]


@pytest.mark.parametrize("token", [b"", b"../*", b"a.b", b"5" * 65, b"\xff"])
def test_nobody_is_told_at_a_place_that_is_no_clients(token: bytes) -> None:
    with pytest.raises(wire.WireError, match="does not say whose it is"):
        read(t=token)
