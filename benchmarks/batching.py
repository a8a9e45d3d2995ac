"""The chunks of sixteen sessions in one step, against sixteen steps of one."""

from __future__ import annotations

import argparse
from functools import partial

from benchmarks.hardware import describe
from benchmarks.result import Result, finish, this_command
from benchmarks.rig import CONTEXT, median, nano_rig
from interject.model_runtime.threads import leave_a_core

BATCHES = (1, 2, 4, 8, 16, 32)
NOTE = (
    f"Shapes of nano, float32, {CONTEXT} positions behind every session, one core left to others "
    "as a worker does. Gain: the cost of as many steps of one session, over the cost of this one "
    "step."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--smoke", action="store_true", help="a quick run that is not kept")
    arguments = parser.parse_args()
    leave_a_core()
    repeats = 2 if arguments.smoke else arguments.repeats

    batches = (1, 16) if arguments.smoke else BATCHES
    rig, context = nano_rig(max(batches), smoke=arguments.smoke)
    rows = []
    one_decision = one_token = 0.0
    for batch in batches:
        decision = median(rig.time_ms(partial(rig.decide, batch, context), repeats))
        token = median(rig.time_ms(partial(rig.decode, batch, context), repeats))
        if batch == 1:
            one_decision, one_token = decision, token
        rows.append(
            [
                str(batch),
                f"{decision:.1f}",
                f"{batch * one_decision / decision:.2f}x",
                f"{token:.1f}",
                f"{batch * one_token / token:.2f}x",
            ]
        )
    gain_of_16 = next(f"{row[2]} (decisions)" for row in rows if row[0] == "16")
    finish(
        Result(
            name="batching",
            title="Batched steps against single ones",
            command=this_command("batching"),
            hardware=describe(),
            columns=[
                "sessions in the step", "decision step, ms", "gain over single steps",
                "reply-token step, ms", "gain over single steps",
            ],
            rows=rows,
            notes=[NOTE],
            headlines={"one step of 16 sessions against 16 steps of one": gain_of_16},
        ),
        keep=not arguments.smoke,
    )  # fmt: skip


if __name__ == "__main__":
    main()
