"""One benchmark's outcome, as it is kept in `benchmarks/results/` and shown in the docs."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

RESULTS = Path(__file__).parent / "results"
PICTURES = Path(__file__).parent.parent / "docs" / "images"


@dataclass(frozen=True)
class Result:
    """A table with what is needed to make it again.

    `headlines` are the figures that the README shows: what, and how much. `series` holds what a
    picture is drawn from.
    """

    name: str
    title: str
    command: str
    hardware: str
    columns: list[str]
    rows: list[list[str]]
    notes: list[str] = field(default_factory=list)
    headlines: dict[str, str] = field(default_factory=dict)
    series: dict[str, list[float]] = field(default_factory=dict)
    measured: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d}")

    def save(self, folder: Path = RESULTS) -> Path:
        """Write the JSON that `benchmarks.report` reads."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        return path

    def markdown(self) -> str:
        """The table with its command and hardware."""
        lines = [f"`{self.command}`", "", f"{self.hardware}; {self.measured}.", ""]
        if self.rows:
            lines += [*table(self.columns, self.rows), ""]
        lines += [f"- {note}" for note in self.notes]
        return "\n".join(lines).rstrip() + "\n"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table."""
    return [_row(columns), _row(["---"] * len(columns)), *(_row(row) for row in rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def load_results(folder: Path = RESULTS) -> list[Result]:
    """Every kept result, by name."""
    return [
        Result(**json.loads(path.read_text(encoding="utf-8")))
        for path in sorted(folder.glob("*.json"))
    ]


def this_command(module: str) -> str:
    """The command line of this run, as another person would type it."""
    return " ".join(["python -m", f"benchmarks.{module}", *sys.argv[1:]])


def percentile(values: Sequence[float], share: float) -> float:
    """`share` in percent; NaN for nothing."""
    return float(np.percentile(values, share)) if len(values) else float("nan")


def finish(result: Result, *, keep: bool) -> None:
    """Show a result, and keep it unless this was a smoke run."""
    print(f"\n{result.title}\n\n{result.markdown()}")
    if keep:
        print(
            f"kept in {result.save().relative_to(Path.cwd())}; python -m benchmarks.report shows it"
        )
