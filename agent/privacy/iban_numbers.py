"""Numbers of bank accounts as ISO 13616 has them: a country, two check digits, its own length."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from interject.agent.privacy.digits import GAP, MOST_BETWEEN
from interject.agent.privacy.personal_data import PersonalData

if TYPE_CHECKING:
    from collections.abc import Iterator

_REGISTRY = """
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18
DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23
IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27
MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19
SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
"""
LENGTHS = {entry[:2]: int(entry[2:]) for entry in _REGISTRY.split()}
MOST_OPEN = 6
_WORD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{5}")
"""A bank's name has four letters."""

REACH = max(LENGTHS.values()) * (1 + MOST_BETWEEN)
"""Characters that a number takes at most."""

_COUNTRY = rf"(?<![A-Za-z0-9])([A-Za-z]){GAP}([A-Za-z])"
_BEGIN = re.compile(rf"{_COUNTRY}{GAP}[0-9]{GAP}[0-9](?:{GAP}[A-Za-z0-9]){{0,29}}")
_OPEN = re.compile(
    rf"(?<![A-Za-z0-9])([A-Za-z])(?:{GAP}([A-Za-z])(?:{GAP}[0-9](?:{GAP}[0-9]"
    rf"(?:{GAP}[A-Za-z0-9]){{0,29}})?)?)?{GAP}\Z"
)


class IbanNumbers:
    def find(self, text: str, since: int, until: int) -> Iterator[PersonalData]:
        at = since
        while (match := _BEGIN.search(text, at)) is not None and match.start() < until:
            at = match.start() + 1
            length = LENGTHS.get(_country(match))
            if length is None:
                continue
            places = _places(text, match.start(), match.end())
            number = "".join(text[place] for place in places[:length])
            if len(number) < length or not _is_checked(number):
                continue
            end = places[length - 1] + 1
            if not _WORD.search(text, match.start(), end):
                yield PersonalData(match.start(), end, "iban")

    def open_at(self, text: str) -> int:
        at = max(0, len(text) - REACH)
        while (match := _OPEN.search(text, at)) is not None:
            at = match.start() + 1
            length = LENGTHS.get(_country(match)) if match[2] else len(text) + 1
            if length is None or _WORD.search(text, match.start()):
                continue
            if len(_places(text, match.start(), len(text))) < length:
                return match.start()
        return len(text)

    def begun(self, text: str) -> PersonalData | None:
        """`is 4111 1111` is a sentence, and the word in it no Iceland."""
        at = self.open_at(text)
        places = _places(text, at, len(text))
        if len(places) <= MOST_OPEN or not (text[at].isupper() or places[3] == at + 3):
            return None
        return PersonalData(at, places[-1] + 1, "iban")


def _places(text: str, start: int, end: int) -> list[int]:
    """Of letters and digits."""
    return [at for at in range(start, end) if text[at].isascii() and text[at].isalnum()]


def _country(match: re.Match[str]) -> str:
    return (match[1] + match[2]).upper()


def _is_checked(number: str) -> bool:
    moved = number[4:] + number[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1
