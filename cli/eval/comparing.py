"""Two reports beside each other."""

from __future__ import annotations

import sys
from pathlib import Path

from interject.cli.eval.request import JSON_NAME
from interject.training.sound_benchmark.comparison import compare, comparison_table
from interject.training.sound_benchmark.report import read_report


def show_comparison(first: str, second: str) -> None:
    """Print the table; a change is the second's figure less the first's.

    :raises BenchmarkError: when one is no report, or they are of different items.
    """
    differences = compare(*(read_report(_json_of(name)) for name in (first, second)))
    beyond = sum(difference.beyond_noise for difference in differences)
    sys.stdout.write("\n".join(comparison_table(differences)) + "\n\n")
    sys.stdout.write(f"{beyond} of {len(differences)} differences are beyond noise\n")


def _json_of(name: str) -> Path:
    path = Path(name)
    return path / JSON_NAME if path.is_dir() else path
