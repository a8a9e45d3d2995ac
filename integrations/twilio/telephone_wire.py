"""Speech as Twilio takes it: frames of 20 ms, and a mark every 100 ms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.integrations.audio.speech_wire import Pace
from interject.integrations.twilio.messages import clear_message, mark_message, media_message

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from interject.integrations.twilio.messages import Outgoing
    from interject.integrations.twilio.sound_codec import SoundCodec

FRAMES_A_MARK = 5


class TelephoneWire:
    """A `SpeechWire`."""

    def __init__(self, codec: SoundCodec, stream_sid: str) -> None:
        self._codec = codec
        self._stream_sid = stream_sid
        self.pace = Pace(codec.rate_hz, frames_a_mark=FRAMES_A_MARK)

    def speak(self, samples: NDArray[np.int16]) -> Outgoing:
        return media_message(self._stream_sid, self._codec.encode(samples))

    def mark(self, name: str) -> Outgoing:
        return mark_message(self._stream_sid, name)

    def clear(self) -> Outgoing:
        return clear_message(self._stream_sid)
