"""Two reports beside each other."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from interject.cli.eval.request import JSON_NAME
from interject.training.sound_benchmark.clips import BenchmarkError
from interject.training.sound_benchmark.comparison import compare, comparison_table
from interject.training.sound_benchmark.report import read_report
from interject.training.streaming_benchmark.stream_comparison import (
    compare_streams,
    stream_comparison_table,
)
from interject.training.streaming_benchmark.stream_report import STREAM_FORMAT, read_stream_report


def show_comparison(first: str, second: str) -> None:
    """Print the table; a change is the second's figure less the first's.

    :raises BenchmarkError: when one is no report, or they are of different items.
    """
    paths = [_json_of(name) for name in (first, second)]
    kinds = [_is_of_streams(path) for path in paths]
    if kinds[0] != kinds[1]:
        raise BenchmarkError(f"{paths[0]} and {paths[1]} are reports of different benchmarks")
    lines, beyond, total = _streams(*paths) if all(kinds) else _sounds(*paths)
    sys.stdout.write("\n".join(lines) + "\n\n")
    sys.stdout.write(f"{beyond} of {total} differences are beyond noise\n")


def _sounds(first: Path, second: Path) -> tuple[list[str], int, int]:
    differences = compare(read_report(first), read_report(second))
    beyond = sum(difference.beyond_noise for difference in differences)
    return comparison_table(differences), beyond, len(differences)


def _streams(first: Path, second: Path) -> tuple[list[str], int, int]:
    differences = compare_streams(read_stream_report(first), read_stream_report(second))
    beyond = sum(difference.beyond_noise for difference in differences)
    return stream_comparison_table(differences), beyond, len(differences)


def _json_of(name: str) -> Path:
    path = Path(name)
    return path / JSON_NAME if path.is_dir() else path


def _is_of_streams(path: Path) -> bool:
    """What cannot be read is told by the reader of the other kind."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("format") == STREAM_FORMAT
