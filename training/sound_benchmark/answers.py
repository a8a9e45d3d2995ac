"""The benchmark's standard answers: what may be said to each clip that asks for a response."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from interject.training.sound_benchmark.clips import BenchmarkError, SoundLabel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from interject.training.sound_benchmark.tiers import BenchmarkItem

MOST_BYTES = 64_000_000
Answers = dict[str, tuple[str, ...]]


class AnswerRow(BaseModel):
    """A published row holds more than is needed here."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    standard_answers: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1, max_length=100)
    ]


def read_answers(path: Path) -> Answers:
    """By the clip's id. A JSON list of rows, or one row a line.

    :raises BenchmarkError: when it is neither; the line names the row and the field.
    """
    found: Answers = {}
    for number, row in enumerate(_rows(path), 1):
        try:
            answer = AnswerRow.model_validate(row)
        except ValidationError as exc:
            problem = exc.errors(include_url=False)[0]
            field = ".".join(str(part) for part in problem["loc"]) or "it"
            raise BenchmarkError(f"{path}: row {number}: {field}: {problem['msg']}") from None
        if answer.id in found:
            raise BenchmarkError(f"{path}: row {number}: the id {answer.id!r} is there twice")
        found[answer.id] = answer.standard_answers
    return found


def answers_to(item: BenchmarkItem, answers: Answers) -> tuple[str, ...]:
    """In a stream of several clips a reply may be to any of them."""
    return tuple(text for clip in item.clips for text in answers.get(clip.clip_id, ()))


def check_answered(items: Sequence[BenchmarkItem], answers: Answers) -> None:
    """:raises BenchmarkError: when a clip that asks for a response has none."""
    clips = {clip.clip_id for item in items for clip in item.clips if _asks(item)}
    lone = sorted(clips - answers.keys())
    if lone:
        raise BenchmarkError(f"no standard answer to the clip {lone[0]!r} ({len(lone)} such)")


def _asks(item: BenchmarkItem) -> bool:
    return item.label is SoundLabel.RESPOND


def _rows(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as exc:
        raise BenchmarkError(f"{path}: cannot be read ({(exc.strerror or '').lower()})") from None
    if len(content) > MOST_BYTES:
        raise BenchmarkError(f"{path}: larger than {MOST_BYTES} bytes, so no answers")
    try:
        if content.lstrip().startswith(b"["):
            yield from json.loads(content)
        else:
            yield from (json.loads(line) for line in content.splitlines() if line.strip())
    except (ValueError, RecursionError):
        raise BenchmarkError(f"{path}: is no JSON list of answers, nor one answer a line") from None
