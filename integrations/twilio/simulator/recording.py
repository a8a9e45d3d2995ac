"""What was said and heard on a call, on one clock."""

from __future__ import annotations

import wave
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.integrations.twilio.simulator.mulaw import RATE_HZ, decode

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class CallRecording:
    """Mu-law of both directions."""

    said: bytearray = field(default_factory=bytearray)
    heard: bytearray = field(default_factory=bytearray)

    def write(self, path: Path) -> None:
        """A WAV: left what the person on the call said, right what that person heard."""
        both = np.stack([decode(bytes(self.said)), decode(bytes(self.heard))], axis=1)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes(both.astype("<i2").tobytes())
