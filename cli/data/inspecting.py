"""Runs one `interject data inspect`."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from interject.cli.data.data_path import open_data, reading_rules
from interject.cli.output.item_progress import item_progress
from interject.cli.output.output_paths import check_target
from interject.cli.process.failures import InputFailure, complain, printable
from interject.training.dataset.dataset import Dataset
from interject.training.dataset.durable_files import whole_file
from interject.training.dataset.inspection.page import write_page
from interject.training.dataset.problem import DatasetError
from interject.training.dataset.statistics import DatasetStatistics
from interject.training.dataset.tables import tables
from interject.training.streams.ability import Ability

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.training.dataset.item_file import ItemFile
    from interject.training.dataset.tables import TextTable
    from interject.training.streams.stream import TrainingStream

PAGE_NAME = "inspection.html"
PLAIN_WIDTH = 140
MOST_STREAMS = 1_000
MOST_TOLD = 10


def inspect_data(
    path: str, *, page: str | None, streams: int, ability: str | None, as_json: bool
) -> None:
    """What cannot be read is told, and is on the page.

    :raises DatasetError: when there is no data at all.
    """
    if not 0 <= streams <= MOST_STREAMS:
        raise InputFailure(f"--streams {streams}: must lie between 0 and {MOST_STREAMS}")
    data = open_data(path, reading_rules(ability or Ability.VOICE_CHAT), verified=False)
    target = Path(page) if page is not None else _beside(data)
    check_target(target, (), option="--page")
    problems: list[DatasetError] = []
    statistics, places = _looked_through(data, problems)
    for problem in problems[:MOST_TOLD]:
        complain(f"note: {printable(str(problem))}")
    if problems and not places:
        raise InputFailure(f"{printable(path)}: nothing in it can be read")
    _show(tables(statistics), as_json=as_json)
    chosen = spread(places, streams)
    with whole_file(target) as out:
        texts = [str(problem) for problem in problems]
        write_page(out, Path(path).resolve().name, statistics, texts, _read(data, chosen))
    complain(f"note: the page is {printable(str(target))}, with {len(chosen)} streams")


def spread(places: dict[Ability, list[str]], most: int) -> list[str]:
    """So many at most, of each ability as many as of the others, from all over the set."""
    left, chosen = most, []
    for number, ability in enumerate(sorted(places, key=lambda one: len(places[one]))):
        known = places[ability]
        share = min(left // (len(places) - number), len(known))
        chosen += [known[len(known) * n // share] for n in range(share)]
        left -= share
    return sorted(chosen)


def _looked_through(
    data: Dataset | ItemFile, problems: list[DatasetError]
) -> tuple[DatasetStatistics, dict[Ability, list[str]]]:
    statistics, places = DatasetStatistics(), defaultdict[Ability, list[str]](list)
    with item_progress(len(data), sys.stderr) as done:
        for record in data.records(problems.append):
            statistics.add(record)
            places[record.ability].append(record.place)
            done()
    return statistics, places


def _read(data: Dataset | ItemFile, places: list[str]) -> Iterator[TrainingStream]:
    """What is damaged in its sound only is found here."""
    for place in places:
        try:
            if isinstance(data, Dataset):
                yield data.read(place.rpartition(", ")[2])
            else:
                yield data.read(place)
        except DatasetError as exc:
            complain(f"note: {printable(str(exc))}")


def _beside(data: Dataset | ItemFile) -> Path:
    folder = data.folder if isinstance(data, Dataset) else data.path.parent
    return folder / PAGE_NAME


def _show(shown: list[TextTable], *, as_json: bool) -> None:
    out = sys.stdout
    if as_json:
        content = {table.title: [table.columns, *table.rows] for table in shown}
        out.write(json.dumps(content, indent=1) + "\n")
        return
    console = Console(file=out, highlight=False, width=None if out.isatty() else PLAIN_WIDTH)
    for one in shown:
        console.print(Text(one.title, style="italic"))
        table = Table(box=None, pad_edge=False, header_style="bold")
        for number, column in enumerate(one.columns):
            table.add_column(column, justify="right" if number else "left", overflow="fold")
        for row in one.rows:
            table.add_row(*(Text(printable(cell)) for cell in row))
        console.print(table)
        console.print()
