"""Runs `interject profile check`."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from interject.agent.cues.sources import open_sources
from interject.agent.cues.tags import Tags
from interject.agent.outputs import ways_out
from interject.agent.soundboard.library import SoundboardFault, open_library
from interject.agent.soundboard.soundboard import CHECKED_HZ
from interject.cli.process.counting import number_of
from interject.cli.process.failures import EXIT_BAD_INPUT, printable
from interject.cli.profile.responder_notes import responder_notes
from interject.cli.profile.showing import origin
from interject.config.cues import category_tag
from interject.config.loader import ProfileError, load_layers
from interject.config.soundboard import SILENCE
from interject.model_runtime.protocol import FloorMode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from interject.agent.cues.sources import SourceFinder
    from interject.config import Profile

LIKE_A_TAG = re.compile(r"\[[^\[\]]+\]")


def check_profile(name: str, out: TextIO | None = None) -> int:
    """The exit code. What is allowed and can hardly be meant is a note.

    :raises ProfileError: when there is no profile of this name, or nothing in its notes.
    """
    out = sys.stdout if out is None else out
    try:
        profile, files = load_layers(name)
    except ProfileError as error:
        if not error.problems:
            raise
        places = [(one.path.as_posix(), one.line or 0, one) for one in error.problems]
        for *_, problem in sorted(places, key=lambda place: place[:2]):
            out.write(f"{printable(f'{problem.clickable}: {problem.said}')}\n")
        return EXIT_BAD_INPUT
    try:
        open_library(profile.soundboard, CHECKED_HZ)
    except SoundboardFault as error:
        for fault in error.faults:
            out.write(f"{printable(fault)}\n")
        return EXIT_BAD_INPUT
    sources = open_sources(profile)
    out.write(
        f"{origin(files)}: {profile.name} can be used; {', '.join(_counts(profile, sources))}\n"
    )
    for note in (*notes(profile), *(f"'notes.folder': {line}" for line in sources.skipped)):
        out.write(f"note: {printable(note)}\n")
    return 0


def _counts(profile: Profile, sources: SourceFinder) -> Iterator[str]:
    yield number_of(len(profile.cue.categories), "category", "categories")
    yield f"{number_of(len(profile.checklist.items), 'item')} on its checklist"
    if sounds := profile.soundboard.sounds:
        yield number_of(len(sounds), "sound")
    if sources.files:
        yield f"{number_of(sources.files, 'file')} of notes"


def notes(profile: Profile) -> Iterator[str]:
    known, readings = Tags.of(profile), profile.reply.read_as.values()
    written = "\n".join((profile.system_prompt, *readings)).lower()
    tags = {
        f"cue.categories.{name}": category_tag(name, one.tag)
        for name, one in profile.cue.categories.items()
        if name != profile.cue.category
    }
    tags |= {
        f"checklist.items.{item}": profile.checklist.tag_of(item)
        for item in profile.checklist.items
    }
    tags |= {
        f"soundboard.sounds.{sound}": tag
        for tag, sound in profile.soundboard.tags
        if sound != SILENCE
    }
    for key, tag in tags.items():
        if tag.lower() not in written:
            yield f"'{key}': the system_prompt does not say {tag}, so the model may never write it"
    for reply, reading in profile.reply.read_as.items():
        for tag in known.idle(reading):
            yield f"'reply.read_as.{reply}': this profile has no {tag}, so it stands for nothing"
        if left := LIKE_A_TAG.search(known.pattern.sub("", reading)):
            yield f"'reply.read_as.{reply}': {left[0]} is no tag of this profile, so it is shown"
    ways = ways_out(profile, FloorMode(profile.mode))
    if profile.cue.categories and not {"cue", "posted"}.intersection(ways):
        yield "'cue.categories': nothing is shown or posted in this mode with these outputs"
    unproved = [name for name, one in profile.cue.categories.items() if one.needs_source]
    if not profile.notes.folder:
        for name in unproved:
            yield f"'cue.categories.{name}': without notes no source is found, and no card shown"
    elif not unproved and profile.responder is None:
        yield "'notes.folder': no category has needs_source, so nothing is looked up in the notes"
    if not ways:
        yield "'outputs': in this mode no reply is heard or read"
    yield from sound_notes(profile)
    yield from responder_notes(profile)


def sound_notes(profile: Profile) -> Iterator[str]:
    board, mode = profile.soundboard, FloorMode(profile.mode)
    if not board.sounds:
        return
    if board.play == "track" and mode is not FloorMode.SPEAK:
        yield "'soundboard.play': nothing is played aloud in this mode; 'mode: speak' lets it be"
    if board.play == "cue" and "cue" not in ways_out(profile, mode):
        yield "'soundboard.sounds': no card is shown in this mode with these outputs, and no track"
    if board.mood.picks_beds and not any(
        one.moods for one in board.sounds.values() if one.kind == "bed"
    ):
        yield "'soundboard.mood': no bed has a mood, so none is picked"
    for name, one in board.sounds.items():
        if one.kind == "effect" and one.moods:
            yield f"'soundboard.sounds.{name}.moods': only beds are picked by a mood"
