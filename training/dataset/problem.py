"""What is wrong with a data set, in one line for whoever gave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.config.problems import describe

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

    from interject.training.streams.problem import BadStream

HALF_A_RECORD = "json_invalid"


class DatasetError(ValueError):
    """A data set cannot be read or made; the message is one line that says why."""


class BadRecord(DatasetError):
    """One record of it. `place` is its file and line, or its shard and id; `field` lies inside."""

    def __init__(self, place: str, field: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.field = field
        self.reason = reason

    def __reduce__(self) -> tuple[type[BadRecord], tuple[str, str, str]]:
        return type(self), (self.place, self.field, self.reason)


class BadShard(DatasetError):
    """A whole shard, by its file's name."""

    def __init__(self, shard: str, reason: str) -> None:
        super().__init__(f"{shard}: {reason}")
        self.shard = shard
        self.reason = reason

    def __reduce__(self) -> tuple[type[BadShard], tuple[str, str]]:
        return type(self), (self.shard, self.reason)


def bad_stream(place: str, problem: BadStream) -> BadRecord:
    return BadRecord(place, problem.field, str(problem))


def bad_model(place: str, error: ValidationError, model: type[BaseModel]) -> BadRecord:
    first = error.errors(include_url=False)[0]
    if first["type"] == HALF_A_RECORD:
        return BadRecord(place, "", f"is no whole JSON ({first['ctx']['error']})")
    if not first["loc"]:
        return BadRecord(place, "", first["msg"])
    return BadRecord(place, ".".join(map(str, first["loc"])), describe(error, model))
