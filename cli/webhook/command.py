"""`interject webhook ...`: what a webhook did not take, and sending it again."""

from __future__ import annotations

from typing import Annotated

import typer

from interject.cli.process.failures import command

webhook_app = typer.Typer(
    help="Show and resend events that a webhook did not take.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

_File = Annotated[str, typer.Argument(help="The file of `serve --webhook-dead-letters`.")]
_To = Annotated[
    str,
    typer.Option(
        "--to",
        envvar="INTERJECT_WEBHOOK",
        help="URL; INTERJECT_WEBHOOK_SECRET signs what is sent.",
    ),
]


@webhook_app.command("list")
@command
def list_letters(file: _File) -> None:
    """Show when, of which call, what, and why it was not taken; never its words."""
    from interject.cli.webhook.letters import show_letters

    show_letters(file)


@webhook_app.command()
@command
def resend(file: _File, to: _To) -> int:
    """Send each again under the id that it had; those that are taken leave the file."""
    from interject.cli.webhook.letters import resend_letters

    return resend_letters(file, to)
