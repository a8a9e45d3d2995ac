"""E-mail addresses, in whatever script their names are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from interject.agent.privacy.personal_data import PersonalData

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_CHARACTERS = 320
"""64 before the @ and 255 behind it."""

UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
"""Chinese, Japanese and Korean: without a space, a name begins and ends with its script."""
_OTHER = rf"[^\W{UNSPACED}]"
_MARKS = r"!#$%&'*+=?^`{|}~.\-"
"""Not the slash, though it may stand there: behind one the @ is a page's, and no mailbox's."""
_LOCAL = rf"(?:(?:{_OTHER}|[{_MARKS}]){{1,64}}|[{UNSPACED}]{{1,64}})"
_LABELS = rf"(?:(?:{_OTHER}|-){{1,63}}\.|[{UNSPACED}]{{1,63}}\.)*"
_LAST = rf"(?:(?!\d)(?:{_OTHER}|-){{2,63}}|[{UNSPACED}]{{2,63}})"
_ADDRESS = re.compile(rf"{_LOCAL}@{_LABELS}{_LAST}")
_OPEN = re.compile(rf"[\w@{_MARKS}]+\Z")


class EmailAddresses:
    def find(self, text: str, since: int, until: int) -> Iterator[PersonalData]:
        if text.find("@", since) < 0:
            return
        for match in _ADDRESS.finditer(text, since):
            if match.start() >= until:
                return
            yield PersonalData(match.start(), match.end(), "email")

    def open_at(self, text: str) -> int:
        tail = _OPEN.search(text, max(0, len(text) - MOST_CHARACTERS))
        return len(text) if tail is None else tail.start()

    def begun(self, text: str) -> PersonalData | None:
        at = self.open_at(text)
        name, sign, _ = text[at:].partition("@")
        return PersonalData(at, len(text), "email") if sign and name else None
