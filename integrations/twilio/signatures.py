"""Whether a request comes from Twilio."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import ImmutableMultiDict
from twilio.request_validator import (
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

from interject.integrations.web.log_throttle import LogThrottle

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
        self._refused: defaultdict[str, LogThrottle] = defaultdict(LogThrottle)

    def may_be_signed(self, request: HTTPConnection) -> bool:
        """Whether it is worth while to read what the signature is of."""
        return self._settings.insecure_dev or SIGNATURE_HEADER in request.headers

    def webhook_passes(self, request: HTTPConnection, path: str, form: Form) -> bool:
        return self._checked(request, (self._settings.public_url,), path, form)

    def socket_passes(self, socket: HTTPConnection, path: str) -> bool:
        """With the port or without, as the validator has it for webhooks alone."""
        url = urlsplit(self._settings.socket_url)
        bare = url.netloc.removesuffix(WSS_PORT)
        hosts = (bare, bare + WSS_PORT) if url.port in (None, 443) else (url.netloc,)
        urls = tuple(url._replace(netloc=host).geturl() for host in hosts)
        return self._checked(socket, urls, path, Form())

    def _checked(
        self, request: HTTPConnection, origins: tuple[str, ...], path: str, form: Form
    ) -> bool:
        if self._settings.insecure_dev:
            return True
        if any(self._is_signed(request, origin + path, form) for origin in origins):
            return True
        reason = self._why(request, origins[0], path, form)
        if count := self._refused[reason].note():
            logger.warning(
                "A request was refused: Twilio has not signed it for this address with these "
                "settings",
                extra={
                    "address": origins[0] + path,
                    "setting": ", ".join(("INTERJECT_PUBLIC_URL", *self._settings.secret_names)),
                    "reason": reason,
                    "count": count,
                },
            )
        return False

    def _is_signed(self, request: HTTPConnection, url: str, form: Form) -> bool:
        query = request.scope["query_string"].decode("latin-1")
        signed = f"{url}?{query}" if query else url
        signature = request.headers.get(SIGNATURE_HEADER, "")
        algorithm = get_signature_algorithm(request.headers.get(SIGNATURE_SETTINGS_HEADER))
        return any(
            validator.validate(signed, form, signature, algorithm) for validator in self._validators
        )

    def _why(self, request: HTTPConnection, origin: str, path: str, form: Form) -> str:
        """What `Host` says is asked here alone: who signed it with our key does not lie."""
        if not request.headers.get(SIGNATURE_HEADER):
            return f"it has no {SIGNATURE_HEADER}: it is not from Twilio, or a proxy removes that"
        host = request.headers.get("host", "")
        secure = urlsplit(origin).scheme
        for other in (f"{secure}://{host}", f"{secure.removesuffix('s')}://{host}"):
            if self._is_signed(request, other + path, form):
                return f"it is signed for {other}{path}"
        return "it is signed for another address, with another auth token or in another way"


def read_form(body: bytes) -> Form:
    """Blank values are signed, too."""
    return Form(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
