"""Runs one `interject data validate`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from interject.cli.data.data_path import open_data, reading_rules
from interject.cli.output.item_progress import item_progress
from interject.cli.process.failures import EXIT_DIFFERS, printable
from interject.training.dataset.validation import Problem, problems_of
from interject.training.streams.ability import Ability

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_SHOWN = 100


def validate_data(path: str, *, ability: str | None, quick: bool, as_json: bool) -> int:
    """What an item teaches is no matter of whether it can be read, unless somebody asks.

    :raises DatasetError: when there is no data at all.
    """
    rules = reading_rules(ability or Ability.VOICE_CHAT)
    data = open_data(path, rules, verified=not quick)
    problems: list[Problem] = []
    show = _json_line if as_json else _line
    with item_progress(len(data), sys.stderr) as done:
        for problem in problems_of(data, quick=quick, done=done):
            problems.append(problem)
            if len(problems) <= MOST_SHOWN or as_json:
                show(problem)
    _summarise(path, len(data), problems, show=show)
    return EXIT_DIFFERS if problems else 0


def _summarise(
    path: str, count: int, problems: list[Problem], *, show: Callable[[Problem], None]
) -> None:
    if show is _json_line:
        return
    if len(problems) > MOST_SHOWN:
        sys.stdout.write(f"... and {len(problems) - MOST_SHOWN} more\n")
    found = f"{len(problems)} problems" if problems else "no problem found"
    sys.stdout.write(f"{printable(path)}: {count} streams, {found}\n")


def _line(problem: Problem) -> None:
    sys.stdout.write(f"{printable(problem.text)}\n")


def _json_line(problem: Problem) -> None:
    content = {"place": problem.place, "field": problem.field, "problem": problem.text}
    sys.stdout.write(json.dumps(content) + "\n")
