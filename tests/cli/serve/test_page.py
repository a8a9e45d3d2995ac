"""The page about serving names every option and every metric of its own."""

from __future__ import annotations

import re
from pathlib import Path

import typer

from interject.cli.commands import app
from interject.cli.serve.web_metrics import WebMetrics
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.connections import Connections
from interject.integrations.web.cue_screens import CueScreens

PAGE = (Path(__file__).parents[3] / "docs" / "serve.md").read_text(encoding="utf-8")


def test_every_option_is_on_the_page() -> None:
    command = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined]
    options = {
        name
        for parameter in command.params
        for name in (*parameter.opts, *parameter.secondary_opts)
    }
    rows = "".join(re.findall(r"^\| (`--[^|]+) \|", PAGE, re.MULTILINE))
    assert set(re.findall(r"--[\w-]+", rows)) == options


def test_every_metric_of_screens_and_webhooks_is_on_the_page() -> None:
    families = list(WebMetrics(CueScreens(Bearer()), None, Connections()).collect())
    names = {f.name + ("_total" if f.type == "counter" else "") for f in families}
    assert set(re.findall(r"^\| `(interject_\w+)`", PAGE, re.MULTILINE)) == names
