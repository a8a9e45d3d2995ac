"""TwiML as Twilio reads it, with what it refuses about a stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit
from xml.etree import ElementTree

from interject.integrations.twilio.simulator.debugger import ErrorCode, TwilioRefusal

LONGEST_PARAMETER = 500
TRACKS = {
    "inbound_track": ("inbound",),
    "outbound_track": ("outbound",),
    "both_tracks": ("inbound", "outbound"),
}


@dataclass(frozen=True)
class TwimlVerb:
    """An element with what stands in it."""

    name: str
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    nouns: tuple[TwimlVerb, ...] = ()


@dataclass(frozen=True)
class StreamOrder:
    """A stream that somebody asked for, in TwiML or over REST."""

    url: str
    tracks: tuple[str, ...]
    two_way: bool
    name: str = ""
    status_callback: str = ""
    parameters: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, noun: TwimlVerb, *, two_way: bool) -> StreamOrder:
        """:raises TwilioRefusal: where Twilio would not open it."""
        parameters = {
            parameter.attributes["name"]: parameter.attributes["value"]
            for parameter in noun.nouns
            if parameter.name == "Parameter"
        }
        return cls.checked(
            noun.attributes.get("url", ""),
            noun.attributes.get("track", "inbound_track"),
            two_way=two_way,
            name=noun.attributes.get("name", ""),
            status_callback=noun.attributes.get("statusCallback", ""),
            parameters=parameters,
        )

    @classmethod
    def checked(
        cls,
        url: str,
        track: str,
        *,
        two_way: bool,
        name: str = "",
        status_callback: str = "",
        parameters: dict[str, str],
    ) -> StreamOrder:
        """:raises TwilioRefusal: where Twilio would not open it."""
        parts = urlsplit(url)
        secure = parts.scheme == "wss" and parts.port in (None, 443)
        if parts.query or not (secure or is_plain_loopback(url)):
            raise TwilioRefusal(ErrorCode.STREAM_HANDSHAKE, f"no stream to {url}")
        if track not in TRACKS or (two_way and track != "inbound_track"):
            raise TwilioRefusal(ErrorCode.STREAM_TRACK, f"no track {track}")
        for key, value in parameters.items():
            if len(key) + len(value) > LONGEST_PARAMETER:
                raise TwilioRefusal(ErrorCode.SCHEMA, f"the parameter {key} is too long")
        return cls(url, TRACKS[track], two_way, name, status_callback, parameters)


def is_plain_loopback(url: str) -> bool:
    """Twilio takes no plain sockets, and reaches no loopback: this is a developer's own server."""
    parts = urlsplit(url)
    return parts.scheme in ("ws", "http") and parts.hostname in ("127.0.0.1", "localhost", "::1")


def parse(document: str) -> list[TwimlVerb]:
    """:raises TwilioRefusal: when it is no TwiML."""
    try:
        root = ElementTree.fromstring(document)
    except ElementTree.ParseError as broken:
        raise TwilioRefusal(ErrorCode.DOCUMENT_PARSE, str(broken)) from broken
    if root.tag != "Response":
        raise TwilioRefusal(ErrorCode.DOCUMENT_PARSE, f"{root.tag} is no Response")
    return [_verb(element) for element in root]


def _verb(element: ElementTree.Element) -> TwimlVerb:
    nouns = tuple(_verb(child) for child in element)
    return TwimlVerb(element.tag, (element.text or "").strip(), dict(element.attrib), nouns)
