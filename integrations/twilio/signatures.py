"""Whether a request comes from Twilio."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import ImmutableMultiDict
from twilio.request_validator import (
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from interject.integrations.twilio.settings import TwilioSettings

logger = logging.getLogger(__name__)

WSS_PORT = ":443"

Form = ImmutableMultiDict[str, str]


class Signatures:
    """Twilio signs the public URL as it was configured there, and the form that it sends along.

    Where the settings are `insecure_dev`, everything passes.
    """

    def __init__(self, settings: TwilioSettings) -> None:
        self._settings = settings
        self._validators = tuple(RequestValidator(secret) for secret in settings.secrets)

    def webhook_passes(self, request: HTTPConnection, path: str, form: Form) -> bool:
        return self._passes(request, self._settings.public_url + path, form)

    def socket_passes(self, socket: HTTPConnection, path: str) -> bool:
        """With the port or without, as the validator has it for webhooks alone."""
        url = urlsplit(self._settings.socket_url + path)
        bare = url.netloc.removesuffix(WSS_PORT)
        hosts = (bare, bare + WSS_PORT) if url.port in (None, 443) else (url.netloc,)
        urls = (url._replace(netloc=host).geturl() for host in hosts)
        return any(self._passes(socket, each, Form()) for each in urls)

    def _passes(self, request: HTTPConnection, url: str, form: Form) -> bool:
        if self._settings.insecure_dev:
            return True
        query = request.scope["query_string"].decode("latin-1")
        signed = f"{url}?{query}" if query else url
        signature = request.headers.get(SIGNATURE_HEADER, "")
        algorithm = get_signature_algorithm(request.headers.get(SIGNATURE_SETTINGS_HEADER))
        return any(
            validator.validate(signed, form, signature, algorithm) for validator in self._validators
        )


def read_form(body: bytes) -> Form:
    """Blank values are signed, too."""
    return Form(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
