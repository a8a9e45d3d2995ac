"""Makes `kitchen.wav`: half a minute in a kitchen, for `make demo`.

python examples/kitchen.py [--seed N] [OUT.wav]
"""

from __future__ import annotations

import argparse
import wave
from pathlib import Path

import numpy as np
from scene import RATE_HZ, Line, Sound, as_pcm, mix

LENGTH_S = 31.0
SCENE: tuple[Line | Sound, ...] = (
    Line(1.2, "The new kettle was quite cheap, and the old one is in the garden.", "en-us+f3"),
    Sound(6.0, "microwave", 0.15),
    Line(9.6, "What is the capital of France?", "en-gb-x-rp+m3"),
    Line(14.2, "My sister walked along the river with her dog.", "en-us+f3", level=0.2),
    Sound(19.0, "laugh", 0.2),
    Sound(22.8, "smoke_alarm", 0.35),
    Line(27.8, "What was that sound?", "en-gb-x-rp+m3"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the demo's kitchen scene.")
    parser.add_argument(
        "out", nargs="?", type=Path, default=Path(__file__).with_name("kitchen.wav")
    )
    parser.add_argument("--seed", type=int, default=3)
    given = parser.parse_args()
    scene = mix(SCENE, LENGTH_S, np.random.default_rng(given.seed))
    with wave.open(str(given.out), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(as_pcm(scene).tobytes())
    print(f"{given.out}: {given.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
