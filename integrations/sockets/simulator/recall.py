"""Recall.ai's side: a bot in a meeting, which sends what it hears."""

from __future__ import annotations

import base64
import json
import uuid
from typing import TYPE_CHECKING, Any

from interject.integrations.sockets.simulator.dialect import Dialect

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from interject.integrations.sockets.simulator.dialect import ServerText, Wire

MIXED = "mixed"


class RecallDialect(Dialect):
    """Each speaker a participant by this name; one of the name `mixed` is all of them.
    Nothing is sent of who is silent, and nothing may be sent back. `there` are those who are in the
    meeting when it begins.
    """

    rate_hz = heard_rate_hz = 16_000

    def __init__(self, bot: str | None = None, *, there: tuple[str, ...] = ()) -> None:
        self.bot = bot or str(uuid.uuid4())
        self._there = there
        self._numbers: dict[str, int] = {}
        self._sent = 0

    def opening(self) -> list[Wire]:
        return [self.joined(name) for name in self._there]

    def sound(self, blocks: Mapping[str, NDArray[np.int16]]) -> list[Wire]:
        return [self._heard(name, block) for name, block in blocks.items()]

    def take(self, message: Wire) -> ServerText:
        raise ValueError("Recall takes nothing")

    def played(self, name: str) -> list[Wire]:
        raise AssertionError("there are no marks")

    def closing(self) -> list[Wire]:
        return []

    def joined(self, name: str) -> Wire:
        return self._event("participant_events.join", participant=self._participant(name))

    def left(self, name: str) -> Wire:
        return self._event("participant_events.leave", participant=self._participant(name))

    def wrote(self, name: str, text: str) -> Wire:
        return self._event(
            "participant_events.chat_message",
            participant=self._participant(name),
            data={"text": text, "to": "everyone"},
        )

    def _heard(self, name: str, block: NDArray[np.int16]) -> Wire:
        buffer = base64.b64encode(block.astype("<i2").tobytes()).decode()
        if name == MIXED:
            return self._event("audio_mixed_raw.data", buffer=buffer)
        participant = self._participant(name)
        return self._event("audio_separate_raw.data", buffer=buffer, participant=participant)

    def _participant(self, name: str) -> dict[str, Any]:
        number = self._numbers.setdefault(name, 16 + len(self._numbers))
        return {"id": number, "name": name, "is_host": False, "platform": None, "extra_data": {}}

    def _event(self, name: str, **data: Any) -> Wire:
        self._sent += 1
        around: dict[str, Any] = {
            one: {"id": one, "metadata": {}} for one in ("realtime_endpoint", "recording")
        }
        data["timestamp"] = {"relative": self._sent / 50, "absolute": "2026-01-01T00:00:00Z"}
        bot = {"id": self.bot, "metadata": {}}
        return json.dumps({"event": name, "data": {"data": data, **around, "bot": bot}})
