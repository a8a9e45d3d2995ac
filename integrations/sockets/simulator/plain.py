"""The plain protocol, from the side of whoever dials in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.integrations.sockets.simulator.dialect import (
    Dialect,
    Forgotten,
    Marked,
    ServerText,
    SpeechHeard,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from interject.integrations.sockets.simulator.dialect import Wire


class PlainDialect(Dialect):
    """A `Dialect` of 16-bit samples."""

    def __init__(
        self, *, rate_hz: int = 16_000, tracks: tuple[str, ...] = ("caller",), **hello: Any
    ) -> None:
        self.rate_hz = self.heard_rate_hz = rate_hz
        self._tracks = tracks
        self._hello = {"type": "hello", "rate_hz": rate_hz, "tracks": tracks, **hello}

    def opening(self) -> list[Wire]:
        return [json.dumps(self._hello)]

    def sound(self, blocks: Mapping[str, NDArray[np.int16]]) -> list[Wire]:
        silence = np.zeros(len(next(iter(blocks.values()))), np.int16)
        channels = [blocks.get(track, silence) for track in self._tracks]
        return [np.stack(channels, axis=1).astype("<i2").tobytes()]

    def take(self, message: Wire) -> SpeechHeard | Forgotten | Marked | ServerText:
        if isinstance(message, bytes):
            return SpeechHeard(np.frombuffer(message, "<i2").astype(np.int16))
        fields = json.loads(message)
        kind = fields.pop("type")
        if kind == "clear":
            return Forgotten()
        return Marked(fields["name"]) if kind == "mark" else ServerText(kind, fields)

    def played(self, name: str) -> list[Wire]:
        return [json.dumps({"type": "mark", "name": name})]

    def closing(self) -> list[Wire]:
        return ['{"type":"bye"}']
