"""An m-line of an SDP and what stands below it, and what stands above the first one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from aiortc.sdp import candidate_from_sdp

if TYPE_CHECKING:
    from aiortc import RTCIceCandidate

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
MOST_PORT = 65_535
HIDDEN = ".local"
"""A browser's address under a name that only its own network knows. aiortc would ask that network
for a second before it answers; whoever hides is found when he calls."""
CANDIDATE_TYPES = ("host", "srflx", "prflx", "relay")


class BadOffer(ValueError):
    """An offer that cannot be answered. Its text is for whoever made it."""


@dataclass(frozen=True)
class SdpSection:
    """Its lines without their ends; the m-line comes first, if it has one."""

    lines: tuple[str, ...]

    @cached_property
    def _media(self) -> list[str]:
        words = self.lines[0].removeprefix("m=").split()
        if len(words) < 4 or not words[1].split("/")[0].isdecimal():
            raise BadOffer("the SDP cannot be answered: an m-line is malformed")
        return words

    @property
    def kind(self) -> str:
        """:raises BadOffer: when the m-line is none."""
        return self._media[0]

    @property
    def port(self) -> int:
        """0: the line is not to be used."""
        return int(self._media[1].split("/")[0])

    @property
    def protocol(self) -> str:
        return self._media[2]

    @property
    def formats(self) -> list[str]:
        return self._media[3:]

    @property
    def direction(self) -> str | None:
        return next((name for name in DIRECTIONS if f"a={name}" in self.lines), None)

    def has(self, name: str) -> bool:
        return f"a={name}" in self.lines

    def values(self, name: str) -> list[str]:
        prefix = f"a={name}:"
        return [line[len(prefix) :].strip() for line in self.lines if line.startswith(prefix)]

    def value(self, name: str) -> str | None:
        return next(iter(self.values(name)), None)

    def without(self, *names: str) -> tuple[str, ...]:
        left_out = {f"a={name}" for name in names}
        return tuple(line for line in self.lines if line.split(":")[0] not in left_out)


def sections(sdp: str) -> tuple[SdpSection, tuple[SdpSection, ...]]:
    """What stands above the first m-line, and each m-line with what stands below it."""
    parts: list[list[str]] = [[]]
    for line in sdp.splitlines():
        if line.startswith("m="):
            parts.append([])
        if line.strip():
            parts[-1].append(line.strip())
    head, *rest = (SdpSection(tuple(part)) for part in parts)
    return head, tuple(rest)


def joined(lines: list[str]) -> str:
    return "".join(f"{line}\r\n" for line in lines)


def candidate(text: str) -> RTCIceCandidate:
    """Of an `a=candidate:` what follows the colon.

    :raises BadOffer: when it cannot be read.
    """
    try:
        found = candidate_from_sdp(text)
    except (AssertionError, ValueError, IndexError) as error:
        raise BadOffer("a candidate cannot be read") from error
    usable = 0 < found.port <= MOST_PORT and found.component in (1, 2)
    if not (usable and found.type in CANDIDATE_TYPES):
        raise BadOffer("a candidate cannot be read")
    return found
