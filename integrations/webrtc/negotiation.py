"""Which lines of an offer are answered: aiortc sees those alone, and in an order that stays."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.integrations.webrtc.sdp_section import (
    DIRECTIONS,
    HIDDEN,
    BadOffer,
    SdpSection,
    candidate,
    joined,
    sections,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CODECS = ("opus/48000", "g722/8000", "pcmu/8000", "pcma/8000")
STATIC_CODECS = {"0": "PCMU/8000", "8": "PCMA/8000", "9": "G722/8000"}
MOST_SOUNDS = 4
"""Lines of sound in one offer that are answered; each may have a socket of its own."""
MOST_SLOTS = 16
NO_AUDIO = "the offer has no audio that can be answered"
ANOTHER = "cannot be done within a connection: make another one for this call, with restart_pc"
RESTART = f"an ICE restart {ANOTHER}"
STOPPED = f"stopping the first line of a bundle {ANOTHER}"
"""Chromium gives up the transport of all of them then, and aiortc has no second one."""
REPLACED = (
    "ice-ufrag", "ice-pwd", "fingerprint", "setup", "candidate", "end-of-candidates", "mid",
    "extmap", "bundle-only", *DIRECTIONS,
)  # fmt: skip


@dataclass(frozen=True)
class _Line:
    """A line of an offer. `key` is its mid, or a name of ours where it has none; without `given`,
    which is what aiortc gets, it is declined.
    """

    offered: SdpSection
    key: str
    given: SdpSection | None


@dataclass(frozen=True)
class Negotiation:
    """What has been offered on one connection. What is declined, video above all, has port 0 in the
    answer and is in no BUNDLE (RFC 3264, 8843), and aiortc never hears of it: it would refuse the
    whole offer.

    aiortc knows a line by its place, and browsers give the place of one that was stopped to
    another. So each line has a slot of its own for good; once stopped, it has no direction there.
    """

    slots: Mapping[str, SdpSection] = field(default_factory=dict)
    lines: tuple[_Line, ...] = ()
    bundle: tuple[str, ...] = ()
    ice_lite: bool = False

    def then(self, sdp: str) -> Negotiation:
        """After another offer.

        :raises BadOffer: when nothing of it can be answered.
        """
        head, offered = sections(sdp)
        bundle = next((group.split()[1:] for group in head.values("group") if _bundles(group)), [])
        lines = _Chooser(head, offered, bundle, self.slots).lines
        given = {line.key: line.given for line in lines if line.given}
        if not given or not (self.slots or any(one.kind == "audio" for one in given.values())):
            raise BadOffer(NO_AUDIO)
        slots = {key: _rested(section) for key, section in self.slots.items()} | given
        if len(slots) > MOST_SLOTS:
            raise BadOffer(f"a connection may have {MOST_SLOTS} lines: make another one")
        bundled = tuple(mid for mid in bundle if mid in given)
        if self.bundle and self.bundle[0] not in bundled:
            raise BadOffer(STOPPED)
        return Negotiation(slots, lines, bundled, head.has("ice-lite"))

    @property
    def live(self) -> frozenset[str]:
        """The mids of what is answered of the last offer."""
        return frozenset(line.key for line in self.lines if line.given)

    @property
    def listening(self) -> frozenset[str]:
        """The mids on which a client wants to hear something."""
        return frozenset(
            line.key
            for line in self.lines
            if line.given and line.given.direction in ("sendrecv", "recvonly")
        )

    @property
    def offer(self) -> str:
        """What aiortc is to know of the last one."""
        head = ["v=0", "o=- 0 0 IN IP4 0.0.0.0", "s=-", "t=0 0"]
        head += ["a=ice-lite"] if self.ice_lite else []
        return joined([*head, *self._group, *_all_lines(self.slots.values())])

    def answer(self, sdp: str) -> str:
        """aiortc's answer as one to the whole offer."""
        head, answered = sections(sdp)
        by_key = {section.value("mid"): section for section in answered}
        lines = [*head.without("group"), *self._group]
        for line in self.lines:
            lines += _declined(line.offered) if line.given is None else _answered(line, by_key)
        return joined(lines)

    @property
    def _group(self) -> list[str]:
        return [f"a=group:BUNDLE {' '.join(self.bundle)}"] if self.bundle else []


class _Chooser:
    """Goes through the lines of an offer once."""

    def __init__(
        self,
        head: SdpSection,
        offered: Sequence[SdpSection],
        bundle: Sequence[str],
        slots: Mapping[str, SdpSection],
    ) -> None:
        self._head = head
        self._mates = [one for one in offered if one.value("mid") in bundle]
        self._slots = slots
        self._sounds = 0
        self._has_data = False
        self.lines = tuple(self._line(at, section) for at, section in enumerate(offered))
        keys = [line.key for line in self.lines]
        if len(set(keys)) < len(keys):
            raise BadOffer("the SDP cannot be answered: two lines have one mid")

    def _line(self, at: int, section: SdpSection) -> _Line:
        key = section.value("mid") or f"line{at}"
        known = self._slots.get(key)
        if not self._wanted(section) or not self._fits(known, section):
            return _Line(section, key, None)
        given = self._given(section, key)
        if given is not None:
            _check_same(known, given)
            self._sounds += given.kind == "audio"
            self._has_data = self._has_data or given.kind == "application"
        return _Line(section, key, given)

    def _wanted(self, section: SdpSection) -> bool:
        kind = section.kind
        if section.port == 0 and not (section.has("bundle-only") and section in self._mates):
            return False
        if kind == "audio":
            return self._sounds < MOST_SOUNDS and "SAVP" in section.protocol and _codecs(section)
        return kind == "application" and not self._has_data and "SCTP" in section.protocol

    def _fits(self, known: SdpSection | None, section: SdpSection) -> bool:
        """A connection has one line of data for good."""
        if known is not None:
            return known.kind == section.kind
        kinds = [one.kind for one in self._slots.values()]
        return section.kind == "audio" or section.kind not in kinds

    def _given(self, section: SdpSection, key: str) -> SdpSection | None:
        """None: it cannot be reached, or not safely."""
        ways = [self._transport(section, name) for name in ("ice-ufrag", "ice-pwd", "fingerprint")]
        if not all(ways):
            return None
        setup = self._transport(section, "setup") or ["a=setup:actpass"]
        lines = [
            f"m={section.kind} 9 {section.protocol} {' '.join(section.formats)}",
            *section.without(*REPLACED)[1:],
            *(line for way in (*ways, setup) for line in way),
            *self._candidates(section),
            *(f"a=extmap:{one}" for one in section.values("extmap") if len(one.split()) == 2),
            f"a=mid:{key}",
        ]
        if section.kind == "audio":
            lines += _static_codecs(section)
            lines.append(f"a={section.direction or self._head.direction or 'sendrecv'}")
        return SdpSection(tuple(lines))

    def _transport(self, section: SdpSection, name: str) -> list[str]:
        """Of the line itself, of all lines, or of those that share its transport."""
        mates = self._mates if section in self._mates else []
        for owner in (section, self._head, *mates):
            if values := owner.values(name):
                return [f"a={name}:{value}" for value in values]
        return []

    def _candidates(self, section: SdpSection) -> list[str]:
        """That no other follows is kept from aiortc: it would give up before a client behind NAT,
        none of whose own ways can be gone, has been heard of.
        """
        mates = self._mates if section in self._mates else []
        found = next((values for one in (section, *mates) if (values := _ways_to(one))), [])
        return [f"a=candidate:{text}" for text in found]


def _all_lines(found: Iterable[SdpSection]) -> list[str]:
    return [line for section in found for line in section.lines]


def _bundles(group: str) -> bool:
    return group.split()[:1] == ["BUNDLE"]


def _codecs(section: SdpSection) -> bool:
    known = [value.lower().partition(" ")[2] for value in section.values("rtpmap")]
    return any(one.startswith(CODECS) for one in known) or any(
        STATIC_CODECS.get(one) for one in section.formats
    )


def _static_codecs(section: SdpSection) -> Iterable[str]:
    """Their numbers need no explanation; aiortc wants one."""
    explained = {value.partition(" ")[0] for value in section.values("rtpmap")}
    return [
        f"a=rtpmap:{number} {STATIC_CODECS[number]}"
        for number in section.formats
        if number in STATIC_CODECS and number not in explained
    ]


def _ways_to(section: SdpSection) -> list[str]:
    found = []
    for text in section.values("candidate"):
        with contextlib.suppress(BadOffer):
            if not candidate(text).ip.endswith(HIDDEN):
                found.append(text)
    return found


def _check_same(known: SdpSection | None, given: SdpSection) -> None:
    """:raises BadOffer: when it is to be reached anew, which aiortc cannot."""
    for name in ("ice-ufrag", "fingerprint"):
        if known is not None and known.values(name) != given.values(name):
            raise BadOffer(RESTART)


def _rested(section: SdpSection) -> SdpSection:
    if section.kind != "audio":
        return section
    return SdpSection((*section.without(*DIRECTIONS), "a=inactive"))


def _declined(section: SdpSection) -> list[str]:
    mid = section.value("mid")
    return [
        f"m={section.kind} 0 {section.protocol} {' '.join(section.formats)}",
        "c=IN IP4 0.0.0.0",
        "a=inactive",
        *([f"a=mid:{mid}"] if mid else []),
    ]


def _answered(line: _Line, answers: dict[str | None, SdpSection]) -> tuple[str, ...]:
    section = answers[line.key]
    return section.lines if line.offered.value("mid") else section.without("mid")
