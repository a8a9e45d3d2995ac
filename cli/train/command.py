"""`interject train`: teach a model from streams."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from interject.cli.process.device_options import Device
from interject.cli.process.failures import InputFailure, command

if TYPE_CHECKING:
    from typer import _click as click

_Config = Annotated[
    str,
    typer.Argument(help="A YAML file that says what is learnt from what, or a domain's folder."),
]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object about the end on stdout.")]
_Workers = Annotated[
    int | None,
    typer.Option(
        min=1, max=256, help="Processes that make a domain's streams; default: a core each."
    ),
]
_Folder = Annotated[str, typer.Argument(help="A folder that is new or empty.")]


class _TrainGroup(TyperGroup):
    """What is not the name of another command is what to train from."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


train_app = typer.Typer(
    cls=_TrainGroup,
    help="Teach a model: `interject train CONFIG.yaml`, or a domain: `interject train FOLDER`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@train_app.command()
@command
def run(
    config: _Config, device: Device = "auto", json: _Json = False, workers: _Workers = None
) -> int:
    """Teach a model from a data set, or a domain. What was stopped goes on where it was."""
    path = Path(config).expanduser()
    if path.is_dir():
        from interject.cli.train.domain import learn

        return learn(path, device=device, json=json, workers=workers)
    if not path.exists() and path.suffix not in (".yaml", ".yml"):
        raise InputFailure(
            f"{config}: no such file or folder; `interject train init {config}` makes a domain's "
            "folder"
        )
    from interject.cli.train.request import read_request
    from interject.cli.train.running import run as run_config

    return run_config(read_request(config, device=device, json=json))


@train_app.command()
@command
def init(folder: _Folder) -> None:
    """Make a domain's folder: a commented file, and places for your recordings."""
    from interject.cli.train.domain import begin

    begin(Path(folder).expanduser())
