"""How long the command line takes to answer: `--help`, and the first decision of `listen`."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

import numpy as np

from benchmarks.hardware import describe
from benchmarks.result import Result, finish, this_command

RATE_HZ = 16_000
SECONDS = 4
INTERJECT = [sys.executable, "-m", "interject.cli"]
NOTE = (
    "Wall clock from starting the process: to the end of the help text, or to the line of the "
    "first decision in `listen FILE --json`, with everything imported and the model loaded anew."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--smoke", action="store_true", help="a quick run that is not kept")
    arguments = parser.parse_args()
    repeats = 1 if arguments.smoke else arguments.repeats

    with tempfile.TemporaryDirectory() as folder:
        sound = write_noise(Path(folder) / "noise.wav")
        listen = [*INTERJECT, "listen", str(sound), "--model", arguments.model, "--json"]
        helped = [whole_run_s([*INTERJECT, "--help"]) for _ in range(repeats)]
        decided = [first_decision_s(listen) for _ in range(repeats)]
    finish(
        Result(
            name="startup",
            title="Start",
            command=this_command("startup"),
            hardware=describe(),
            columns=["what", "median, s", "slowest, s", "runs", "limit, s"],
            rows=[
                row("`interject --help`", helped, "0.5"),
                row(f"first decision of `listen` ({arguments.model})", decided, "4"),
            ],
            notes=[NOTE],
            headlines={
                "`interject --help`": f"{statistics.median(helped):.2f} s",
                "process start to first decision": f"{statistics.median(decided):.2f} s",
            },
        ),
        keep=not arguments.smoke,
    )


def row(what: str, times_s: list[float], limit_s: str) -> list[str]:
    median_s, slowest_s = statistics.median(times_s), max(times_s)
    return [what, f"{median_s:.2f}", f"{slowest_s:.2f}", str(len(times_s)), limit_s]


def write_noise(path: Path) -> Path:
    samples = np.random.default_rng(0).normal(0.0, 300.0, SECONDS * RATE_HZ)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def whole_run_s(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def first_decision_s(command: list[str]) -> float:
    """:raises RuntimeError: when the command ends without a decision."""
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ)) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if b'"decision"' in line:
                elapsed_s = time.perf_counter() - started
                process.communicate()
                return elapsed_s
    raise RuntimeError(f"{' '.join(command)} decided nothing")


if __name__ == "__main__":
    main()
