"""The page for operators names every metric and every user of Redis."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client import CollectorRegistry

from interject.model_runtime.telemetry.metrics import MediaMetrics, WorkerMetrics

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def test_every_metric_is_on_the_page_and_no_other() -> None:
    served = set()
    for kind in (WorkerMetrics, MediaMetrics):
        registry = CollectorRegistry()
        kind(registry)
        suffix = {"counter": "_total", "info": "_info"}
        served |= {f.name + suffix.get(f.type, "") for f in registry.collect()}
    assert set(re.findall(r"^\| `(interject_\w+)`", PAGE, re.MULTILINE)) == served


def test_every_user_of_redis_is_on_the_page() -> None:
    users = (ROOT / "deploy" / "redis" / "users.acl").read_text(encoding="utf-8")
    named = set(re.findall(r"^user (interject-\w+)", users, re.MULTILINE))
    assert set(re.findall(r"^\| `(interject-\w+)`", PAGE, re.MULTILINE)) == named
