"""`interject train`: teach a model from streams."""

from __future__ import annotations

from typing import Annotated

import typer

from interject.cli.process.device_options import Device
from interject.cli.process.failures import command

_Config = Annotated[str, typer.Argument(help="A YAML file that says what is learnt from what.")]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object about the end on stdout.")]


@command
def train(config: _Config, device: Device = "auto", json: _Json = False) -> int:
    """Teach a model from a data set. A run that was stopped goes on where it was."""
    from interject.cli.train.request import read_request
    from interject.cli.train.running import run

    return run(read_request(config, device=device, json=json))
