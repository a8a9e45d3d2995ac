"""Tags in a reply, which say what it is and are never read or heard."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.agent.text_positions import TextPositions
from interject.config.cues import PLACE, SENTENCE_MARKS, category_tag
from interject.config.soundboard import SOUND_PLACE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interject.config import Profile

MOST_NAME_CHARS = 64
ANY_NAME = rf"[A-Za-z0-9_-]{{1,{MOST_NAME_CHARS}}}"


class TagForm:
    """A tag that has some name in one place."""

    def __init__(self, form: str, place: str) -> None:
        self._before, self._behind = form.lower().split(place.lower())
        named = re.escape(self._before) + ANY_NAME
        self.pattern = named + re.escape(self._behind)
        self._named = re.compile(named)
        self.longest = len(self._before) + MOST_NAME_CHARS + len(self._behind)

    @property
    def has_a_word(self) -> bool:
        """Without one of its own, as `[{item}]`, it would be anything in brackets."""
        return any(character.isalpha() for character in self._before + self._behind)

    def begins(self, text: str) -> bool:
        """Whether more of it, in small letters, may make it one."""
        if len(text) <= len(self._before):
            return self._before.startswith(text)
        match = self._named.match(text)
        return match is not None and self._behind.startswith(text[match.end() :])


class Tags:
    """All tags of a profile, in whatever case they are written."""

    def __init__(
        self,
        categories: dict[str, str],
        items: dict[str, str],
        sounds: dict[str, str] | None = None,
        *,
        idle: Iterable[str] = (),
        forms: Iterable[TagForm] = (),
    ) -> None:
        """Each from a tag to the name that it stands for. The `idle` ones, and whatever else has
        one of the `forms`, stand for nothing and are taken out like the others.
        """
        self.categories = _lower(categories)
        self.items = _lower(items)
        self.sounds = _lower(sounds or {})
        self._known = self.categories | self.items | self.sounds
        self._all = tuple(self._known | _lower(dict.fromkeys(idle, "")))
        self._forms = tuple(forms)
        longest_first = sorted(map(re.escape, self._all), key=len, reverse=True)
        any_of = "|".join([*longest_first, *(form.pattern for form in self._forms)]) or "(?!)"
        self.pattern = re.compile(rf"\s*({any_of})", re.IGNORECASE)
        sizes = [*map(len, self._all), *(form.longest for form in self._forms)]
        self._longest = max(sizes, default=0)

    @classmethod
    def of(cls, profile: Profile) -> Tags:
        """A name that the profile does not know, in a form of its tags, is a tag all the same: the
        prompt that it extends may speak of what it has taken out.
        """
        checklist, board = profile.checklist, profile.soundboard
        places = ((checklist, PLACE), (board, SOUND_PLACE))
        return cls(
            {category_tag(name, one.tag): name for name, one in profile.cue.categories.items()},
            {checklist.tag_of(item): item for item in checklist.items},
            dict(board.tags),
            idle=profile.cue.former_tags,
            forms=[
                form
                for said, place in places
                if said.model_fields_set and (form := TagForm(said.form, place)).has_a_word
            ],
        )

    def idle(self, text: str) -> list[str]:
        """Those of its tags that stand for nothing."""
        return [tag for tag in self.pattern.findall(text) if tag.lower() not in self._known]

    def __bool__(self) -> bool:
        return bool(self._all or self._forms)

    def open_at(self, text: str) -> int:
        """From where on the end of a text may become a tag, with the space before it."""
        starts = range(max(0, len(text) - self._longest + 1), len(text) + 1)
        first = next((at for at in starts if self._begins(text[at:].lower())), len(text))
        return len(text[:first].rstrip())

    def _begins(self, text: str) -> bool:
        return any(tag.startswith(text) for tag in self._all) or any(
            form.begins(text) for form in self._forms
        )


@dataclass(slots=True)
class TaggedText:
    """One text, piece by piece, without its tags. `found` are these, in their order.

    Space before a tag goes with it, and at the beginning of the text the space behind it.
    """

    tags: Tags
    found: list[str] = field(default_factory=list)
    length: int = 0
    raw_length: int = 0
    over: bool = False
    _positions: TextPositions = field(default_factory=TextPositions)
    _held: str = field(default="", repr=False)
    _after_tag: bool = False

    def push(self, piece: str) -> str:
        """What of the text so far is certain and new."""
        self.raw_length += len(piece)
        left = self._without(self._held + self._joined(piece, self.length + len(self._held)))
        return self._let_go(left, self.tags.open_at(left))

    def finish(self, *, whole: bool) -> str:
        """The rest. In a text that was broken off it may be the beginning of a tag, which goes."""
        self.over = True
        held = self._held
        return self._let_go(held, len(held) if whole or not held.strip() else 0)

    def raw_chars(self, chars: int) -> int:
        """How far the first `chars` characters of what is left reach in the text with its tags."""
        if self.over and chars >= self.length:
            return self.raw_length
        return self._positions.original(chars)

    def _without(self, text: str) -> str:
        while (match := self.tags.pattern.search(text)) is not None:
            at = self.length + match.start()
            self._positions.cut(at, match.end() - match.start())
            self.found.append(match[1].lower())
            self._after_tag = True
            text = text[: match.start()] + self._joined(text[match.end() :], at)
        return text

    def _joined(self, text: str, at: int) -> str:
        """Two words that a tag stood between stay two, and make no tag together."""
        if not self._after_tag or not text:
            return text
        bare = text if at else text.lstrip()
        self._after_tag = not bare
        self._positions.cut(at, len(text) - len(bare))
        if at and not (bare[0].isspace() or bare[0] in SENTENCE_MARKS):
            self._positions.cut(at, -1)
            return f" {bare}"
        return bare

    def _let_go(self, text: str, until: int) -> str:
        self._held = text[until:]
        self.length += until
        return text[:until]


def names_of(found: Iterable[str], names: dict[str, str]) -> tuple[str, ...]:
    """What the found tags stand for, each once."""
    return tuple(dict.fromkeys(names[tag] for tag in found if tag in names))


def _lower(names: dict[str, str]) -> dict[str, str]:
    return {tag.lower(): name for tag, name in names.items()}
