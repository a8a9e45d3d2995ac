"""Runs one `interject eval sounds`: clips, runtime, and the three files of the report."""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
import sys
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from interject import __version__
from interject.agent.options import session_options
from interject.cli.eval.hearing import HeardItem, hear
from interject.cli.eval.parallel import in_parallel
from interject.cli.eval.picture import draw
from interject.cli.eval.report_files import write_report
from interject.cli.eval.semantic_scoring import open_reranker, with_semantic
from interject.cli.input.whole_sound import read_whole
from interject.cli.output.item_progress import item_progress
from interject.cli.output.runtime_url import without_password
from interject.cli.process.device_options import note_device
from interject.cli.process.failures import EXIT_BAD_INPUT, InputFailure, complain
from interject.cli.process.signals import StopSignals
from interject.model_runtime import open_runtime
from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.endpoints.http_endpoint import HttpEndpoint
from interject.training.sound_benchmark.report import ReportedItem, SoundReport, page
from interject.training.sound_benchmark.scoring import ItemOutcome
from interject.training.sound_benchmark.tiers import played

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from interject.cli.eval.request import SoundsRequest
    from interject.model_runtime.protocol import Runtime
    from interject.training.endpoints.settings import EndpointSettings
    from interject.training.sound_benchmark.tiers import BenchmarkItem

LONGEST_STREAM_S = 3_600.0


def open_for(request: SoundsRequest) -> Runtime:
    """An embedded model gets as many slots as streams are played at once."""
    return open_runtime(request.runtime_url, slots=request.sessions, told=note_device)


def run(
    request: SoundsRequest,
    *,
    opener: Callable[[SoundsRequest], Runtime] = open_for,
    connect: Callable[[EndpointSettings], HttpEndpoint] = HttpEndpoint,
) -> int:
    """Half a run is no result: a signal ends it without a report. A reranker that fails costs the
    semantic score, not the run.
    """
    with StopSignals() as signals, open_reranker(request.semantic, connect) as reranker:
        items = asyncio.run(_play_all(request, opener, signals))
        if len(items) < len(request.items):
            return signals.exit_code()
        scored = None if reranker is None else with_semantic(request, items, reranker)
        report = _report(request, scored or items, is_scored=scored is not None)
        sys.stdout.write(page(report))
        json = report.model_dump_json(indent=1) + "\n"
        written = write_report(request.out, json, page(report), partial(draw, report))
        return 0 if written and (reranker is None or scored) else EXIT_BAD_INPUT


async def _play_all(
    request: SoundsRequest, opener: Callable[[SoundsRequest], Runtime], signals: StopSignals
) -> list[ReportedItem]:
    """In the order of the request, or fewer where a signal came."""
    stop = asyncio.Event()
    with signals.told(asyncio.get_running_loop(), stop.set):
        runtime = await asyncio.to_thread(opener, request)

        async def play(item: BenchmarkItem) -> ReportedItem:
            return _reported(item, await _play(request, runtime, item))

        try:
            with item_progress(len(request.items), sys.stderr) as done:
                return await in_parallel(
                    request.items, play, at_once=request.sessions, stop=stop, done=done
                )
        finally:
            await runtime.aclose()


async def _play(request: SoundsRequest, runtime: Runtime, item: BenchmarkItem) -> HeardItem:
    """A clip that cannot be read is missing, which is wrong, and is told."""
    try:
        pcm = await asyncio.to_thread(sound_of, item, seed=request.seed, tail_s=request.tail_s)
    except (InputFailure, OSError) as exc:
        complain(f"note: {exc}")
        return HeardItem(ItemOutcome.MISSING, 0, problem="the clip could not be read")
    # A random name: neither a label nor an earlier run may be in it.
    options = session_options(
        request.profile, f"eval-{secrets.token_hex(8)}", threshold=request.threshold
    )
    heard = await hear(runtime, options, pcm)
    if heard.problem:
        complain(f"note: {item.item_id} ({item.tier}): {heard.problem}")
    return heard


def sound_of(item: BenchmarkItem, *, seed: int, tail_s: float) -> NDArray[np.int16]:
    """16 kHz: the clips one behind the other, then silence.

    :raises InputFailure: when a clip cannot be read.
    """
    clips = [read_whole(str(c.path), most_s=LONGEST_STREAM_S) for c in played(item, seed)]
    return np.concatenate([*clips, np.zeros(round(tail_s * SAMPLE_RATE_HZ), np.int16)])


def _reported(item: BenchmarkItem, heard: HeardItem) -> ReportedItem:
    return ReportedItem(
        id=item.item_id,
        tier=item.tier,
        domain=item.domain,
        label=item.label,
        clips=tuple(clip.clip_id for clip in item.clips),
        **dataclasses.asdict(heard),
    )


def _report(request: SoundsRequest, items: list[ReportedItem], *, is_scored: bool) -> SoundReport:
    return SoundReport(
        interject=__version__,
        folder=request.folder,
        runtime=without_password(request.runtime_url),
        system_prompt=request.profile.system_prompt,
        threshold=request.threshold,
        joined=request.joined,
        seed=request.seed,
        tail_s=request.tail_s,
        reranker=request.semantic.endpoint.model if is_scored and request.semantic else "",
        items=tuple(items),
    )
