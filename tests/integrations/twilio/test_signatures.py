"""Signed by Twilio, for this very address, with a key that is known."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import HTTPConnection
from twilio.request_validator import HMAC_SHA256, RequestValidator

from interject.integrations.twilio.settings import TwilioSettings
from interject.integrations.twilio.signatures import Signatures, read_form

URL = "https://voice.example.com"
PATH = "/twilio/voice"
BODY = b"CallSid=CA1&CalledCity=&From=%2B442071838750&Digits=1&Digits=2"


def settings(**more: Any) -> TwilioSettings:
    given: dict[str, Any] = {
        "account_sid": "AC" + "0" * 32,
        "auth_token": "first",
        "secondary_auth_token": "second",
        "public_url": URL,
    }
    return TwilioSettings.made(**(given | more))


def request(query: str = "", **headers: str) -> HTTPConnection:
    raw = [
        (name.replace("_", "-").encode(), value.encode("latin-1"))
        for name, value in headers.items()
    ]
    raw += [(b"host", b"evil.example.net"), (b"x-forwarded-host", b"evil.example.net")]
    return HTTPConnection({"type": "http", "query_string": query.encode(), "headers": raw})


def signature(url: str, token: str = "first", body: bytes = BODY, algorithm: str = "") -> str:
    made = RequestValidator(token).compute_signature(url, read_form(body), algorithm or None)
    return str(made)


@pytest.mark.parametrize("token", ["first", "second"])
def test_either_auth_token_may_have_signed(token: str) -> None:
    signed = request(x_twilio_signature=signature(URL + PATH, token))
    assert Signatures(settings()).webhook_passes(signed, PATH, read_form(BODY))


def test_the_query_is_signed_too() -> None:
    good = signature(f"{URL}{PATH}?inbound=agent")
    checks = Signatures(settings())
    assert checks.webhook_passes(
        request("inbound=agent", x_twilio_signature=good), PATH, read_form(BODY)
    )
    for other in ("", "inbound=customer"):
        forged = request(other, x_twilio_signature=good)
        assert not checks.webhook_passes(forged, PATH, read_form(BODY))


def test_a_path_in_the_public_url_is_signed_too() -> None:
    signed = request(x_twilio_signature=signature(f"{URL}/calls{PATH}"))
    assert Signatures(settings(public_url=f"{URL}/calls/")).webhook_passes(
        signed, PATH, read_form(BODY)
    )


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "x",
        "ä" * 28,
        "A" * 27 + "=",
        signature(URL + PATH, "third"),
        signature("https://evil.example.net" + PATH),
        signature(f"{URL}/twilio/copilot"),
        signature(URL + PATH, body=BODY + b"&More=1"),
        signature(URL + PATH, body=BODY.replace(b"&CalledCity=", b"")),
    ],
)
def test_what_is_signed_otherwise_is_refused(forged: str) -> None:
    checks = Signatures(settings())
    assert not checks.webhook_passes(request(x_twilio_signature=forged), PATH, read_form(BODY))
    assert not checks.webhook_passes(request(), PATH, read_form(BODY))


def test_a_shared_key_signs_with_sha256() -> None:
    known = Signatures(settings(shared_key="third"))
    signed = request(
        x_twilio_signature=signature(URL + PATH, "third", algorithm=HMAC_SHA256),
        x_twilio_webhooks_signature_settings="key=webhooks_1,algorithm=HMAC_SHA256",
    )
    assert known.webhook_passes(signed, PATH, read_form(BODY))
    assert not Signatures(settings()).webhook_passes(signed, PATH, read_form(BODY))
    odd = request(
        x_twilio_signature=signature(URL + PATH),
        x_twilio_webhooks_signature_settings="algorithm=ROT13",
    )
    assert not known.webhook_passes(odd, PATH, read_form(BODY))


def test_a_socket_is_signed_as_a_socket() -> None:
    checks = Signatures(settings())
    path = "/twilio/media"
    good = signature(f"wss://voice.example.com{path}", body=b"")
    assert checks.socket_passes(request(x_twilio_signature=good), path)
    for url in (f"{URL}{path}", f"ws://voice.example.com{path}", f"wss://voice.example.com{path}/"):
        forged = request(x_twilio_signature=signature(url, body=b""))
        assert not checks.socket_passes(forged, path)


@pytest.mark.parametrize("configured", [URL, f"{URL}:443"])
@pytest.mark.parametrize("port", ["", ":443"])
def test_a_socket_may_be_signed_with_its_port(configured: str, port: str) -> None:
    checks = Signatures(settings(public_url=configured))
    signed = signature(f"wss://voice.example.com{port}/twilio/media", body=b"")
    assert checks.socket_passes(request(x_twilio_signature=signed), "/twilio/media")
    other = signature("wss://voice.example.com:8443/twilio/media", body=b"")
    assert not checks.socket_passes(request(x_twilio_signature=other), "/twilio/media")


def test_insecure_lets_everything_pass() -> None:
    checks = Signatures(TwilioSettings.made(public_url="http://127.0.0.1:1", insecure_dev=True))
    assert checks.webhook_passes(request(), PATH, read_form(BODY))
    assert checks.socket_passes(request(), "/twilio/media")


@pytest.mark.parametrize("body", [b"\xff=\xfe", b"%ff=%zz&&&=", b"a" * 10_000, b"=&=&="])
def test_a_form_that_is_none_is_read_all_the_same(body: bytes) -> None:
    assert not Signatures(settings()).webhook_passes(
        request(x_twilio_signature="x"), PATH, read_form(body)
    )


EVIL = "https://evil.example.net"


@pytest.mark.parametrize(
    ("signed", "why"),
    [
        (None, "it has no X-Twilio-Signature: it is not from Twilio, or a proxy removes that"),
        (signature(URL + PATH, "third"), "it is signed for another address, with another auth tok"),
        (signature(EVIL + PATH), f"it is signed for {EVIL}{PATH}"),
        (
            signature(f"http://evil.example.net{PATH}"),
            f"it is signed for http://evil.example.net{PATH}",
        ),
        (
            signature(EVIL + PATH, "third"),
            "it is signed for another address, with another auth tok",
        ),
    ],
)
def test_what_was_compared_and_what_decides_it_is_logged(
    caplog: pytest.LogCaptureFixture, signed: str | None, why: str
) -> None:
    headers = {} if signed is None else {"x_twilio_signature": signed}
    checks = Signatures(settings())
    assert not checks.webhook_passes(request(**headers), PATH, read_form(BODY))
    [record] = caplog.records
    found = vars(record)
    assert found["address"] == URL + PATH
    assert found["setting"] == (
        "INTERJECT_PUBLIC_URL, TWILIO_AUTH_TOKEN, TWILIO_AUTH_TOKEN_SECONDARY"
    )
    assert found["reason"].startswith(why)
    assert not {"first", "second", signed} & set(map(str, found.values()))


def test_a_socket_s_address_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    signed = request(x_twilio_signature=signature("wss://evil.example.net/twilio/media", body=b""))
    assert not Signatures(settings()).socket_passes(signed, "/twilio/media")
    found = vars(caplog.records[0])
    assert found["address"] == "wss://voice.example.com/twilio/media"
    assert found["reason"] == "it is signed for wss://evil.example.net/twilio/media"


@pytest.mark.parametrize("algorithm", ["HMAC_SHA256", "ROT13", "", "HMAC_SHA1"])
def test_a_signature_in_another_way_than_it_says_is_refused(algorithm: str) -> None:
    """SHA-1 that calls itself SHA-256, and the other way round."""
    known = Signatures(settings(shared_key="third"))
    says = f"key=webhooks_1,algorithm={algorithm}"
    sha1 = signature(URL + PATH, "third")
    sha256 = signature(URL + PATH, "third", algorithm=HMAC_SHA256)
    forged = sha1 if algorithm == "HMAC_SHA256" else sha256
    odd = request(x_twilio_signature=forged, x_twilio_webhooks_signature_settings=says)
    assert not known.webhook_passes(odd, PATH, read_form(BODY))
