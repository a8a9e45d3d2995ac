"""Runs one `interject eval merges`: each share is merged, evaluated, and thrown away again."""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
import sys
from functools import partial
from typing import TYPE_CHECKING

from interject.agent.voice import open_voice
from interject.cli.eval.merge_picture import draw_merges
from interject.cli.eval.report_files import write_report
from interject.cli.eval.stream_running import evaluate, open_for_streams
from interject.cli.process.failures import EXIT_BAD_INPUT, InputFailure, complain
from interject.cli.process.signals import StopSignals
from interject.training.merging.alpha_sweep import AlphaSweep, SweptAlpha, sweep_page, swept
from interject.training.streaming_benchmark.stream_page import stream_page

if TYPE_CHECKING:
    from pathlib import Path

    from interject.cli.eval.stream_request import StreamRequest
    from interject.training.streaming_benchmark.stream_report import StreamReport

MODEL_FOLDER = "model"


def read_alphas(text: str) -> tuple[float, ...]:
    """:raises InputFailure: when they are not shares with commas between them."""
    try:
        alphas = tuple(float(each) for each in text.split(","))
    except ValueError:
        alphas = ()
    if not alphas or not all(0 <= alpha <= 1 for alpha in alphas):
        raise InputFailure(f"--alphas {text}: must be numbers from 0 to 1, as in 0,0.5,1")
    return tuple(sorted(set(alphas)))


def run_merges(
    request: StreamRequest, first: str, second: str, *, alphas: tuple[float, ...], keep: bool
) -> int:
    """`request` names the runtime's options; its model is each merge in turn.

    :raises RuntimeFailure: when the two cannot be merged.
    """
    found: list[SweptAlpha] = []
    with StopSignals() as signals:
        for alpha in alphas:
            report = _evaluated(request, first, second, alpha, signals, keep=keep)
            if report is None:
                return signals.exit_code()
            found.append(swept(alpha, report))
        sweep = AlphaSweep(first=first, second=second, dataset=request.dataset, alphas=tuple(found))
        page = sweep_page(sweep)
        sys.stdout.write(page)
        json = sweep.model_dump_json(indent=1) + "\n"
        written = write_report(request.out, json, page, partial(draw_merges, sweep))
        return 0 if written else EXIT_BAD_INPUT


def _evaluated(
    request: StreamRequest,
    first: str,
    second: str,
    alpha: float,
    signals: StopSignals,
    *,
    keep: bool,
) -> StreamReport | None:
    from interject.model_runtime.checkpoint import resolve
    from interject.training.merging.core_cocktail import merge

    folder = request.out / f"alpha-{alpha:g}"
    folder.mkdir(exist_ok=True)
    model = folder / MODEL_FOLDER
    merge(resolve(first), resolve(second), model, alpha=alpha)
    complain(f"note: alpha {alpha:g} is merged")
    of_merge = dataclasses.replace(
        request, out=folder, runtime_url=_with_model(request.runtime_url, model)
    )
    try:
        report = asyncio.run(evaluate(of_merge, open_for_streams, open_voice, signals))
    finally:
        if not keep:
            shutil.rmtree(model, ignore_errors=True)
    if report is not None:
        json = report.model_dump_json(indent=1) + "\n"
        for name, text in (("report.json", json), ("report.md", stream_page(report))):
            (folder / name).write_text(text, encoding="utf-8")
    return report


def _with_model(url: str, model: Path) -> str:
    """The device and the like stand behind the question mark."""
    _, question, options = url.partition("?")
    return f"embedded:{model}{question}{options}"
