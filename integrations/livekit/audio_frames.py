"""LiveKit's frames of sound as blocks, with what the ear of a room wrote on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from livekit import rtc

    from interject.integrations.audio.block import Block, BlockReader

SPEAKERS_KEY = "interject.speakers"
CAPTURED_KEY = "interject.captured_at"


def read_frame(reader: BlockReader, frame: rtc.AudioFrame) -> Block:
    """:raises ValueError: when the frame's rate or number of channels make no sense."""
    stated = frame.userdata.get(CAPTURED_KEY)
    return reader.read(
        np.frombuffer(frame.data, dtype=np.int16),
        rate_hz=frame.sample_rate,
        channels=frame.num_channels,
        captured_at=None if stated is None else float(stated),
        speakers=tuple(frame.userdata.get(SPEAKERS_KEY, ())),
    )
