"""Dashboard and alerts ask for metrics that exist."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from interject.cli.serve.web_metrics import WebMetrics
from interject.config import load_profile
from interject.integrations.conversation.metrics import ConversationMetrics
from interject.integrations.conversation.responder_metrics import ResponderMetrics
from interject.integrations.conversation.role import Role
from interject.integrations.conversation.switchboard import Switchboard
from interject.integrations.twilio.door import TwilioDoor
from interject.integrations.twilio.twilio_metrics import TwilioMetrics
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.connections import Connections
from interject.integrations.web.cue_screens import CueScreens
from interject.integrations.webrtc.door import WebRtcDoor
from interject.model_runtime.telemetry.metrics import MediaMetrics, WorkerMetrics
from tests.deploy.files import DEPLOY, compose
from tests.fakes.runtime import FakeRuntime

DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "interject.json").read_text())
RULES = yaml.safe_load((DEPLOY / "prometheus-alerts.yml").read_text())["groups"][0]["rules"]
NAME = re.compile(r"\b(interject_\w+)(?:\{([^}]*)\})?")
SUFFIXES = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_sum", "_count"),
    "gauge": ("",),
    "info": ("_info",),
}


def of_workers(registry: CollectorRegistry) -> None:
    WorkerMetrics(registry)


def of_media(registry: CollectorRegistry) -> None:
    MediaMetrics(registry)


def of_rooms(registry: CollectorRegistry) -> None:
    ConversationMetrics("livekit", registry=registry)
    ResponderMetrics(registry)


def of_servers(registry: CollectorRegistry) -> None:
    """With every door."""
    runtime = FakeRuntime()
    switchboard = Switchboard(Role(load_profile("default"), runtime), runtime)
    for door in (WebRtcDoor.name, TwilioDoor.name):
        switchboard.metrics(door)
    TwilioMetrics(switchboard.registry)
    registry.register(switchboard.registry)
    registry.register(WebMetrics(CueScreens(Bearer()), None, Connections()))


def served() -> set[str]:
    names = set()
    for register in (of_workers, of_media, of_rooms, of_servers):
        registry = CollectorRegistry()
        register(registry)
        for family in registry.collect():
            names |= {family.name + suffix for suffix in SUFFIXES[family.type]}
    return names


def expressions() -> list[str]:
    targets = [target for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return [t["expr"] for t in targets] + [rule["expr"] for rule in RULES]


@pytest.mark.parametrize("expression", expressions())
def test_an_expression_asks_for_served_metrics(expression: str) -> None:
    asked = {match[0] for match in NAME.findall(expression)}
    assert asked
    assert asked <= served()
    assert expression.count("(") == expression.count(")")


def test_the_dashboard_shows_every_metric_but_the_build() -> None:
    shown = {match[0] for text in expressions() for match in NAME.findall(text)}
    families = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in served()}
    unseen = families - {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in shown}
    assert unseen == {
        "interject_build_info", "interject_client_first_text_seconds",
        "interject_client_gap_frames",
    }  # fmt: skip


def test_panels_have_ids_titles_and_room() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert panel["title"]
        assert place["x"] + place["w"] <= 24
        assert not taken & cells, panel["title"]
        taken |= cells


def test_alerts_say_what_is_wrong() -> None:
    assert all(rule["annotations"]["summary"].endswith(".") for rule in RULES)
    assert {rule["labels"]["severity"] for rule in RULES} <= {"page", "ticket"}


def test_prometheus_scrapes_the_workers_of_the_compose_file() -> None:
    configuration = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    job = configuration["scrape_configs"][0]
    (discovery,) = job["dns_sd_configs"]
    services = compose()["services"]
    assert set(discovery["names"]) == {name for name in services if name.startswith("worker")}
    for name in discovery["names"]:
        assert f"0.0.0.0:{discovery['port']}" in services[name]["command"]
    assert configuration["rule_files"] == ["prometheus-alerts.yml"]


def test_prometheus_has_the_token_that_a_server_asks_for() -> None:
    configuration = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    _, job = configuration["scrape_configs"]
    (discovery,) = job["dns_sd_configs"]
    services, secrets = compose()["services"], compose()["secrets"]
    (server,) = discovery["names"]
    assert f"0.0.0.0:{discovery['port']}" in services[server]["command"]
    (secret,) = services["prometheus"]["secrets"]
    assert job["authorization"] == {"credentials_file": f"/run/secrets/{secret}"}
    assert secrets[secret]["environment"] in services[server]["environment"]


def test_grafana_finds_its_data_source() -> None:
    provisioned = yaml.safe_load((DEPLOY / "grafana" / "datasource.yml").read_text())
    (source,) = provisioned["datasources"]
    (variable,) = DASHBOARD["templating"]["list"]
    assert variable["current"]["value"] == source["uid"]
    assert "prometheus" in compose()["services"]
