"""Workers and sessions as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from interject.model_runtime.telemetry.fleet import Fleet, SessionRow, WorkerRow

SILENT_S = 2.0
"""A client that was not seen for longer may be replaced by another."""


def draw(fleet: Fleet, *, several: bool = False) -> Group:
    """What a look at Redis has found; with `several` shards, which one is where."""
    workers, sessions = _workers(fleet, several), _sessions(fleet, several)
    return Group(_summary(fleet), Text(), workers, Text(), sessions)


def _summary(fleet: Fleet) -> Text:
    serving = sum(1 for worker in fleet.workers if worker.lease_ms and worker.slots)
    return Text(
        f"{serving} workers, {fleet.session_count} sessions, {fleet.free_slots} free slots",
        style="bold",
    )


def _workers(fleet: Fleet, several: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    if several:
        table.add_column("shard")
    table.add_column("worker")
    table.add_column("state")
    table.add_column("sessions", justify="right")
    table.add_column("slots", justify="right")
    table.add_column("lease ms", justify="right")
    for worker in fleet.workers:
        state, style = _state(worker)
        table.add_row(
            *_shard(worker, several),
            Text(worker.name),
            Text(state, style=style),
            str(worker.sessions),
            str(worker.slots),
            str(worker.lease_ms),
        )
    return table


def _sessions(fleet: Fleet, several: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    if several:
        table.add_column("shard")
    table.add_column("session")
    table.add_column("worker")
    for name in ("epoch", "clients", "client seen s", "inputs", "outputs"):
        table.add_column(name, justify="right")
    for session in fleet.sessions:
        table.add_row(*_shard(session, several), *_cells(session))
    hidden = fleet.session_count - len(fleet.sessions)
    if hidden > 0:
        table.add_row(Text(f"and {hidden} more", style="dim"))
    return table


def _shard(row: WorkerRow | SessionRow, several: bool) -> list[Text]:
    return [Text(row.shard)] if several else []


def _cells(session: SessionRow) -> list[Text]:
    silent = "yellow" if session.silent_s > SILENT_S else ""
    return [
        Text(session.name),
        Text(session.worker),
        Text(str(session.epoch)),
        Text(str(session.clients)),
        Text(f"{session.silent_s:.1f}", style=silent),
        Text(str(session.inputs)),
        Text(str(session.outputs)),
    ]


def _state(worker: WorkerRow) -> tuple[str, str]:
    if not worker.lease_ms:
        return "gone", "bold red"
    if not worker.slots:
        return "draining", "yellow"
    return ("full", "yellow") if worker.sessions >= worker.slots else ("serving", "green")
