"""WebRTC's echo canceller, which comes with LiveKit's SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from livekit import rtc

from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray


class WebRtcEcho:
    """An `EchoProcessor`."""

    def __init__(self) -> None:
        self._processing = rtc.AudioProcessingModule(echo_cancellation=True)

    def process(self, said: NDArray[np.int16], heard: NDArray[np.int16]) -> NDArray[np.int16]:
        self._processing.process_reverse_stream(_frame(said))
        self._processing.set_stream_delay_ms(0)
        frame = _frame(heard)
        self._processing.process_stream(frame)
        return np.frombuffer(frame.data, np.int16)


def _frame(samples: NDArray[np.int16]) -> rtc.AudioFrame:
    return rtc.AudioFrame(samples.tobytes(), SAMPLE_RATE_HZ, 1, len(samples))
