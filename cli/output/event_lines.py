"""What happens in a room or on a call, a line an event."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from interject.cli.process.standard_streams import holds_unicode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class TimedEvent(Protocol):
    """Something that was noticed `at_s` seconds after the beginning."""

    @property
    def at_s(self) -> float: ...

    @property
    def event(self) -> str: ...

    @property
    def fields(self) -> Mapping[str, Any]: ...


class EventLines:
    """Calls `stop` when they cannot be written any more; `failure` says why."""

    def __init__(self, out: TextIO, *, as_json: bool, stop: Callable[[], object]) -> None:
        self._out = out
        self._as_json = as_json
        self._ascii = not holds_unicode(out)
        self._stop = stop
        self.failure: OSError | None = None

    def show(self, event: TimedEvent) -> None:
        line = self._json(event) if self._as_json else _line(event)
        if line is None or self.failure is not None:
            return
        try:
            self._out.write(line + "\n")
            self._out.flush()
        except OSError as exc:
            self.failure = exc
            self._stop()

    def _json(self, event: TimedEvent) -> str:
        fields = {"time": event.at_s, "event": event.event, **event.fields}
        return json.dumps(fields, ensure_ascii=self._ascii)


def _line(event: TimedEvent) -> str | None:
    if event.event == "transcription_piece":
        return None
    said = "  ".join(f"{key}={value}" for key, value in event.fields.items() if value != {})
    return f"{event.at_s:8.2f} s  {event.event:<20} {said}"
