"""`interject records ...`: what is kept of sessions, and deleting it."""

from __future__ import annotations

from typing import Annotated

import typer

from interject.cli.process.failures import command

records_app = typer.Typer(
    help="Show, export and delete what is kept of sessions.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

_Records = Annotated[
    str,
    typer.Option(
        "--records", envvar="INTERJECT_RECORDS", show_default=False, help="Folder of the records."
    ),
]
_Id = Annotated[str, typer.Argument(help="As `list` shows it, or the call's own id.")]
_To = Annotated[str, typer.Option(help="File to write: .json, or .vtt for WebVTT.")]
_DeadLetters = Annotated[
    str | None,
    typer.Option(
        "--webhook-dead-letters",
        envvar="INTERJECT_WEBHOOK_DEAD_LETTERS",
        help="File of `serve --webhook-dead-letters`, from which it is taken as well.",
    ),
]

_Redis = Annotated[
    str | None,
    typer.Option(
        help="redis://...: the runtime of its server, with a user who may delete; without it Redis "
        "forgets what it holds by itself, after `worker --retention` seconds."
    ),
]


@records_app.command("list")
@command
def list_records(records: _Records = "") -> None:
    """Show when, how long, of which profile and call, and when it is deleted; never its words."""
    from interject.cli.records.running import list_all

    list_all(records)


@records_app.command()
@command
def show(session: _Id, records: _Records = "") -> None:
    """Print what was said, shown and ticked, and what came of it."""
    from interject.cli.records.running import show_one

    show_one(records, session)


@records_app.command()
@command
def export(session: _Id, to: _To, records: _Records = "") -> None:
    """Write it to a file for other programs."""
    from interject.cli.records.running import export_one

    export_one(records, session, to)


@records_app.command()
@command
def delete(
    session: _Id,
    records: _Records = "",
    dead_letters: _DeadLetters = None,
    redis: _Redis = None,
) -> None:
    """Delete all that is kept of a session, its events that a webhook did not take, and what Redis
    holds of it yet.
    """
    from interject.cli.records.running import delete_one

    delete_one(records, session, dead_letters, redis)


@records_app.command()
@command
def sweep(records: _Records = "") -> None:
    """Delete what has outlived its profile's lifetime; serving does so by itself."""
    from interject.cli.records.running import sweep_all

    sweep_all(records)
