"""A sound for each event: found, mended where it has to be, or synthesised."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.agent.sound_file import BadSound, read_sound_file
from interject.config.strict import StrictModel
from interject.training.curation.scenario import EventRole
from interject.training.curation.sound_index import SoundIndex
from interject.training.curation.synthesised_sound import kind_of, sha256_of, synthesise
from interject.training.curation.verifier import SoundVerdict, Verification, Verifier
from interject.training.endpoints.failures import UnusableAnswer
from interject.training.soundflow.tfjp import clean
from interject.training.streams.span import SoundSource

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from interject.training.curation.annotated_sound import AnnotatedSound, SoundCatalogue
    from interject.training.curation.curation_settings import CurationSettings
    from interject.training.curation.scenario import Scenario, SubEvent
    from interject.training.curation.sound_query import SoundQuery
    from interject.training.sounds.waves import Rng, Wave

SYNTHESIS = "synthesis"


class SoundPick(StrictModel):
    """Enough to have the same sound again: a file, or a kind of synthesis with its seed."""

    file: str | None
    kind: str | None
    seed: int
    reprocessed: bool


class GroundingAttempt(StrictModel):
    """`tried` is the file, or `synthesis`; `reprocessed` that TFJP had been at it."""

    tried: str
    verdict: SoundVerdict
    reasons: tuple[str, ...]
    reprocessed: bool


@dataclass(frozen=True, slots=True)
class GroundedEvent:
    """`wave` is 16 kHz mono. `skipped` names the checks that nobody made."""

    event: SubEvent
    pick: SoundPick
    wave: Wave = field(repr=False)
    source: SoundSource
    tags: tuple[str, ...]
    skipped: tuple[str, ...]
    attempts: tuple[GroundingAttempt, ...]

    @property
    def is_synthesised(self) -> bool:
        return self.pick.file is None


@dataclass(frozen=True, slots=True)
class MissingEvent:
    """Nothing fits it, and nothing that fits can be made."""

    event: SubEvent
    attempts: tuple[GroundingAttempt, ...]


@dataclass(frozen=True, slots=True)
class GroundedScene:
    """What is missing stays out of it."""

    scenario: Scenario
    events: tuple[GroundedEvent, ...]
    missing: tuple[MissingEvent, ...]

    @property
    def is_usable(self) -> bool:
        """At least one foreground has a sound."""
        return any(event.event.role is EventRole.FOREGROUND for event in self.events)

    @property
    def skipped(self) -> tuple[str, ...]:
        return tuple(sorted({name for event in self.events for name in event.skipped}))


@dataclass(frozen=True, slots=True)
class _Candidate:
    pick: SoundPick
    wave: Wave
    source: SoundSource
    tags: tuple[str, ...]
    caption: str = ""


class Grounder:
    """The same scene and generator give the same sounds."""

    def __init__(
        self,
        catalogue: SoundCatalogue,
        settings: CurationSettings,
        verifier: Verifier | None = None,
    ) -> None:
        self._catalogue, self._settings = catalogue, settings
        self._index = SoundIndex(catalogue.sounds)
        self._verifier = verifier or Verifier(settings)

    def ground(
        self, scenario: Scenario, queries: Mapping[str, SoundQuery], rng: Rng
    ) -> GroundedScene:
        """`queries` by the names of events. No file is heard twice in a scene.

        :raises EndpointFailure: when a server that verifies cannot be used.
        """
        found, missing, used = list[GroundedEvent](), list[MissingEvent](), set[str]()
        for event in scenario.sub_events:
            result = self._event(event, queries[event.name], used, rng)
            if isinstance(result, MissingEvent):
                missing.append(result)
                continue
            found.append(result)
            used.add(result.source.name)
        return GroundedScene(scenario, tuple(found), tuple(missing))

    def _event(
        self, event: SubEvent, query: SoundQuery, used: set[str], rng: Rng
    ) -> GroundedEvent | MissingEvent:
        attempts: list[GroundingAttempt] = []
        words = f"{query.query} {' '.join(query.accept_tags)}"
        best = self._index.search(words, self._settings.top, without=used)
        for sound, _ in best[: self._settings.most_rejects]:
            found = self._recorded(event, query, sound, attempts)
            if found is not None:
                return found
        return self._synthesised(event, query, attempts, rng)

    def _recorded(
        self, event: SubEvent, query: SoundQuery, sound: AnnotatedSound,
        attempts: list[GroundingAttempt],
    ) -> GroundedEvent | None:  # fmt: skip
        pick = SoundPick(file=sound.file, kind=None, seed=0, reprocessed=False)
        try:
            wave = read_sound_file(self._catalogue.path(sound))
        except BadSound as error:
            attempts.append(
                GroundingAttempt(
                    tried=sound.file, verdict=SoundVerdict.REJECT, reasons=(str(error),),
                    reprocessed=False,
                )
            )  # fmt: skip
            return None
        source = SoundSource(sound.file, sound.licence, sha256_of(wave))
        candidate = _Candidate(pick, wave, source, sound.tags, sound.caption)
        return self._verified(event, query, candidate, attempts)

    def _synthesised(
        self, event: SubEvent, query: SoundQuery, attempts: list[GroundingAttempt], rng: Rng
    ) -> GroundedEvent | MissingEvent:
        seed = int(rng.integers(2**31))
        kind = kind_of(f"{event.name} {' '.join(query.accept_tags)}") or kind_of(
            query.fallback_caption
        )
        if kind is None:
            return MissingEvent(event, tuple(attempts))
        pick = SoundPick(file=None, kind=kind, seed=seed, reprocessed=False)
        made = synthesise(kind, event.rough_duration_s, seed, self._settings)
        candidate = _Candidate(pick, made.wave, made.source, made.tags)
        found = self._verified(event, query, candidate, attempts)
        return found or MissingEvent(event, tuple(attempts))

    def _verified(
        self, event: SubEvent, query: SoundQuery, candidate: _Candidate,
        attempts: list[GroundingAttempt],
    ) -> GroundedEvent | None:  # fmt: skip
        """Accepted, or reprocessed and accepted; every verdict is noted."""
        tried, wave = candidate.pick.file or SYNTHESIS, candidate.wave
        for reprocessed in (False, True):
            checked = self._asked(event, query, candidate, wave)
            attempts.append(
                GroundingAttempt(
                    tried=tried, verdict=checked.verdict, reasons=checked.reasons,
                    reprocessed=reprocessed,
                )
            )  # fmt: skip
            if checked.verdict is SoundVerdict.ACCEPT:
                pick = candidate.pick.model_copy(update={"reprocessed": reprocessed})
                return GroundedEvent(
                    event, pick, wave, candidate.source, candidate.tags, checked.skipped,
                    tuple(attempts),
                )  # fmt: skip
            if checked.verdict is SoundVerdict.REJECT:
                return None
            wave = clean(wave).wave
        return None

    def _asked(
        self, event: SubEvent, query: SoundQuery, candidate: _Candidate, wave: Wave
    ) -> Verification:
        """A model that says nothing of use has not accepted."""
        try:
            return self._verifier.verify(event, query, candidate.tags, candidate.caption, wave)
        except UnusableAnswer:
            return Verification(SoundVerdict.REJECT, ("the model gave no valid answer",))


def picked_sound(
    pick: SoundPick, event: SubEvent, folder: Path, settings: CurationSettings
) -> Wave:
    """What was accepted, once more.

    :raises BadSound: when the file is no longer what it was.
    :raises UnusableSound: likewise.
    """
    if pick.file is not None:
        wave = read_sound_file(folder / pick.file)
    else:
        wave = synthesise(pick.kind or "", event.rough_duration_s, pick.seed, settings).wave
    return clean(wave).wave if pick.reprocessed else wave
