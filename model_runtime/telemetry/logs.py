"""Logs of one line each, built so that what people say cannot get in.

A line holds the message as it stands in the source, never what would be put into it; of the extra
fields only those on a list, and short; of an exception its type and where it was raised, never its
text, which may quote what could not be handled. A line for a person holds the same.
"""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TextIO

from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.telemetry.repeated_lines import RepeatedLines

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

FIELDS = frozenset(
    {
        "address", "allowed", "call", "cause", "channel", "chars", "chunk", "count", "device",
        "door", "emotion", "end", "epoch", "error_code", "error_type", "event_name", "exit_code",
        "free_slots", "job_id", "mode", "output", "port", "reason", "reply_id", "role", "scope",
        "seconds", "session", "setting", "slots", "state", "task", "tokens", "track", "value",
        "verdict", "voice", "wanted", "why", "worker",
    }
)  # fmt: skip
"""`session` is the hashed name that keys carry, never the id that a caller chose. `call` is what a
telephone company calls a call, or what we do.
"""
LONGEST_VALUE = 200
WITHHELD = "[withheld]"
TEXT_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LogFormat(StrEnum):
    """For a person at a terminal, or for a collector."""

    TEXT = "text"
    JSON = "json"


class JsonFormatter(logging.Formatter):
    """One line, one object: `time`, `level`, `logger`, `message`, and the allowed fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        for name, value in vars(record).items():
            if name not in _STANDARD:
                line[name] = _shown(value) if name in FIELDS else WITHHELD
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = type(record.exc_info[1]).__name__
            line["where"] = _where(record.exc_info[2])
        return json.dumps(line, ensure_ascii=True)


class TextFormatter(logging.Formatter):
    """A line for a person, with the allowed fields behind the message."""

    def format(self, record: logging.LogRecord) -> str:
        bare = {"msg": _message(record), "args": None, "exc_info": None, "exc_text": None}
        shown = logging.makeLogRecord({**vars(record), **bare, "stack_info": None})
        line = super().format(shown)
        if record.exc_info and record.exc_info[1] is not None:
            where = "; ".join(_where(record.exc_info[2]))
            line += f" exception={type(record.exc_info[1]).__name__} where={where}"
        return line

    def formatMessage(self, record: logging.LogRecord) -> str:
        fields = (
            f" {name}={_shown(value)}"
            for name, value in vars(record).items()
            if name in FIELDS and name not in _STANDARD
        )
        return super().formatMessage(record) + "".join(fields)


def set_up(
    stream: TextIO,
    form: LogFormat,
    level: str = "info",
    *,
    name_lines: Callable[[logging.LogRecord], bool] | None = None,
) -> None:
    """Make the root logger write to `stream`, and nowhere else. `name_lines` may add fields.

    :raises RuntimeFailure: when there is no such level.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise RuntimeFailure(f"{level}: not a log level; use debug, info, warning or error")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if form is LogFormat.JSON else TextFormatter(TEXT_FORMAT))
    if name_lines is not None:
        handler.addFilter(name_lines)
    handler.addFilter(RepeatedLines())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(number)


def _message(record: logging.LogRecord) -> str:
    """asyncio writes what was raised into further lines of its messages."""
    return record.msg.partition("\n")[0] if isinstance(record.msg, str) else WITHHELD


def _shown(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        plain = "".join(one if one.isprintable() else " " for one in value[:LONGEST_VALUE])
        return plain if len(value) <= LONGEST_VALUE else plain + "..."
    return WITHHELD


def _where(trace: TracebackType | None) -> list[str]:
    return [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(trace)
    ]
