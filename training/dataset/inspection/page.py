"""The page: tables of the whole set, then some of its streams."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import IO, TYPE_CHECKING

from interject.training.dataset.inspection.markup import element, escaped, isolated
from interject.training.dataset.inspection.stream_card import stream_card
from interject.training.dataset.tables import tables
from interject.training.streams.ability import Ability

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interject.training.dataset.statistics import DatasetStatistics
    from interject.training.dataset.tables import TextTable
    from interject.training.streams.stream import TrainingStream

HERE = Path(__file__).parent
MOST_PROBLEMS = 50


def write_page(
    out: IO[str],
    name: str,
    statistics: DatasetStatistics,
    problems: list[str],
    streams: Iterable[TrainingStream],
) -> None:
    """A card a stream is in memory at a time."""
    out.write(_head(name))
    out.write(element("h1", isolated(name)))
    shown = "".join(_table(table) for table in tables(statistics))
    out.write(element("section", shown, class_="tables"))
    out.write(_problems(problems))
    out.write(_filter(statistics))
    for stream in streams:
        out.write(stream_card(stream) + "\n")
    out.write(f"</main><script>{_script()}</script></body></html>\n")


def _head(name: str) -> str:
    """Whatever got past the escaping would still be allowed neither to run nor to load."""
    style, script = (HERE / "page.css").read_text(), _script()
    policy = (
        f"default-src 'none'; media-src data:; style-src {_digest(style)}; "
        f"script-src {_digest(script)}; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escaped(policy)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escaped(name)}</title><style>{style}</style></head><body><main>\n"
    )


def _script() -> str:
    return (HERE / "page.js").read_text()


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _table(table: TextTable) -> str:
    head = element("tr", "".join(element("th", escaped(c), scope="col") for c in table.columns))
    rows = "".join(
        element("tr", "".join(element("td", isolated(cell)) for cell in row)) for row in table.rows
    )
    body = element("caption", escaped(table.title)) + element("thead", head)
    return element("div", element("table", body + element("tbody", rows)), class_="scroll")


def _problems(problems: list[str]) -> str:
    if not problems:
        return ""
    shown = "".join(element("li", isolated(text)) for text in problems[:MOST_PROBLEMS])
    more = len(problems) - MOST_PROBLEMS
    shown += element("li", f"and {more} more") if more > 0 else ""
    return element("section", element("h2", "Problems") + element("ul", shown), class_="problems")


def _filter(statistics: DatasetStatistics) -> str:
    names = ["", *(ability.value for ability in Ability if ability in statistics.abilities)]
    options = "".join(
        element("option", name.replace("_", " ") or "all abilities", value=name) for name in names
    )
    chosen = element("select", options, id="ability")
    label = element("label", f"Show {chosen}", for_="ability")
    return element("h2", "Streams") + element("p", label, class_="filter")
