"""Makes a minute of three people's work: a call to a shop, a meeting, a podcast's recording.

    python examples/trades.py [--seed N] [FOLDER]

Three files in Ogg Opus. Each is heard with the profile of its trade: docs/call_center.md,
docs/meeting_assistant.md and docs/podcast.md.
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from scene import RATE_HZ, Line, Sound, as_pcm, mix

if TYPE_CHECKING:
    from numpy.typing import NDArray

BITS_PER_S = 32_000
ANN, BOB, EVE = "en-gb+f2", "en-us+m3", "en-us+f3"

CALL: tuple[Line | Sound, ...] = (
    Line(1.0, "A very good morning.", ANN),
    Line(4.4, "What is your name?", ANN),
    Line(8.0, "I bought the red lamp on Tuesday.", BOB),
    Line(12.0, "Is this being recorded?", BOB),
    Line(16.0, "I want to track my order.", BOB),
    Line(20.4, "The parcel was sent on Tuesday.", ANN),
    Line(24.4, "What are your opening hours?", BOB),
    Line(29.0, "I want a refund.", BOB),
    Line(33.0, "My neighbour has the same one.", BOB),
    Line(37.4, "I want to cancel my subscription.", BOB),
    Line(43.0, "I want to make a complaint.", BOB),
    Line(48.0, "Thanks for your help.", BOB),
    Line(52.0, "Have a nice day.", ANN),
)
MEETING: tuple[Line | Sound, ...] = (
    Line(1.0, "A very good morning.", ANN),
    Line(5.0, "The new office is near the river.", BOB),
    Line(9.4, "Please take notes.", ANN),
    Line(13.4, "We had a lot of rain this week.", EVE),
    Line(18.0, "When do we meet again?", EVE),
    Line(22.6, "What is the capital of France?", BOB),
    Sound(27.0, "smoke_alarm", 0.35),
    Line(33.0, "The second one costs a little more.", BOB),
    Line(37.6, "Can you sum up the meeting?", ANN),
    Line(42.6, "Thank you very much.", EVE),
)
PODCAST: tuple[Line | Sound, ...] = (
    Line(1.0, "Are we recording?", ANN),
    Line(5.0, "Start the intro music.", ANN),
    Line(9.4, "Who is on the show today?", ANN),
    Line(14.0, "We started the band in a small garage.", BOB),
    Sound(18.6, "cough"),
    Line(23.0, "The album took us two years.", BOB),
    Line(27.4, "Make a note of that.", ANN),
    Sound(31.6, "laugh", 0.2),
    Line(36.0, "Thank you very much.", ANN),
    Line(40.0, "See you tomorrow.", ANN),
)
TRADES = {"call_center": (CALL, 56.0), "meeting": (MEETING, 47.0), "podcast": (PODCAST, 44.0)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the recordings of three trades.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent)
    parser.add_argument("--seed", type=int, default=3)
    given = parser.parse_args()
    for name, (scene, length_s) in TRADES.items():
        path = given.folder / f"{name}.opus"
        write_opus(path, as_pcm(mix(scene, length_s, np.random.default_rng(given.seed))))
        print(f"{path}: {path.stat().st_size:,} bytes")


def write_opus(path: Path, pcm: NDArray[np.int16]) -> None:
    with av.open(str(path), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=RATE_HZ, layout="mono")
        stream.bit_rate = BITS_PER_S
        frame = av.AudioFrame.from_ndarray(pcm[np.newaxis, :], format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = RATE_HZ, Fraction(1, RATE_HZ), 0
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)


if __name__ == "__main__":
    main()
