"""A planned and grounded scene as a line of JSON: all that making its sound takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from interject.config.strict import StrictModel
from interject.training.curation.event_auditor import EventAudit
from interject.training.curation.grounder import GroundingAttempt, SoundPick
from interject.training.curation.scenario import ConstraintKind, EventRole, Name, Scenario
from interject.training.curation.sound_query import SoundQuery
from interject.training.dataset.problem import DatasetError
from interject.training.soundflow.silence_audit import AuditLabel

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.curation.grounder import GroundedScene


class SceneFileError(DatasetError):
    """A file of scenes cannot be used; the message names file, line and field."""


class PickedSound(StrictModel):
    """Which sound an event has, whose it is, and what was not checked of it."""

    event: Name
    pick: SoundPick
    licence: str
    tags: tuple[str, ...]
    skipped: tuple[str, ...]
    attempts: tuple[GroundingAttempt, ...]


class MissingSound(StrictModel):
    """What was tried for an event that has none."""

    event: Name
    attempts: tuple[GroundingAttempt, ...]


class SceneRecord(StrictModel):
    """`number` counts bags and `part` the scenes of one. `planner` is `rules` or a model's name."""

    number: Annotated[int, Field(ge=0)]
    part: Annotated[int, Field(ge=0, le=1)]
    seed: Annotated[int, Field(ge=0)]
    planner: str
    scenario: Scenario
    queries: dict[str, SoundQuery]
    audits: dict[str, EventAudit]
    sounds: tuple[PickedSound, ...]
    missing: tuple[MissingSound, ...]

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        names = {event.name for event in self.scenario.sub_events}
        listed = [found.event for found in self.sounds] + [absent.event for absent in self.missing]
        if (
            set(self.queries) != names
            or set(self.audits) != names
            or sorted(listed) != sorted(names)
        ):
            raise PydanticCustomError(
                "events", "queries, audits and sounds are not those of the scenario"
            )
        return self

    @property
    def mixable(self) -> tuple[PickedSound, ...]:
        """Not what is borderline, nor a background that must not be heard beside something else: a
        mix puts backgrounds anywhere.
        """
        apart = {
            name
            for rule in self.scenario.constraints
            if rule.kind is ConstraintKind.EXCLUSION
            for name in (rule.first, rule.second)
        }
        apart &= {event.name for event in self.scenario.of_role(EventRole.BACKGROUND)}
        return tuple(
            found
            for found in self.sounds
            if self.audits[found.event].audit.label is not AuditLabel.BORDERLINE
            and found.event not in apart
        )

    @property
    def is_usable(self) -> bool:
        """At least one foreground has a sound that may be mixed."""
        having = {found.event for found in self.mixable}
        return any(event.name in having for event in self.scenario.of_role(EventRole.FOREGROUND))


def scene_record(
    scene: GroundedScene, queries: dict[str, SoundQuery], audits: dict[str, EventAudit], *,
    number: int, part: int, seed: int, planner: str,
) -> SceneRecord:  # fmt: skip
    return SceneRecord(
        number=number, part=part, seed=seed, planner=planner, scenario=scene.scenario,
        queries=queries, audits=audits,
        sounds=tuple(
            PickedSound(event=found.event.name, pick=found.pick, licence=found.source.licence,
                        tags=found.tags, skipped=found.skipped, attempts=found.attempts)
            for found in scene.events
        ),
        missing=tuple(
            MissingSound(event=absent.event.name, attempts=absent.attempts)
            for absent in scene.missing
        ),
    )  # fmt: skip


def read_scenes(path: Path) -> list[SceneRecord]:
    """:raises SceneFileError: when a line is no scene."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SceneFileError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise SceneFileError(f"{path}: cannot be read ({(error.strerror or '').lower()})") from None
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            found.append(SceneRecord.model_validate_json(line))
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, fault["loc"]))
            where = f"{path}, line {number}" + (f", field {place}" if place else "")
            raise SceneFileError(f"{where}: {fault['msg']}") from None
    return found
