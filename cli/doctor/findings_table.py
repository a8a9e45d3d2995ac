"""Findings as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.table import Table

from interject.cli.doctor.finding import State
from interject.cli.process.installing import for_this_installation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.cli.doctor.finding import Finding

STYLES = {State.OK: "green", State.OPTIONAL: "yellow", State.MISSING: "bold red"}
PLAIN_WIDTH = 140


def show(findings: Sequence[Finding], out: TextIO) -> None:
    console = Console(file=out, highlight=False, width=None if out.isatty() else PLAIN_WIDTH)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("part", "state", "found", "what to do"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        state = f"[{STYLES[finding.state]}]{finding.state}[/]"
        remedy = for_this_installation(finding.remedy)
        table.add_row(finding.part, state, finding.detail, remedy.replace("[", r"\["))
    console.print(table)
    missing = sum(finding.blocks for finding in findings)
    console.print(
        f"{missing} required part(s) missing." if missing else "Everything required is here."
    )
