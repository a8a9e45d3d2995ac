from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from interject.integrations.webrtc.incoming_audio import IncomingAudio

if TYPE_CHECKING:
    from numpy.typing import NDArray

PACKET_S = 0.02


def frame(
    at: float, *, rate: int = 48_000, layout: str = "stereo", level: int = 8_000
) -> AudioFrame:
    channels = {"mono": 1, "stereo": 2}[layout]
    samples = round(PACKET_S * rate)
    made = AudioFrame.from_ndarray(
        np.full((1, samples * channels), level, np.int16), format="s16", layout=layout
    )
    made.sample_rate = rate
    made.pts = round(at * rate)
    made.time_base = Fraction(1, rate)
    return made


def heard(times: list[float], **kind: object) -> NDArray[np.int16]:
    audio = IncomingAudio()
    return np.concatenate([audio.samples(frame(at, **kind)) for at in times])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rate", "layout"), [(48_000, "stereo"), (48_000, "mono"), (16_000, "mono"), (8_000, "mono")]
)
def test_any_codec_s_frames_become_16_khz_mono(rate: int, layout: str) -> None:
    found = heard([n * PACKET_S for n in range(50)], rate=rate, layout=layout)
    assert len(found) == pytest.approx(16_000, abs=1_200)
    assert np.median(found) == pytest.approx(8_000, abs=100)


def test_silence_takes_the_place_of_lost_frames() -> None:
    times = [n * PACKET_S for n in range(100) if n not in (40, 41, 42)]
    found = heard(times)
    assert len(found) == len(heard([n * PACKET_S for n in range(100)]))
    silent = np.flatnonzero(np.abs(found[1_000:-1_000].astype(int)) < 100) + 1_000
    assert len(silent) == pytest.approx(960, abs=60)
    assert silent[0] == pytest.approx(40 * 320, abs=60)


@pytest.mark.parametrize("at", [1.5, 100_000.0, 0.0])
def test_a_pause_a_wrapped_clock_and_a_new_one_are_not_filled(at: float) -> None:
    """For a pause the framing's clock goes on by itself."""
    audio = IncomingAudio()
    for n in range(50):
        audio.samples(frame(n * PACKET_S))
    audio.samples(frame(at))
    audio.samples(frame(at + PACKET_S))
    assert audio.filled_samples == 0


def test_a_change_of_codec_in_mid_call_is_followed() -> None:
    audio = IncomingAudio()
    found = [audio.samples(frame(n * PACKET_S)) for n in range(50)]
    found += [audio.samples(frame(1 + n * PACKET_S, rate=8_000, layout="mono")) for n in range(50)]
    assert len(np.concatenate(found)) == pytest.approx(32_000, abs=1_600)


class _Backlog(MediaStreamTrack):
    """A track whose frames are all there at once, as after a standstill of the event loop."""

    kind = "audio"

    def __init__(self, frames: int) -> None:
        super().__init__()
        self._left = [frame(n * PACKET_S) for n in range(frames)]

    async def recv(self) -> AudioFrame:
        if not self._left:
            raise MediaStreamError
        return self._left.pop(0)


async def test_a_backlog_is_read_to_its_end_without_holding_up_the_loop() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    beside = asyncio.create_task(others())
    parts: list[NDArray[np.int16]] = []
    await IncomingAudio().read(_Backlog(200), parts.append)
    beside.cancel()
    assert len(parts) == 200
    assert turns >= 199
