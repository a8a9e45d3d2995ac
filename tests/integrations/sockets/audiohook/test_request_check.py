"""Signed by the organisation that has our key, for this very address, just now, and once."""

from __future__ import annotations

import base64
from urllib.parse import urlsplit

import pytest
from starlette.requests import HTTPConnection

from interject.integrations.sockets.audiohook.http_signature import (
    SignatureRefused,
    read_signature,
)
from interject.integrations.sockets.audiohook.request_check import RequestCheck
from tests.fakes.clock import FakeClock
from tests.integrations.sockets.audiohook.signing import API_KEY, COVERED, SECRET, Client

NOW = 1_800_000_000.0
HOST = "voice.example.com"
URL = f"https://{HOST}/audiohook/monitor"
GOLDEN_INPUT = (
    'sig1=("@request-target" "@authority" "audiohook-organization-id" "audiohook-session-id" '
    '"audiohook-correlation-id" "x-api-key");keyid="SGVsbG8sIEkgYW0gdGhlIEFQSSBrZXkh";'
    'nonce="VGhpc0lzQVVuaXF1ZU5vbmNl";alg="hmac-sha256";created=1641013200;expires=3282026430'
)
GOLDEN = {
    "host": "audiohook.example.com",
    "audiohook-organization-id": "d7934305-0972-4844-938e-9060eef73d05",
    "audiohook-session-id": "30b0e395-84d3-4570-ac13-9a62d8f514c0",
    "audiohook-correlation-id": "e160e428-53e2-487c-977d-96989bf5c99d",
    "x-api-key": API_KEY,
    "signature": "sig1=:NZBwyBHRRyRoeLqy1IzOa9VYBuI8TgMFt2GRDkDuJh4=:",
    "signature-input": GOLDEN_INPUT,
}


def request(url: str, headers: dict[str, str]) -> HTTPConnection:
    parts = urlsplit(url)
    raw = {"host": parts.netloc, **{name.lower(): value for name, value in headers.items()}}
    return HTTPConnection(
        {
            "type": "websocket",
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in raw.items()],
        }
    )


def checks(authority: str | None = HOST, now: float = NOW) -> RequestCheck:
    return RequestCheck({API_KEY: SECRET}, authority, clock=FakeClock(now))


def test_the_protocol_s_own_example_passes() -> None:
    example = request("https://audiohook.example.com/api/v1/voicebiometrics/ws", GOLDEN)
    checks("audiohook.example.com", now=1641013203.0).check(example)


@pytest.mark.parametrize("name", [name for name in GOLDEN if name != "host"])
def test_no_part_of_it_may_be_another(name: str) -> None:
    middle = len(GOLDEN[name]) // 2
    other = "a" if GOLDEN[name][middle] != "a" else "b"
    changed = GOLDEN[name][:middle] + other + GOLDEN[name][middle + 1 :]
    example = request(
        "https://audiohook.example.com/api/v1/voicebiometrics/ws", {**GOLDEN, name: changed}
    )
    with pytest.raises(SignatureRefused):
        checks("audiohook.example.com", now=1641013203.0).check(example)


def test_an_example_of_the_standard_is_read_as_it_is_meant() -> None:
    """RFC 9421, B.2.5."""
    key = base64.b64decode(
        "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="
    )
    signature = read_signature(
        'sig-b25=("date" "@authority" "content-type");created=1618884473;'
        'keyid="test-shared-secret"',
        "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:",
    )
    values = {
        "date": "Tue, 20 Apr 2021 02:07:55 GMT",
        "@authority": "example.com",
        "content-type": "application/json",
    }
    assert signature.is_made_with(key, values.__getitem__)
    assert not signature.is_made_with(key[:-1], values.__getitem__)


@pytest.mark.parametrize("query", ["", "?a=1&b=%20c"])
@pytest.mark.parametrize("path", ["/audiohook/monitor", "/audiohook/connector/my%20bot"])
def test_a_request_that_another_library_has_signed_passes(path: str, query: str) -> None:
    url = f"https://{HOST}{path}{query}"
    checks().check(request(url, Client().signed(url, now=NOW)))


def test_the_order_of_what_is_signed_is_the_signer_s() -> None:
    headers = Client().signed(URL, now=NOW, covered=(*reversed(COVERED), "@method")[:-1])
    checks().check(request(URL, headers))


@pytest.mark.parametrize("configured", [HOST, f"{HOST}:443", None])
def test_the_host_may_be_signed_without_its_usual_port(configured: str | None) -> None:
    checks(configured).check(request(URL, Client().signed(URL, now=NOW)))


def test_another_host_than_was_configured_is_never_believed() -> None:
    other = "https://evil.example.com/audiohook/monitor"
    with pytest.raises(SignatureRefused, match="another address"):
        checks().check(request(other, Client().signed(other, now=NOW)))


@pytest.mark.parametrize("left_out", COVERED)
def test_everything_that_matters_has_to_be_signed(left_out: str) -> None:
    covered = tuple(name for name in COVERED if name != left_out)
    headers = Client().signed(URL, now=NOW, covered=covered)
    with pytest.raises(SignatureRefused, match=f"leaves out {left_out}"):
        checks().check(request(URL, headers))


@pytest.mark.parametrize(
    ("at", "why"), [(-14.0, "too old"), (4.0, "of the future"), (-12.9, ""), (2.9, "")]
)
def test_a_signature_is_good_for_seconds(at: float, why: str) -> None:
    headers = Client().signed(URL, now=NOW + at, life_s=None)
    if not why:
        checks().check(request(URL, headers))
        return
    with pytest.raises(SignatureRefused, match=why):
        checks().check(request(URL, headers))


def test_one_that_says_itself_that_it_has_expired_is_refused() -> None:
    headers = Client().signed(URL, now=NOW - 6, life_s=2.0)
    with pytest.raises(SignatureRefused, match="too old"):
        checks().check(request(URL, headers))


def test_it_is_good_once() -> None:
    both = checks()
    client = Client()
    headers = client.signed(URL, now=NOW)
    both.check(request(URL, headers))
    with pytest.raises(SignatureRefused, match="used before"):
        both.check(request(URL, headers))
    both.check(request(URL, client.signed(URL, now=NOW)))


def test_one_that_is_refused_uses_up_no_nonce() -> None:
    both = checks()
    nonce = "n" * 22
    with pytest.raises(SignatureRefused):
        both.check(request(URL, Client(secret=b"x" * 32).signed(URL, now=NOW, nonce=nonce)))
    both.check(request(URL, Client().signed(URL, now=NOW, nonce=nonce)))


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, "not signed"),
        (Client().signed(URL, now=NOW, nonce="short"), "nonce"),
        (Client(secret=b"x" * 32).signed(URL, now=NOW), "another secret"),
        (Client(api_key="another").signed(URL, now=NOW), "none of this server"),
        (Client().signed(URL, now=NOW, keyid="another"), "another key"),
    ],
)
def test_what_is_signed_otherwise_is_refused_with_the_reason(
    headers: dict[str, str], why: str
) -> None:
    with pytest.raises(SignatureRefused, match=why):
        checks().check(request(URL, headers))


@pytest.mark.parametrize(
    ("signature_input", "signature"),
    [
        ("", "sig1=:AAAA:"),
        ("sig1", "sig1=:AAAA:"),
        ('sig1=("a");created=1', "sig2=:AAAA:"),
        ('sig1=("a");created=1, sig2=("a");created=1', "sig1=:AAAA:, sig2=:AAAA:"),
        ('sig1=("a");created=1, sig1=("b");created=1', "sig1=:AAAA:"),
        ('sig1=("a");created=1;created=2', "sig1=:AAAA:"),
        ('sig1=("a" "a");created=1', "sig1=:AAAA:"),
        ('sig1=("a";sf);created=1', "sig1=:AAAA:"),
        ("sig1=(a);created=1", "sig1=:AAAA:"),
        ('sig1=("a");created="1"', "sig1=:AAAA:"),
        ('sig1=("a");keyid=1', "sig1=:AAAA:"),
        ('sig1=("a");unknown=1', "sig1=:AAAA:"),
        ('sig1=("a");created=1.5', "sig1=:AAAA:"),
        ('sig1=("a");created=?1', "sig1=:AAAA:"),
        ('sig1=("a");created=1', "sig1=AAAA"),
        ('sig1=("a");created=1', 'sig1=("a")'),
        ('sig1=("ä");created=1', "sig1=:AAAA:"),
        ("(" * 2_000, "sig1=:AAAA:"),
    ],
)
def test_headers_that_make_no_sense_are_refused(signature_input: str, signature: str) -> None:
    with pytest.raises(SignatureRefused):
        read_signature(signature_input, signature)
