"""Labelled sounds that streams are composed of."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from interject.model_runtime.protocol import Emotion
from interject.training.soundflow.silence_audit import AuditLabel, SilenceAudit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from interject.training.sounds.waves import Rng, Wave
    from interject.training.streams.span import SoundSource

SILENT = SilenceAudit()


class ClipRole(StrEnum):
    """An event happens; a bed lasts, and lies under everything."""

    EVENT = "event"
    BED = "bed"


@dataclass(frozen=True, slots=True)
class SoundMeaning:
    """What is known of a label. `name` is how a sentence calls it ("a dog barking").

    `reply` is what is said to it unasked, where the audit says to respond. `countable` events are
    short, and one of them is one.
    """

    label: str
    name: str
    role: ClipRole = ClipRole.EVENT
    audit: SilenceAudit = SILENT
    reply: str = ""
    emotion: Emotion = Emotion.URGENT
    is_countable: bool = False


@dataclass(frozen=True, slots=True)
class SoundClip:
    """16 kHz mono."""

    label: str
    wave: Wave = field(repr=False)
    source: SoundSource


class SoundLibrary(Protocol):
    """Can be pickled; the same generator draws the same clip."""

    @property
    def meanings(self) -> Mapping[str, SoundMeaning]: ...

    def draw(self, label: str, rng: Rng) -> SoundClip: ...


def labels_of(library: SoundLibrary, role: ClipRole, label: AuditLabel) -> list[str]:
    """In order, so that a generator always chooses the same."""
    return sorted(
        name
        for name, meaning in library.meanings.items()
        if meaning.role is role and meaning.audit.label is label
    )


@dataclass(frozen=True, slots=True)
class CombinedLibrary:
    """Several libraries as one. Of a label that two have, both draw; the first says its meaning."""

    libraries: Sequence[SoundLibrary]

    @property
    def meanings(self) -> Mapping[str, SoundMeaning]:
        known: dict[str, SoundMeaning] = {}
        for library in self.libraries:
            known = {**library.meanings, **known}
        return known

    def draw(self, label: str, rng: Rng) -> SoundClip:
        having = [library for library in self.libraries if label in library.meanings]
        return having[int(rng.integers(len(having)))].draw(label, rng)
