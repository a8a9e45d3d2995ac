"""A checkpoint against golden values, as a table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from interject.cli.process.device_options import note_device
from interject.cli.process.failures import EXIT_DIFFERS, InputFailure

if TYPE_CHECKING:
    from interject.model_runtime.device_choice import DeviceChoice
    from interject.model_runtime.verify import CaseResult

PLAIN_WIDTH = 120
COLUMNS = (
    "case",
    "features",
    "chunks",
    "largest logit error",
    "differing tokens",
    "near ties",
    "result",
)


def verify_checkpoint(
    checkpoint: str, golden: str, *, audio: str | None, choice: DeviceChoice
) -> int:
    """Run every case; the exit code is 1 when any differs.

    :raises RuntimeFailure: when the checkpoint, the JSON or a WAV cannot be read.
    """
    from interject.model_runtime.checkpoint import read_config, resolve
    from interject.model_runtime.loading import plan_model
    from interject.model_runtime.network.architecture import UNGROUPED
    from interject.model_runtime.verify import read_golden, verify

    golden_path = Path(golden)
    if not golden_path.is_file():
        raise InputFailure(f"{golden}: no such file; give the JSON of a reference run")
    audio_path = golden_path.parent if audio is None else Path(audio)
    if not audio_path.is_dir():
        raise InputFailure(f"--audio {audio}: no such folder; give the one with the WAVs")
    cases = read_golden(golden_path)
    plan = plan_model(checkpoint, choice, slots=1)
    if plan.resolved.card is not None:
        note_device(plan.resolved.note)
    tower = read_config(resolve(checkpoint)).tower
    if tower.grouping != UNGROUPED:
        sys.stdout.write(f"It puts {tower.grouping} embeddings together; the cases must, too.\n")
    results = list(verify(resolve(checkpoint), cases, audio_path, load=lambda _: plan.load()))
    _show(results)
    return 0 if all(result.matches for result in results) else EXIT_DIFFERS


def _show(results: list[CaseResult]) -> None:
    out = sys.stdout
    console = Console(file=out, highlight=False, width=None if out.isatty() else PLAIN_WIDTH)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in COLUMNS[:2] else "right")
    for result in results:
        table.add_row(
            result.wav,
            result.features,
            str(result.chunks),
            f"{result.largest_logit_error:.2e} (allowed {result.tolerance:g})",
            str(result.differing_tokens),
            str(result.near_ties),
            "[green]same[/]" if result.matches else "[bold red]differs[/]",
        )
    console.print(table)
    worst = max((result.largest_logit_error for result in results), default=0.0)
    differing = sum(result.differing_tokens for result in results)
    console.print(f"largest logit error {worst:.2e}, {differing} differing tokens")
    ties = sum(result.near_ties for result in results)
    if ties:
        console.print(
            f"near ties: {ties}; rounding decides there, so the reference's choice was taken"
        )
