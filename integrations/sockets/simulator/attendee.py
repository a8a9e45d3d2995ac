"""A bot of Attendee's in a meeting: its socket, its loudspeaker, and what its server posts."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
import secrets
import time
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.integrations.sockets.simulator.dialect import Dialect, ServerText, SpeechHeard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from interject.integrations.sockets.simulator.dialect import Forgotten, Marked, Wire

OUTPUT_RATES_HZ = (8_000, 16_000, 24_000)
PLAYED_S = 0.1
FORGOTTEN_S = 0.15
"""What is no tenth of a second is thrown away when nothing follows it for so long."""


class AttendeeDialect(Dialect):
    """A `Dialect`. `separate`: who speaks is told apart. Newer versions give chunks numbers, and
    some the names of those who speak.
    """

    def __init__(
        self,
        bot_id: str = "",
        *,
        rate_hz: int = 16_000,
        separate: bool = True,
        numbered: bool = True,
        named: Mapping[str, str] | None = None,
    ) -> None:
        self.bot_id = bot_id or f"bot_{secrets.token_hex(8)}"
        self.rate_hz = self.heard_rate_hz = rate_hz
        self.thrown_away = 0
        self._separate, self._numbered, self._named = separate, numbered, named or {}
        self._numbers: dict[str, itertools.count[int]] = {}
        self._tail, self._tail_at = b"", 0.0

    def opening(self) -> list[Wire]:
        return []

    def sound(self, blocks: Mapping[str, NDArray[np.int16]]) -> list[Wire]:
        if self._separate:
            return [self._chunk(who, block) for who, block in blocks.items()]
        mixed = np.sum([block.astype(np.int32) for block in blocks.values()], axis=0)
        return [self._chunk("", np.clip(mixed, -32_768, 32_767).astype(np.int16))]

    def take(self, message: Wire) -> SpeechHeard | Forgotten | Marked | ServerText:
        """What a server says besides speech is left out there, too."""
        fields = json.loads(message)
        if fields["trigger"] != "realtime_audio.bot_output":
            raise ValueError("such a trigger is ignored")
        data = fields["data"]
        if data["sample_rate"] not in OUTPUT_RATES_HZ or data["sample_rate"] != self.heard_rate_hz:
            raise ValueError("it cannot be played at this rate")
        return SpeechHeard(self._played(base64.b64decode(data["chunk"], validate=True)))

    def played(self, name: str) -> list[Wire]:
        return []

    def closing(self) -> list[Wire]:
        return []

    def _chunk(self, who: str, block: NDArray[np.int16]) -> str:
        data: dict[str, Any] = {
            "chunk": base64.b64encode(block.astype("<i2").tobytes()).decode(),
            "sample_rate": self.rate_hz,
            "timestamp_ms": round(1e3 * time.time()),
        }
        if self._numbered:
            data["sequence"] = next(self._numbers.setdefault(who, itertools.count(1)))
        if who:
            data["participant_uuid"] = who
        if who in self._named:
            data["participant_name"] = self._named[who]
        kind = "per_participant" if who else "mixed"
        return json.dumps(
            {"trigger": f"realtime_audio.{kind}", "bot_id": self.bot_id, "data": data}
        )

    def _played(self, sound: bytes) -> NDArray[np.int16]:
        """Whole tenths of a second."""
        now = asyncio.get_running_loop().time()
        if self._tail and now - self._tail_at > FORGOTTEN_S:
            self.thrown_away += len(self._tail) // 2
            self._tail = b""
        held = self._tail + sound
        step = 2 * round(PLAYED_S * self.heard_rate_hz)
        whole = len(held) - len(held) % step
        self._tail, self._tail_at = held[whole:], now
        return np.frombuffer(held[:whole], "<i2").astype(np.int16)


def posted(
    bot_id: str, trigger: str, secret: str = "", **data: Any
) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of a webhook."""
    payload = {
        "idempotency_key": str(uuid.uuid4()), "bot_id": bot_id, "bot_metadata": None,
        "trigger": trigger, "data": data,
    }  # fmt: skip
    signed = json.dumps(payload, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    key = base64.b64decode(secret)
    digest = hmac.new(key, signed.encode(), hashlib.sha256).digest()
    headers = {"Content-Type": "application/json"}
    if secret:
        headers["X-Webhook-Signature"] = base64.b64encode(digest).decode()
    return json.dumps(payload).encode(), headers
