"""Nothing that was said gets into a log line, and no call in the project tries to put it there."""

from __future__ import annotations

import ast
import asyncio
import gc
import io
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.telemetry.logs import (
    FIELDS,
    TEXT_FORMAT,
    WITHHELD,
    JsonFormatter,
    LogFormat,
    TextFormatter,
    set_up,
)
from tests.telemetry.worlds import SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
FOLDERS = ("agent", "model_runtime", "integrations")
METHODS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
PII = "lk.pii."
"""What LiveKit redacts, and our own formatter withholds."""
LOGGERS = frozenset({"logger", "_log", "log"})


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(out: io.StringIO) -> Iterator[logging.Logger]:
    yield from logging_to(out, JsonFormatter())


@pytest.fixture
def text_log(out: io.StringIO) -> Iterator[logging.Logger]:
    yield from logging_to(out, TextFormatter(TEXT_FORMAT))


def logging_to(out: io.StringIO, formatter: logging.Formatter) -> Iterator[logging.Logger]:
    logger = logging.getLogger("interject.tests.logs")
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    logger.propagate = False
    yield logger
    logger.removeHandler(handler)
    logger.propagate = True


def line(out: io.StringIO) -> dict[str, Any]:
    text = out.getvalue()
    assert text.count("\n") == 1
    value: dict[str, Any] = json.loads(text)
    return value


def test_a_line_holds_the_message_and_the_allowed_fields(
    log: logging.Logger, out: io.StringIO
) -> None:
    log.warning("input refused", extra={"session": "3f2a", "reason": "no seq", "count": 3})
    found = line(out)
    assert found.pop("time").endswith("+00:00")
    assert found == {
        "level": "warning",
        "logger": "interject.tests.logs",
        "message": "input refused",
        "session": "3f2a",
        "reason": "no seq",
        "count": 3,
    }


def test_a_line_for_a_person_holds_the_allowed_fields_too(out: io.StringIO) -> None:
    before, level = list(logging.getLogger().handlers), logging.getLogger().level
    try:
        set_up(out, LogFormat.TEXT)
        shown = {"port": 40_123, "reason": "a\nway", "transcript": SECRET, "worker": [SECRET]}
        logging.getLogger("interject.tests").warning("metrics are served", extra=shown)
    finally:
        logging.getLogger().handlers[:] = before
        logging.getLogger().setLevel(level)
    told = "WARNING interject.tests metrics are served port=40123 reason=a way worker=[withheld]\n"
    assert out.getvalue().partition(" WARNING")[2] == told.removeprefix("WARNING")


def test_other_fields_are_withheld(log: logging.Logger, out: io.StringIO) -> None:
    log.warning("heard", extra={"transcript": SECRET, "reason": [SECRET]})
    assert SECRET not in out.getvalue()
    assert line(out)["transcript"] == WITHHELD
    assert line(out)["reason"] == WITHHELD


def test_arguments_of_a_message_are_not_put_in(log: logging.Logger, out: io.StringIO) -> None:
    log.warning("the reply is %s", SECRET)
    assert line(out)["message"] == "the reply is %s"


def test_an_exception_shows_its_type_and_place_only(log: logging.Logger, out: io.StringIO) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError:
        log.exception("a reply could not be said")
    assert SECRET not in out.getvalue()
    assert line(out)["exception"] == "ValueError"
    assert line(out)["where"][0].startswith("test_logs.py:")


def test_a_line_for_a_person_holds_no_more_than_one_for_a_collector(
    text_log: logging.Logger, out: io.StringIO
) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError:
        text_log.exception("the reply is %s", SECRET)
    text_log.warning({"text": SECRET})
    first, second = out.getvalue().splitlines()
    assert SECRET not in out.getvalue()
    assert " the reply is %s exception=ValueError where=test_logs.py:" in first
    assert second.endswith(f"interject.tests.logs {WITHHELD}")


@pytest.mark.parametrize("fixture", ["log", "text_log"])
async def test_what_asyncio_says_of_a_task_that_failed_quotes_nothing(
    fixture: str, out: io.StringIO, request: pytest.FixtureRequest
) -> None:
    asked: logging.Logger = request.getfixturevalue(fixture)
    loop = asyncio.get_running_loop()
    handler = asked.handlers[0]
    logging.getLogger("asyncio").addHandler(handler)
    try:
        failed = loop.create_future()
        failed.set_exception(ValueError(SECRET))
        del failed
        gc.collect()
    finally:
        logging.getLogger("asyncio").removeHandler(handler)
    assert "Future exception was never retrieved" in out.getvalue()
    assert SECRET not in out.getvalue()


def test_long_values_and_line_breaks_cannot_forge_a_line(
    log: logging.Logger, out: io.StringIO
) -> None:
    log.warning("input refused", extra={"reason": 'x"}\n{"level": "error' * 100})
    assert len(line(out)["reason"]) <= 203


def test_an_object_as_message_is_withheld(log: logging.Logger, out: io.StringIO) -> None:
    log.warning({"text": SECRET})
    assert line(out)["message"] == WITHHELD


def test_set_up_replaces_the_handlers(out: io.StringIO) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        set_up(out, LogFormat.JSON, "warning")
        logging.getLogger("interject.tests").info("not shown")
        logging.getLogger("interject.tests").warning("shown")
        assert line(out)["message"] == "shown"
        with pytest.raises(RuntimeFailure, match="loud: not a log level"):
            set_up(out, LogFormat.TEXT, "loud")
    finally:
        for handler in list(root.handlers):
            root.removeHandler(handler)
        for handler in before:
            root.addHandler(handler)
        root.setLevel(level)


def log_calls() -> Iterator[tuple[str, ast.Call]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in METHODS
                    and isinstance(node.func.value, ast.Name)
                    and node.func.value.id in LOGGERS
                ):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def test_every_log_call_has_a_constant_message_and_allowed_fields() -> None:
    calls = list(log_calls())
    assert len(calls) > 5
    assert {where: fault_of(call) for where, call in calls if fault_of(call)} == {}


def fault_of(call: ast.Call) -> str:
    if len(call.args) != 1 or not isinstance(call.args[0], ast.Constant):
        return "the message is not one constant"
    for keyword in call.keywords:
        if keyword.arg != "extra":
            continue
        if not isinstance(keyword.value, ast.Dict):
            return "extra is not written out"
        names = {str(key.value) for key in keyword.value.keys if isinstance(key, ast.Constant)}
        if not {name for name in names if not name.startswith(PII)} <= FIELDS:
            return "a field is not on the list"
    return ""
