"""Words without the marks that only eyes read, and the sources that they name."""

from __future__ import annotations

import re

_CITED = re.compile(r"(?<!\s)\s*\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
_MAY_CITE = re.compile(r"(?<!\s)(?:\s*\[[\d\s,]{0,12}$|\s+$)")
_MARKUP = re.compile(r"[*`#]+|<\|[^|<>]{0,40}\|>")
_MAY_BE_TOKEN = re.compile(r"<(?:\|[^|<>]{0,40}\|?)?$")


class CitedText:
    """Piece by piece. `cited` are the numbers found so far, each once.

    A voice would read stars and brackets aloud. A run of blanks is looked at from its beginning
    only: some models write nothing else once they have begun to. Space at the end waits: nothing
    may follow it.
    """

    def __init__(self) -> None:
        self.cited: list[int] = []
        self._held = ""
        self._begun = False

    def push(self, piece: str) -> str:
        """What of it can be said."""
        text = _MARKUP.sub("", _CITED.sub(self._note, self._held + piece))
        ends = [
            match.start() for form in (_MAY_CITE, _MAY_BE_TOKEN) if (match := form.search(text))
        ]
        until = min(ends, default=len(text))
        self._held = text[until:]
        return self._begin(text[:until])

    def finish(self) -> str:
        rest, self._held = self._held.rstrip(), ""
        return self._begin(rest)

    def _note(self, match: re.Match[str]) -> str:
        for number in map(int, match[1].split(",")):
            if number not in self.cited:
                self.cited.append(number)
        return ""

    def _begin(self, text: str) -> str:
        if not self._begun:
            text = text.lstrip()
            self._begun = bool(text)
        return text
