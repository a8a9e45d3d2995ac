"""Where a fact stands. A card of a category that needs a source is nothing without one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from interject.agent.notes.shared import shared_notes
from interject.agent.notes.support import says
from interject.agent.notes.unreadable import NotesError
from interject.agent.outputs import shortened
from interject.agent.privacy.redactor import Redactor
from interject.config.loader import ProfileError

if TYPE_CHECKING:
    from interject.agent.notes.notes import Notes
    from interject.config import Profile

MOST_TRIED = 5
LONGEST_QUOTE = 300


class SourceFinder(Protocol):
    """`files` is how many notes are searched, `skipped` are lines about what could be no source."""

    files: int
    skipped: tuple[str, ...]

    def sources_of(self, claim: str) -> tuple[str, ...]: ...


class NoSources:
    """No claim of theirs is ever shown."""

    files = 0
    skipped: tuple[str, ...] = ()

    def sources_of(self, claim: str) -> tuple[str, ...]:
        return ()


class NoteSources:
    """A folder of notes. `floor` is the least score with which a passage counts as a source. Behind
    its place stand the passage's own words: whoever reads a card can see whether they say the same.
    """

    def __init__(self, notes: Notes, floor: float, redactor: Redactor) -> None:
        self.files, self.skipped = notes.files, notes.skipped
        self._notes = notes
        self._floor = floor
        self._redactor = redactor

    def sources_of(self, claim: str) -> tuple[str, ...]:
        for match in self._notes.search(claim, most=MOST_TRIED, floor=self._floor):
            if says(match.passage, claim):
                text = self._redactor.text(match.passage.text)
                return (f'{match.passage.source}: "{shortened(text, LONGEST_QUOTE)}"',)
        return ()


def open_sources(profile: Profile) -> SourceFinder:
    """:raises ProfileError: when its notes cannot be read."""
    needed = any(one.needs_source for one in profile.cue.categories.values())
    if not needed or not profile.notes.folder:
        return NoSources()
    try:
        notes = shared_notes(profile.notes.folder)
    except NotesError as error:
        raise ProfileError(f"the notes of profile {profile.name!r}: {error}") from None
    return NoteSources(notes, profile.notes.floor, Redactor(profile.privacy))
