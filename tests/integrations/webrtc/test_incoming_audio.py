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


def pieces(times: list[float], **kind: object) -> list[tuple[NDArray[np.int16], int]]:
    audio = IncomingAudio()
    return [piece for at in times for piece in audio.pieces(frame(at, **kind))]  # type: ignore[arg-type]


def heard(times: list[float], **kind: object) -> NDArray[np.int16]:
    """With silence for what is missing."""
    return np.concatenate(
        [
            part
            for samples, missing in pieces(times, **kind)
            for part in (np.zeros(missing, np.int16), samples)
        ]
    )


@pytest.mark.parametrize(
    ("rate", "layout"), [(48_000, "stereo"), (48_000, "mono"), (16_000, "mono"), (8_000, "mono")]
)
def test_any_codec_s_frames_become_16_khz_mono(rate: int, layout: str) -> None:
    found = heard([n * PACKET_S for n in range(50)], rate=rate, layout=layout)
    assert len(found) == pytest.approx(16_000, abs=1_200)
    assert np.median(found) == pytest.approx(8_000, abs=100)


def test_what_is_missing_is_told_where_it_belongs() -> None:
    times = [n * PACKET_S for n in range(100) if n not in (40, 41, 42)]
    found = heard(times)
    assert len(found) == pytest.approx(2 * 16_000, abs=400)
    silent = np.flatnonzero(np.abs(found[1_000:-1_000].astype(int)) < 100) + 1_000
    assert len(silent) == pytest.approx(960, abs=60)
    assert silent[0] == pytest.approx(40 * 320, abs=60)


def test_a_pause_is_told_and_neither_a_clock_that_was_set_back_nor_what_came_twice() -> None:
    second = [n * PACKET_S for n in range(50)]
    for at, missing in ((3.0, 32_000), (0.0, 0), (0.98, 0)):
        assert sum(lost for _, lost in pieces([*second, at, at + PACKET_S])) == missing


def test_a_change_of_codec_in_mid_call_is_followed() -> None:
    audio = IncomingAudio()
    frames = [frame(n * PACKET_S) for n in range(50)]
    frames += [frame(1 + n * PACKET_S, rate=8_000, layout="mono") for n in range(50)]
    found = [samples for one in frames for samples, _ in audio.pieces(one)]
    assert len(np.concatenate(found)) == pytest.approx(32_000, abs=1_200)


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
    parts: list[int] = []
    await IncomingAudio().read(_Backlog(200), lambda samples, _: parts.append(len(samples)))
    beside.cancel()
    assert len(parts) == 200
    assert turns >= 199
