"""What may happen in a scene, before anybody has looked for its sounds."""

from __future__ import annotations

import graphlib
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from interject.config.strict import StrictModel

LEAST_EVENTS, MOST_EVENTS = 3, 15
MOST_SCENES = 2
MOST_CONSTRAINTS = 30
LONGEST_S = 600.0
Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"\S")]
Sentence = Annotated[str, Field(min_length=1, max_length=400, pattern=r"\S")]


class EventRole(StrEnum):
    """Foregrounds follow each other, backgrounds sound by the way, ambience lies under all."""

    FOREGROUND = "fg"
    BACKGROUND = "bg"
    AMBIENT = "amb"


class ConstraintKind(StrEnum):
    """`ORDER`: the first ends before the second begins. `EXCLUSION`: never both at once."""

    ORDER = "order"
    EXCLUSION = "exclusion"


class SubEvent(StrictModel):
    """One thing that is heard."""

    name: Name
    role: EventRole
    rough_duration_s: Annotated[float, Field(gt=0, le=LONGEST_S)]
    brief_description: Sentence


class SceneConstraint(StrictModel):
    """Between two events, by their names."""

    kind: ConstraintKind
    first: Name
    second: Name


class Scenario(StrictModel):
    """One sentence, and what can be heard in it."""

    scenario: Sentence
    sub_events: Annotated[
        tuple[SubEvent, ...], Field(min_length=LEAST_EVENTS, max_length=MOST_EVENTS)
    ]
    constraints: Annotated[tuple[SceneConstraint, ...], Field(max_length=MOST_CONSTRAINTS)]

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        names = [event.name for event in self.sub_events]
        if len(set(names)) < len(names):
            raise _fault("every sub_event needs a name of its own")
        if not self.of_role(EventRole.FOREGROUND):
            raise _fault("at least one sub_event must have the role fg")
        self._check_ambience()
        for constraint in self.constraints:
            if not {constraint.first, constraint.second} <= set(names):
                raise _fault("a constraint names what is no sub_event")
            if constraint.first == constraint.second:
                raise _fault("a constraint needs two different sub_events")
        self._check_order()
        return self

    def _check_ambience(self) -> None:
        longest_s = max(
            (bed.rough_duration_s for bed in self.of_role(EventRole.AMBIENT)), default=0
        )
        if not longest_s:
            raise _fault("at least one sub_event must have the role amb")
        if longest_s < self.length_s:
            raise _fault(
                f"one amb must last for all of the scene, {self.length_s:g} s (the fg events one "
                f"after the other, or the longest bg); the longest amb has {longest_s:g} s"
            )

    def _check_order(self) -> None:
        graph = graphlib.TopologicalSorter[str]()
        for constraint in self.constraints:
            if constraint.kind is ConstraintKind.ORDER:
                graph.add(constraint.second, constraint.first)
        try:
            graph.prepare()
        except graphlib.CycleError as error:
            raise _fault("the order constraints contradict each other") from error

    @property
    def length_s(self) -> float:
        """Foregrounds one after the other, or the longest background where that is more."""
        one_by_one = sum(event.rough_duration_s for event in self.of_role(EventRole.FOREGROUND))
        by_the_way = [event.rough_duration_s for event in self.of_role(EventRole.BACKGROUND)]
        return max(one_by_one, *by_the_way, 0.0)

    def of_role(self, role: EventRole) -> list[SubEvent]:
        return [event for event in self.sub_events if event.role is role]

    def in_order(self) -> list[SubEvent]:
        """The foregrounds, as the constraints want them and else as they were written."""
        left, done = self.of_role(EventRole.FOREGROUND), list[SubEvent]()
        before: dict[str, set[str]] = {event.name: set() for event in left}
        for constraint in self.constraints:
            ordered = constraint.kind is ConstraintKind.ORDER
            if ordered and {constraint.first, constraint.second} <= before.keys():
                before[constraint.second].add(constraint.first)
        while left:
            done_names = {event.name for event in done}
            following = next(event for event in left if before[event.name] <= done_names)
            left.remove(following)
            done.append(following)
        return done


class ScenePlan(StrictModel):
    """Two scenes where the sounds of a bag cannot be in one."""

    scenes: Annotated[tuple[Scenario, ...], Field(min_length=1, max_length=MOST_SCENES)]


def _fault(message: str) -> PydanticCustomError:
    return PydanticCustomError("scenario", message)
