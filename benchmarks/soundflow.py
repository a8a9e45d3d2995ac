"""How many hours of training streams are made in an hour, with the default settings."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.result import Result, finish, this_command
from interject.training.dataset.build import build
from interject.training.dataset.manifest import BuildSettings
from interject.training.soundflow.composer import Composer
from interject.training.soundflow.composer_settings import ComposerSettings, PhoneChannel
from interject.training.soundflow.procedural_library import ProceduralLibrary
from interject.training.soundflow.texts.text_set import built_in_texts
from interject.training.speech.local_voices import random_local_voice

if TYPE_CHECKING:
    from collections.abc import Callable

NOTE = (
    "All seven abilities with the published shares, procedural sounds, the built-in texts, voices "
    "of espeak-ng and flite. A data set is composed, encoded as FLAC and written into shards. The "
    "goal is 100 on 2 cores."
)
SEED = 1
ALONE = "composing, one process"


def composed(composer: Composer, streams: int) -> float:
    """Seconds of stream that one process makes; nothing is encoded or kept."""
    return sum(composer.make(number, SEED).duration_s for number in range(streams))


def built(composer: Composer, streams: int, workers: int) -> float:
    """Seconds of stream in the shards of a whole data set: composed, as FLAC, with manifest."""
    with tempfile.TemporaryDirectory() as folder:
        settings = BuildSettings(
            recipe="soundflow", settings={}, seed=SEED, count=streams, streams_per_shard=64
        )
        outcome = build(composer, settings, Path(folder) / "data", workers=workers)
    assert outcome.manifest is not None, "nothing stops it"
    return outcome.manifest.hours * 3_600


def timed(work: Callable[[], float]) -> tuple[float, float, float]:
    """Seconds of stream, the seconds that they took, and those of the processor in this process."""
    begun, computed = time.perf_counter(), time.process_time()
    stream_s = work()
    return stream_s, time.perf_counter() - begun, time.process_time() - computed


def main() -> None:
    from benchmarks.hardware import describe  # It imports torch, which the workers do not need.

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--smoke", action="store_true", help="a quick run that is not kept")
    arguments = parser.parse_args()
    streams = 2 if arguments.smoke else arguments.streams

    load = os.getloadavg()[0]
    composer = Composer(ProceduralLibrary(), random_local_voice, built_in_texts())
    on_the_phone = ComposerSettings(telephone=PhoneChannel(share=1.0))
    never = ComposerSettings(telephone=PhoneChannel(share=0.0))
    whole = f"a data set with {arguments.workers} processes"
    measured = {
        ALONE: timed(lambda: composed(composer, streams)),
        "the same, never on the telephone": timed(
            lambda: composed(replace(composer, settings=never), streams)
        ),
        "the same, always on the telephone": timed(
            lambda: composed(replace(composer, settings=on_the_phone), streams)
        ),
        whole: timed(lambda: built(composer, streams, arguments.workers)),
    }
    finish(
        Result(
            name="soundflow",
            title="Making training streams",
            command=this_command("soundflow"),
            hardware=describe(),
            columns=[
                "what",
                "streams",
                "minutes of stream",
                "s",
                "processor s of this process",
                "hours of stream an hour",
            ],
            rows=[
                [
                    what,
                    str(streams),
                    f"{stream_s / 60:.1f}",
                    f"{wall_s:.1f}",
                    f"{computed_s:.1f}",
                    f"{stream_s / wall_s:.0f}",
                ]
                for what, (stream_s, wall_s, computed_s) in measured.items()
            ],
            notes=[
                NOTE,
                f"Other programs ran meanwhile: the machine's load average was {load:.1f} before.",
            ],
            headlines={
                f"hours of training stream made in an hour, beside a load average of {load:.1f}": (
                    f"{measured[whole][0] / measured[whole][1]:.0f}"
                ),
                "hours of training stream composed in an hour of one processor": (
                    f"{measured[ALONE][0] / measured[ALONE][2]:.0f}"
                ),
            },
        ),
        keep=not arguments.smoke,
    )


if __name__ == "__main__":
    main()
