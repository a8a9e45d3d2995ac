"""docs/sockets.md and docs/meetings.md say what the code does: messages, endings, settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from interject.integrations.sockets.attendee.settings import AttendeeSettings
from interject.integrations.sockets.plain.messages import PLAIN_MESSAGE, Hello
from interject.integrations.sockets.plain.platform import PlainPlatform
from interject.integrations.sockets.socket_ending import SocketEnding
from interject.integrations.sockets.socket_metrics import SocketMetrics

ROOT = Path(__file__).parents[3]
SOCKETS = (ROOT / "docs" / "sockets.md").read_text(encoding="utf-8")
MEETINGS = (ROOT / "docs" / "meetings.md").read_text(encoding="utf-8")


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the table whose first column has this heading."""
    lines = page.partition(f"\n| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [re.split(r" *\| *", line.strip("| ")) for line in lines]


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_message_that_may_be_sent_is_on_the_page_with_its_fields() -> None:
    schema: dict[str, Any] = PLAIN_MESSAGE.json_schema()
    kinds = schema["discriminator"]["mapping"]
    found = {named(row[0])[0]: named(row[1]) for row in rows(SOCKETS, "you say")}
    assert set(found) == set(kinds)
    for kind, reference in kinds.items():
        model = schema["$defs"][reference.rpartition("/")[2]]
        if kind != "hello":
            assert found[kind] == [name for name in model["properties"] if name != "type"]


def test_every_field_of_hello_is_on_the_page() -> None:
    found = [named(row[0])[0] for row in rows(SOCKETS, "field of `hello`")]
    assert sorted(found) == sorted(set(Hello.model_fields) - {"type"})


def test_every_message_that_the_server_sends_is_on_the_page() -> None:
    code = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "integrations" / "sockets" / "plain").glob("*.py")
    )
    sent = set(re.findall(r'told\(\s*"(\w+)"', code))
    found = {name for row in rows(SOCKETS, "you are told") for name in named(row[0])}
    assert sent <= found


def test_every_ending_of_ours_is_on_the_page_with_its_code() -> None:
    found = {(int(row[0]), reason) for row in rows(SOCKETS, "code") for reason in named(row[1])}
    found -= {(1008, SocketEnding.REFUSED.value)}
    theirs = (SocketEnding.HUNG_UP, SocketEnding.CUT, SocketEnding.UNAUTHORIZED)
    assert found == {(one.closing[0], one.value) for one in SocketEnding if one not in theirs}
    assert f"within {PlainPlatform.linger_s:g} s" in SOCKETS
    assert f"nothing came for {PlainPlatform.silence_s / 60:g} minutes" in SOCKETS


def test_every_metric_is_on_the_page() -> None:
    registry = CollectorRegistry()
    SocketMetrics(registry)
    names = {f"{family.name}_total" for family in registry.collect()}
    assert names == set(re.findall(r"`(interject_sockets_\w+)`", SOCKETS))


def test_every_setting_of_attendee_is_on_the_page() -> None:
    found = {named(row[0])[0] for row in rows(MEETINGS, "variable")}
    fields = AttendeeSettings.model_fields.keys() - {"insecure_dev"}
    assert found == {AttendeeSettings.variable(name) for name in fields}
