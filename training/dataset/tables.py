"""The statistics of a data set as tables of text, for a terminal and for a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.training.streams.ability import Ability

if TYPE_CHECKING:
    from interject.training.dataset.statistics import (
        AbilityStatistics,
        DatasetStatistics,
        SpanTotal,
    )

NONE = "-"


@dataclass(frozen=True, slots=True)
class TextTable:
    """All but the first column are numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(statistics: DatasetStatistics) -> list[TextTable]:
    found = [_abilities(statistics), _heard("licence", statistics.licences)]
    found.append(_heard("layer", statistics.layers))
    emotions = tuple((name, str(count)) for name, count in sorted(statistics.emotions.items()))
    found.append(TextTable("Emotions of replies", ("emotion", "replies"), emotions))
    if statistics.skipped:
        checks = tuple((name, str(count)) for name, count in sorted(statistics.skipped.items()))
        found.append(TextTable("Checks that were not made", ("check", "streams"), checks))
    return [table for table in found if table.rows]


def _abilities(statistics: DatasetStatistics) -> TextTable:
    rows = [
        _ability(ability.value, statistics.abilities[ability])
        for ability in Ability
        if ability in statistics.abilities
    ]
    rows.append(_ability("all", statistics.total()))
    columns = (
        "ability", "streams", "hours", "turns", "replies", "silent turns", "replies an hour",
        "lag p50 ms", "lag p95 ms", "lag max ms",
    )  # fmt: skip
    return TextTable("Abilities, and the lag from a turn's end to its reply", columns, tuple(rows))


def _ability(name: str, one: AbilityStatistics) -> tuple[str, ...]:
    lags = (one.lag_ms(share) for share in (0.5, 0.95, 1.0))
    return (
        name,
        str(one.streams),
        f"{one.hours:.2f}",
        str(one.turns),
        str(one.replies),
        str(one.turns - one.replies),
        f"{one.replies / one.hours:.0f}" if one.hours else NONE,
        *(NONE if lag is None else str(lag) for lag in lags),
    )


def _heard(name: str, heard: dict[str, SpanTotal]) -> TextTable:
    rows = tuple(
        (key, str(one.spans), f"{one.seconds / 3_600:.3f}") for key, one in sorted(heard.items())
    )
    return TextTable(f"What is heard, by {name}", (name, "spans", "hours"), rows)
