"""Both models of `benchmarks.grouping` beside each other, as they were examined.

Each of DIR/1 and DIR/5 holds `streams.json` and `recordings.json` of
`interject.training.nano.examine`. `--load` measures first how many streams either decides for in
time; it needs a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from benchmarks.grouping import COMPARED, STEPS_FILE
from benchmarks.hardware import describe
from benchmarks.load import RAMP, ramp
from benchmarks.result import Result, finish
from interject.model_runtime.checkpoint import read_config
from interject.model_runtime.network.architecture import DecoderShape, TowerShape
from interject.training.nano.recorded_examination import measures
from interject.training.nano.trainer import MODEL_FOLDER

LOAD_FILE = "load.json"
NOT_MEASURED = "not measured"
RELEASED_CONTEXT = DecoderShape().context
NOTE = (
    "Both began with the weights that ship, which are used to an embedding of each 40 ms; one had "
    "its embeddings put together from then on, by their mean and an identity. Then both learnt the "
    "same streams, step by step, in one process on one core of a machine that did much else. So "
    "this says how much of what nano knows comes back after so few hours, and what a step and a "
    "session cost; not what a model would know that had learnt in this way from the first hour."
)


def measure_load(folder: Path, seconds: float) -> None:
    """For listeners alone, which nano's two cores are for most of the time."""
    found = {}
    for grouping in COMPARED:
        model = f"embedded:{folder / str(grouping) / MODEL_FOLDER}"
        plan = argparse.Namespace(model=model, talk=[0.0], streams=list(RAMP), seconds=seconds)
        _, capacities = asyncio.run(ramp(plan))
        (found[str(grouping)],) = capacities.values()
    (folder / LOAD_FILE).write_text(json.dumps(found, indent=1) + "\n")


def read(path: Path) -> dict[str, Any]:
    """Nothing, where nobody has measured it."""
    return json.loads(path.read_text()) if path.is_file() else {}


def column(folder: Path, grouping: int) -> dict[str, str]:
    """All that is known of one of the models, by what it is."""
    own = folder / str(grouping)
    config, steps = read_config(own / MODEL_FOLDER), read(folder / STEPS_FILE)
    cost = steps["of_grouping"][str(grouping)]
    released_s = config.with_context(RELEASED_CONTEXT).remembered_s
    found = {
        "positions of a chunk": str(config.tower.chunk_positions),
        f"a slot of {config.decoder.context:,} positions holds": f"{config.remembered_s:.0f} s",
        f"a slot of {RELEASED_CONTEXT:,} would hold": f"{released_s:.0f} s",
        "a step of training, CPU time": f"{cost['step_cpu_s']:.2f} s",
        "concurrent streams on this machine": read(folder / LOAD_FILE).get(
            str(grouping), NOT_MEASURED
        ),
    }
    for name, score in read(own / "streams.json").items():
        found |= _of_streams(name, score)
    for scores in read(own / "recordings.json").values():
        known = dict(measures(scores)).items()
        found |= {name: value for name, value in known if not name.startswith("- ")}
    return found


def _of_streams(name: str, score: dict[str, Any]) -> dict[str, str]:
    found = {f"{name}: false replies an hour": f"{score['false_an_hour']:.0f}"}
    if score["wanted"]:
        found |= {
            f"{name}: precision": f"{score['precision']:.2f}",
            f"{name}: recall, of {score['wanted']}": f"{score['recall']:.2f}",
            f"{name}: replies right word for word": f"{score['exact_replies']:.2f}",
            f"{name}: mean delay, chunks": f"{score['mean_late_chunks']:.2f}",
        }
    return found


def result(folder: Path) -> Result:
    one, other = (column(folder, grouping) for grouping in COMPARED)
    towers = [TowerShape(grouping=grouping) for grouping in COMPARED]
    steps = read(folder / STEPS_FILE)
    learnt = f"Both learnt from {steps['steps']} steps, {steps['heard_h']:.1f} hours of sound."
    return Result(
        name="grouping",
        title="nano with an embedding of each 40 ms, and of each 200 ms",
        command="python -m benchmarks.grouping_table DIR",
        hardware=describe(),
        columns=["measure", *(f"{1e3 * tower.embedding_s:.0f} ms" for tower in towers)],
        rows=[[name, value, other.get(name, NOT_MEASURED)] for name, value in one.items()],
        notes=[learnt, NOTE],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--load", action="store_true", help="measure streams in time first")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each load")
    parser.add_argument("--smoke", action="store_true", help="keep nothing")
    given = parser.parse_args()
    if given.load:
        measure_load(given.folder, given.seconds)
    finish(result(given.folder), keep=not given.smoke)


if __name__ == "__main__":
    main()
