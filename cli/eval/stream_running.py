"""Runs one `interject eval stream`: streams, scenes, perhaps a second run, and the report."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from typing import TYPE_CHECKING

from interject import __version__
from interject.agent.voice import open_voice
from interject.cli.eval.parallel import in_parallel
from interject.cli.eval.report_files import write_report
from interject.cli.eval.scene_playing import SceneSettings, play_scene
from interject.cli.eval.stream_hearing import hear_stream
from interject.cli.eval.stream_picture import draw_streams
from interject.cli.output.item_progress import item_progress
from interject.cli.output.runtime_url import without_password
from interject.cli.process.device_options import note_device
from interject.cli.process.failures import EXIT_BAD_INPUT, InputFailure, complain
from interject.cli.process.signals import StopSignals
from interject.model_runtime import open_runtime
from interject.training.endpoints.http_endpoint import HttpEndpoint
from interject.training.streaming_benchmark.audio_chat_peer import AudioChatPeer
from interject.training.streaming_benchmark.duplex_scene import make_scenes
from interject.training.streaming_benchmark.peer import PeerRuntime
from interject.training.streaming_benchmark.stream_page import stream_page
from interject.training.streaming_benchmark.stream_report import MeasuredThreshold, StreamReport
from interject.training.streaming_benchmark.stream_scores import score_streams
from interject.training.streaming_benchmark.threshold_sweep import recommended, sweep

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.voice import Voice
    from interject.cli.eval.stream_request import StreamRequest
    from interject.config import VoiceSettings
    from interject.model_runtime.protocol import Runtime
    from interject.training.streaming_benchmark.duplex_scores import PlayedScene
    from interject.training.streaming_benchmark.played_stream import PlayedStream
    from interject.training.streams.stream import TrainingStream


def open_for_streams(request: StreamRequest) -> Runtime:
    """An embedded model gets as many slots as streams are played at once."""
    if request.peer is not None:
        peer = AudioChatPeer(HttpEndpoint(request.peer), request.peer)
        return PeerRuntime(peer, request.peer.pace)
    return open_runtime(request.runtime_url, slots=request.sessions, told=note_device)


def run_streams(
    request: StreamRequest,
    *,
    opener: Callable[[StreamRequest], Runtime] = open_for_streams,
    voices: Callable[[VoiceSettings], Voice] = open_voice,
) -> int:
    """Half a run is no result: a signal ends it without a report."""
    with StopSignals() as signals:
        report = asyncio.run(evaluate(request, opener, voices, signals))
        if report is None:
            return signals.exit_code()
        page = stream_page(report)
        sys.stdout.write(page)
        json = report.model_dump_json(indent=1) + "\n"
        written = write_report(request.out, json, page, partial(draw_streams, report))
        return 0 if written else EXIT_BAD_INPUT


async def evaluate(
    request: StreamRequest,
    opener: Callable[[StreamRequest], Runtime],
    voices: Callable[[VoiceSettings], Voice],
    signals: StopSignals,
) -> StreamReport | None:
    """None when a signal came.

    :raises RuntimeFailure: when the runtime cannot be used.
    :raises InputFailure: when no stream could be read.
    """
    stop = asyncio.Event()
    with signals.told(asyncio.get_running_loop(), stop.set):
        runtime = await asyncio.to_thread(opener, request)
        run = _Run(request, runtime, stop)
        try:
            streams = await run.hear_all(request.threshold)
            scenes, skipped = await run.play_scenes(voices)
            measured = await run.measure(streams)
        finally:
            await runtime.aclose()
    if stop.is_set():
        return None
    unreadable = request.streams.unreadable
    if unreadable:
        skipped.append(f"{unreadable} streams, which cannot be read")
    if not streams:
        raise InputFailure(f"{request.dataset}: no stream of it can be read")
    return StreamReport(
        interject=__version__,
        dataset=request.dataset,
        runtime=_name(request),
        graded=request.peer is None,
        system_prompt=request.profile.system_prompt,
        threshold=request.threshold,
        target_false_per_hour=request.target_false_per_hour,
        seed=request.seed,
        tail_s=request.tail_s,
        streams=tuple(streams),
        scenes=tuple(scenes),
        measured=measured,
        skipped=tuple(skipped),
    )


def _name(request: StreamRequest) -> str:
    if request.peer is not None:
        return f"{request.peer.base_url} {request.peer.model}"
    return without_password(request.runtime_url)


class _Run:
    """One runtime, and when to stop."""

    def __init__(self, request: StreamRequest, runtime: Runtime, stop: asyncio.Event) -> None:
        self._request = request
        self._runtime = runtime
        self._stop = stop

    async def hear_all(self, threshold: float) -> list[PlayedStream]:
        request = self._request

        async def hear(stream: TrainingStream) -> PlayedStream:
            played = await hear_stream(
                self._runtime, request.profile, stream, threshold=threshold, tail_s=request.tail_s
            )
            if played.problem:
                complain(f"note: {played.id}: {played.problem}")
            return played

        with item_progress(len(request.streams), sys.stderr) as done:
            return await in_parallel(
                request.streams, hear, at_once=request.sessions, stop=self._stop, done=done
            )

    async def play_scenes(
        self, voices: Callable[[VoiceSettings], Voice]
    ) -> tuple[list[PlayedScene], list[str]]:
        """One after the other, so that the times are those of one call; and what was left out."""
        request = self._request
        if not request.scenes:
            return [], ["scenes in which both may speak (--scenes 0)"]
        profile = request.profile
        if profile.mode != "speak" or "spoken" not in profile.outputs:
            return [], [f"scenes in which both may speak: the profile {profile.name} never speaks"]
        scenes = await asyncio.to_thread(
            make_scenes, request.streams, a_kind=request.scenes, seed=request.seed
        )
        if not scenes:
            return [], ["scenes in which both may speak: the data set has no speech for them"]
        voice = voices(profile.voice)
        settings = SceneSettings(profile, request.threshold, talk_over=request.talk_over)
        try:
            with item_progress(len(scenes), sys.stderr) as done:
                played = await in_parallel(
                    scenes,
                    lambda scene: play_scene(self._runtime, voice, scene, settings),
                    at_once=1,
                    stop=self._stop,
                    done=done,
                )
        finally:
            await voice.aclose()
        return played, []

    async def measure(self, streams: list[PlayedStream]) -> MeasuredThreshold | None:
        """A second run where the sweep of the first recommends another threshold."""
        request = self._request
        best = recommended(sweep(streams), target_false_per_hour=request.target_false_per_hour)
        wanted = request.second_run and request.peer is None
        if best is None or not wanted or self._stop.is_set():
            return None
        if best.threshold != request.threshold:
            streams = await self.hear_all(best.threshold)
        if not streams:
            return None
        figures = score_streams(streams, seed=request.seed)[0].figures
        return MeasuredThreshold(
            threshold=best.threshold,
            recall=figures["recall"].value,
            false_per_hour=figures["false_per_hour"].value or 0.0,
        )
