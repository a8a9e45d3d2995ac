"""What slots in e4m3 change: the decisions over a long stream, against slots in the model's type.

Nothing is replied, so both hear the same. `--conformance` is the folder with the reference's cases:
its checkpoint is rebuilt and heard as well.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.hardware import describe
from benchmarks.result import Result, finish, this_command
from benchmarks.room import KITCHEN
from interject.cli.bench.sounds import read_recording, rooms_in, speak_recording
from interject.model_runtime.device_choice import DeviceChoice
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.loading import plan_model
from interject.model_runtime.protocol import FRAME_S, Decision, Event, SessionOptions
from interject.model_runtime.verify import read_golden

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.cli.bench.looped_sound import RoomSound

    Margins = np.ndarray[tuple[int], np.dtype[np.float64]]

COLUMNS = [
    "model", "slots", "compared with", "chunks", "to respond", "decisions that differ", "alike",
    "differ of those with a real margin", "the same, threshold at the median",
    "change of the margin, median", "99.9 %", "largest", "margin, median",
]  # fmt: skip
NOTES = [
    (
        "A kitchen and generated speech, half of the chunks each, heard by a session each from its "
        "first chunk; a slot fills within the first minute. The margin is by how much one of the "
        "two logits leads."
    ),
    (
        "A margin is real where it is larger than any change that computing in bfloat16 instead of "
        "float32 makes, slots in the model's own type both times."
    ),
    (
        "Where a model decides the same after every chunk, agreement says only that no change "
        "reached its margin. So decisions are compared once more as if the threshold lay at the "
        "median of the plain margins: half of them would be to respond."
    ),
    (
        "Words of replies are not compared: on the conformance checkpoint, whose weights are "
        "random, the first token that differs changes all that follow."
    ),
]
CHANGES = (
    ("bfloat16", "auto", "float32", "auto"),
    ("float32", "fp8_e4m3", "float32", "auto"),
    ("bfloat16", "fp8_e4m3", "bfloat16", "auto"),
)
NEVER = 1.0


@dataclass(frozen=True)
class Heard:
    """One model, and what a session with it is opened with."""

    name: str
    checkpoint: str
    options: SessionOptions


def margins(
    heard: Heard, choice: DeviceChoice, sounds: Sequence[RoomSound], chunks: int
) -> Margins:
    """By how much each chunk's logit to respond leads, all sounds one after the other."""
    model = plan_model(heard.checkpoint, choice, slots=1).load()
    leads: list[float] = []

    def note(event: Event) -> None:
        if isinstance(event, Decision):
            leads.append(event.respond_logit - event.silent_logit)

    for sound in sounds:
        engine = Engine(model, slots=1, eviction=Eviction.EXACT)
        engine.open(heard.options, note)
        for seq in range(chunks):
            engine.push(heard.options.session_id, sound.frame(seq, seq * FRAME_S))
            while engine.step():
                pass
    return np.array(leads)


def really_differ(found: Margins, plain: Margins, noise: float) -> str:
    real = np.abs(plain) > noise
    return f"{((found > 0) != (plain > 0))[real].sum()} of {real.sum()}"


def row(
    heard: Heard, slots: str, compared: str, found: Margins, plain: Margins, noise: float
) -> list[str]:
    """`noise` is what a real margin exceeds."""
    middle = np.median(plain)
    change, differs = np.abs(found - plain), (found > 0) != (plain > 0)
    return [
        heard.name, slots, compared, str(len(plain)), str((plain > 0).sum()), str(differs.sum()),
        f"{100 * (1 - differs.mean()):.2f} %",
        really_differ(found, plain, noise), really_differ(found - middle, plain - middle, noise),
        f"{np.median(change):.3f}", f"{np.percentile(change, 99.9):.3f}", f"{change.max():.3f}",
        f"{np.median(np.abs(plain)):.2f}",
    ]  # fmt: skip


def compare(heard: Heard, device: str, sounds: Sequence[RoomSound], chunks: int) -> list[list[str]]:
    """A row for each of CHANGES."""
    found: dict[tuple[str, str], Margins] = {}
    for kind in dict.fromkeys(pair for a, b, c, d in CHANGES for pair in ((a, b), (c, d))):
        dtype, slots = kind
        choice = DeviceChoice(device, dtype, kv_cache_dtype=slots)
        found[kind] = margins(heard, choice, sounds, chunks)
        print(f"{heard.name}, {dtype}, slots {slots}: heard", flush=True)
    noise = float(np.abs(found["bfloat16", "auto"] - found["float32", "auto"]).max())
    return [
        row(
            heard, _said(dtype, slots), _said(other, others), found[dtype, slots],
            found[other, others], noise,
        )
        for dtype, slots, other, others in CHANGES
    ]  # fmt: skip


def _said(dtype: str, slots: str) -> str:
    return dtype if slots == "auto" else f"{slots}, else {dtype}"


def conformance(folder: Path, target: Path) -> Heard:
    """Rebuilt as its README says."""
    script = folder / "tiny_checkpoint.py"
    command = [sys.executable, str(script), str(target), "--seed", "5", "--silence-bias", "2"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    prompt = tuple(read_golden(folder / "golden.json").prompt_ids)
    options = SessionOptions("a", prompt_ids=prompt, threshold=NEVER)
    return Heard("conformance checkpoint", str(target), options)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30.0, help="of sound for each model")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--conformance", type=Path, default=Path("tests/conformance"))
    parser.add_argument("--smoke", action="store_true", help="a quick run that is not kept")
    arguments = parser.parse_args()
    recordings = [read_recording(str(KITCHEN)), asyncio.run(speak_recording())]
    sounds = rooms_in(recordings, len(recordings))
    chunks = 8 if arguments.smoke else round(60 * arguments.minutes / FRAME_S / len(sounds))
    with tempfile.TemporaryDirectory() as folder:
        heard = [
            Heard("nano", "nano", SessionOptions("a", threshold=NEVER)),
            conformance(arguments.conformance, Path(folder) / "tiny"),
        ]
        rows = [line for one in heard for line in compare(one, arguments.device, sounds, chunks)]
    finish(
        Result(
            name="kv_cache_dtype",
            title="Slots in eight bits",
            command=this_command("kv_cache_dtype"),
            hardware=describe(),
            columns=COLUMNS,
            rows=rows,
            notes=NOTES,
        ),
        keep=not arguments.smoke,
    )


if __name__ == "__main__":
    main()
