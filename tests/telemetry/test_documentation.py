"""The page for operators names every metric and every user of Redis."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, fields
from pathlib import Path

from prometheus_client import CollectorRegistry

from interject.model_runtime.options import SessionOptions
from interject.model_runtime.remote.options_codec import decode_options, encode_options
from interject.model_runtime.telemetry.metrics import MediaMetrics, WorkerMetrics

ROOT = Path(__file__).parent.parent.parent
KEYS = {field.name for field in fields(SessionOptions)}
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


def test_options_have_their_defaults_on_the_page_of_the_protocol() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| `([\w.]+)` \|.*\| (?:`(\w*\"?\"?)`|([\w.]+)) \|[^|]*\|$", page, re.MULTILINE
    )
    documented = {name: code or word for name, code, word in rows if name.partition(".")[0] in KEYS}
    options = asdict(SessionOptions("x"))
    sampling = {f"sampling.{name}": value for name, value in options.pop("sampling").items()}
    expected = {"session_id": "required", "system_prompt": '""', "prompt_ids": "null"}
    given = options | sampling | expected
    assert documented == {name: _plain(value) for name, value in given.items()}


def test_the_options_that_the_page_of_the_protocol_shows_are_understood() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    understood = json.loads(encode_options(decode_options(shown.encode())))
    given = json.loads(shown)
    sampling = given.pop("sampling")
    assert understood | given == understood
    assert understood["sampling"] | sampling == understood["sampling"]


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
