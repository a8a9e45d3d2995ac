"""`interject profile ...`: which profiles there are, what one says, and what is wrong with one."""

from __future__ import annotations

from typing import Annotated

import typer

from interject.cli.process.failures import command

profile_app = typer.Typer(
    help="List, show and check profiles.", no_args_is_help=True, pretty_exceptions_enable=False
)

_Name = Annotated[str, typer.Argument(help="A shipped profile's name, or a YAML file.")]
_File = Annotated[str, typer.Argument(help="A YAML file, or a shipped profile's name.")]


@profile_app.command("list")
@command
def list_profiles() -> None:
    """Show the shipped profiles."""
    from interject.cli.profile.showing import show_names

    show_names()


@profile_app.command()
@command
def show(name: _Name) -> None:
    """Print a profile with all that it extends, and every key that was left out."""
    from interject.cli.profile.showing import show_profile

    show_profile(name)


@profile_app.command()
@command
def check(file: _File) -> int:
    """Say what is wrong with a profile, a line each, with file, line and key."""
    from interject.cli.profile.checking import check_profile

    return check_profile(file)
