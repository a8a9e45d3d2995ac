"""Shows what `interject.training.nano.examine` found out about a model: precision, recall, replies.

The examination itself takes long; this only turns its JSON into a result that is kept.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.hardware import describe
from benchmarks.result import Result, finish

COMMAND = "python -m interject.training.nano.examine nano --cache .cache/nano --json scores.json"
COLUMNS = [
    "streams", "hours", "events to answer", "precision", "recall", "replies right word for word",
    "false replies an hour", "mean delay, chunks",
]  # fmt: skip
NOTE = (
    "Default threshold, through the engine. A reply counts when it begins in the chunk in which "
    "its event ends, or an alarm has lasted two seconds, or in one of the next two; every other "
    "reply is false. Held-out voices are of a synthesiser that training never used; held-out "
    "sounds are made by other means than those of training."
)


def row(name: str, score: dict[str, Any]) -> list[str]:
    """Nothing to answer in a set leaves only false replies to report."""
    wanted = score["wanted"]
    asked = [f"{score[key]:.2f}" for key in ("precision", "recall", "exact_replies")]
    delay = score["mean_late_chunks"]
    return [
        name,
        f"{score['hours']:.2f}",
        str(wanted),
        *(asked if wanted else ["-"] * len(asked)),
        f"{score['false_an_hour']:.1f}",
        "-" if delay is None else f"{delay:.1f}",
    ]


def result(scores: dict[str, dict[str, Any]]) -> Result:
    return Result(
        name="quality",
        title="What nano gets right",
        command=COMMAND,
        hardware=describe(),
        columns=COLUMNS,
        rows=[row(name, score) for name, score in scores.items()],
        notes=[NOTE],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("scores", type=Path, help="what `--json` of the examination wrote")
    arguments = parser.parse_args()
    finish(result(json.loads(arguments.scores.read_text(encoding="utf-8"))), keep=True)


if __name__ == "__main__":
    main()
