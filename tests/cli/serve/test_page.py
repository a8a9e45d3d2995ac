"""docs/serve.md says what the code does: settings, what screens and webhooks are told, metrics."""

from __future__ import annotations

import dataclasses
import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest
import typer

from interject.agent.cues.checklist import ChecklistUpdate
from interject.cli.commands import app
from interject.cli.serve.options import DEFAULT_SLOTS
from interject.cli.serve.web_metrics import WebMetrics
from interject.integrations.conversation.cues import MAX_TEXT_CHARS, CueMessage
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.connections import Connections
from interject.integrations.web.cue_screens import (
    KEEP_ALIVE_S,
    CallDecision,
    CueScreens,
)
from interject.integrations.web.living_cards import CueCard
from interject.integrations.web.webhook_event import (
    WebhookCue,
    WebhookEvent,
    WebhookPost,
    WebhookSpeech,
)
from interject.model_runtime.protocol import Emotion, EndReason

if TYPE_CHECKING:
    import click
    from pydantic import BaseModel

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def table(text: str, heading: str) -> list[list[str]]:
    """The cells of the table whose first column has this heading."""
    lines = text.partition(f"\n| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def settings() -> list[list[str]]:
    return [[cell.strip() for cell in row] for row in table(section("Settings"), "variable")]


def parameters() -> dict[str, click.Option]:
    """Of `serve`, by each of their options."""
    command = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined]
    return {
        option: parameter
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_option_is_on_the_page_once() -> None:
    found = [option for row in settings() for option in named(row[1])]
    assert sorted(found) == sorted(parameters())


@pytest.mark.parametrize("row", settings(), ids=lambda row: row[1] or row[0])
def test_a_row_says_by_which_variable_and_what_it_is_without(row: list[str]) -> None:
    for option in named(row[1]):
        parameter = parameters()[option]
        variable = parameter.envvar
        assert named(row[0]) == ([variable] if variable else [])
        default = parameter.default
        if default is True or default is False:
            assert row[2] == ("yes" if default else "no")
        elif isinstance(default, StrEnum):
            assert row[2] == f"`{default.value}`"
        elif isinstance(default, str):
            assert row[2] == f"`{default}`"
        elif isinstance(default, float):
            assert row[2] == f"{default:g}"
        elif option == "--slots":
            assert row[2] == str(DEFAULT_SLOTS)
        else:
            assert row[2]


def test_every_variable_that_the_code_reads_is_on_the_page() -> None:
    """But for those of telephones, which are on their own page."""
    places = (
        "cli/serve/*.py",
        "cli/process/neighbours.py",
        "cli/process/webhook_target.py",
        "integrations/web/*.py",
        "integrations/webrtc/*.py",
    )
    paths = (path for place in places for path in ROOT.glob(place))
    code = "".join(path.read_text(encoding="utf-8") for path in paths)
    read = set(re.findall(r'"(INTERJECT_[A-Z_]+)"', code))
    assert read == {variable for row in settings() for variable in named(row[0])}


@pytest.mark.parametrize(
    ("kind", "model"),
    [("cue.shown", WebhookCue), ("reply.posted", WebhookPost), ("reply.spoken", WebhookSpeech)],
)
def test_what_a_webhook_is_told_is_on_the_page(kind: str, model: type[BaseModel]) -> None:
    rows = {row[0].strip("`"): row[1] for row in table(section("Webhook"), "`type`")}
    assert named(rows[kind].partition(":")[0]) == list(model.model_fields)
    assert set(rows) == set(get_args(WebhookEvent.model_fields["type"].annotation))


def test_what_a_screen_is_told_is_on_the_page() -> None:
    text = section("Cue cards")
    events = {row[0].strip("`"): named(row[1]) for row in table(text, "event")}
    assert events == {
        "hello": ["time"],
        "cue": list(CueCard.model_fields),
        "checklist": ["call", "identities", "items", "ticked", "over"],
        "summary": [],
        "decision": ["all=true", *CallDecision.model_fields],
        "reply.spoken": ["all=true"],
        "reply.posted": [],
        "tool.asked": [],
    }
    assert set(events["checklist"]) == {one.name for one in dataclasses.fields(ChecklistUpdate)}
    fields = {row[0].strip("`"): row[1] for row in table(text, "field of a cue")}
    assert list(fields) == list(CueMessage.model_fields)
    assert set(named(fields["emotion"])) == set(Emotion)
    assert f"{MAX_TEXT_CHARS:,} characters" in fields["text"]
    assert f"every {KEEP_ALIVE_S:g} s" in text


def test_why_a_reply_ended_is_on_the_page() -> None:
    ends = section("Webhook").partition("is why one ended (")[2].partition(")")[0]
    assert named(ends) == list(EndReason)


def test_every_metric_of_screens_and_webhooks_is_on_the_page() -> None:
    families = list(WebMetrics(CueScreens(Bearer()), None, Connections()).collect())
    names = {f.name + ("_total" if f.type == "counter" else "") for f in families}
    assert set(re.findall(r"^\| `(interject_\w+)`", PAGE, re.MULTILINE)) == names
