"""TwiML as Twilio reads it, with what it refuses about a stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit
from xml.etree import ElementTree

from benchmarks.twilio_cloud.debugger import ErrorCode, TwilioRefusal

LONGEST_PARAMETER = 500
TRACKS = {
    "inbound_track": ("inbound",),
    "outbound_track": ("outbound",),
    "both_tracks": ("inbound", "outbound"),
}


@dataclass(frozen=True)
class Verb:
    """An element with what stands in it."""

    name: str
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    nouns: tuple[Verb, ...] = ()


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
    def of(cls, noun: Verb, *, two_way: bool) -> StreamOrder:
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
        if parts.scheme != "wss" or parts.query or parts.port not in (None, 443):
            raise TwilioRefusal(ErrorCode.STREAM_HANDSHAKE, f"no stream to {url}")
        if track not in TRACKS or (two_way and track != "inbound_track"):
            raise TwilioRefusal(ErrorCode.STREAM_TRACK, f"no track {track}")
        for key, value in parameters.items():
            if len(key) + len(value) > LONGEST_PARAMETER:
                raise TwilioRefusal(ErrorCode.SCHEMA, f"the parameter {key} is too long")
        return cls(url, TRACKS[track], two_way, name, status_callback, parameters)


def parse(document: str) -> list[Verb]:
    """:raises TwilioRefusal: when it is no TwiML."""
    try:
        root = ElementTree.fromstring(document)
    except ElementTree.ParseError as broken:
        raise TwilioRefusal(ErrorCode.DOCUMENT_PARSE, str(broken)) from broken
    if root.tag != "Response":
        raise TwilioRefusal(ErrorCode.DOCUMENT_PARSE, f"{root.tag} is no Response")
    return [_verb(element) for element in root]


def _verb(element: ElementTree.Element) -> Verb:
    nouns = tuple(_verb(child) for child in element)
    return Verb(element.tag, (element.text or "").strip(), dict(element.attrib), nouns)
