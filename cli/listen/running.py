"""Runs one `interject listen`: source, runtime, agent, displays and files, wired together."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from interject.agent.session import AgentSession
from interject.agent.sinks import TimelineSink
from interject.agent.soundboard.soundboard import plays_aloud
from interject.agent.voice import SilentVoice, choose_voice, open_voice
from interject.cli.listen.cue_reader import CueReader
from interject.cli.listen.file_sounds import FileSounds
from interject.cli.listen.listen_session import ListenSession
from interject.cli.listen.request import Speed
from interject.cli.listen.responder_complaints import responder_complaints
from interject.cli.listen.terminal_operator import TerminalOperator
from interject.cli.output.json_lines import JsonLines
from interject.cli.output.live_table import LiveTable
from interject.cli.output.plot_data import PlotData
from interject.cli.output.session_counts import SessionCounts
from interject.cli.output.session_observers import SessionObservers
from interject.cli.output.session_recording import SessionRecording
from interject.cli.output.summary_file import write_summary
from interject.cli.output.watched_voice import WatchedVoice
from interject.cli.process.device_options import note_device
from interject.cli.process.failures import (
    EXIT_BAD_INPUT,
    InputFailure,
    OutputClosed,
    attempt,
    complain,
    reason,
    silence,
)
from interject.cli.process.records_folder import swept, without_effect
from interject.cli.process.signals import StopSignals
from interject.model_runtime import open_runtime

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from interject.agent.records.session_recorder import SessionRecorder
    from interject.agent.responder.responder import Responder
    from interject.agent.sinks import AudioSink
    from interject.agent.voice import Voice
    from interject.cli.listen.request import ListenRequest
    from interject.cli.output.display import Display
    from interject.config import Profile
    from interject.model_runtime.protocol import Runtime


async def open_by_url(url: str) -> Runtime:
    """Import torch and load the model in a thread, so that Ctrl-C is heard meanwhile."""
    return await asyncio.to_thread(open_runtime, url, told=note_device)


def run(
    request: ListenRequest, *, opener: Callable[[str], Awaitable[Runtime]] = open_by_url
) -> int:
    """Listen to the end, to a signal, or until nobody reads the output; write the files always."""
    plot_data = PlotData(threshold=request.profile.threshold) if request.plot else None
    sounds = _sounds(request)
    recording = SessionRecording(request.out, plot_data, sounds)
    observers = SessionObservers(_display(request), SessionCounts(time.monotonic), plot_data)
    listening = ListenSession(
        request.source,
        recording=recording,
        observers=observers,
        real_time=request.speed is Speed.REALTIME,
        clock=time.monotonic,
        stop_replies=request.profile.room.stop_replies,
    )
    known = _tell(listening.notices)
    if said := without_effect(request.records, request.profile):
        complain(f"note: {said[0]} has no effect: {said[1]}")
    with StopSignals() as signals, swept(request.records), responder_complaints():
        try:
            asyncio.run(_listen(request, listening, recording, observers, sounds, opener, signals))
        finally:
            recording.close()
            written = _write(request, listening, recording, observers, plot_data)
        _tell(listening.notices[known:])
        if observers.left:
            raise OutputClosed
        return signals.exit_code() or (0 if written else EXIT_BAD_INPUT)


async def _listen(
    request: ListenRequest,
    listening: ListenSession,
    recording: SessionRecording,
    observers: SessionObservers,
    sounds: FileSounds | None,
    opener: Callable[[str], Awaitable[Runtime]],
    signals: StopSignals,
) -> None:
    with signals.told(asyncio.get_running_loop(), listening.interrupt):
        async with AsyncExitStack() as stack:
            voice = _voice(request, recording)
            stack.push_async_callback(voice.aclose)
            runtime, responder = await _runtime(request, opener, stack)
            record = observers.record = _record(request, recording, stack)
            watched = WatchedVoice(voice, listening.progress.touch)
            clock = time.monotonic if request.source.live else listening.progress.clock
            cues = CueReader(request.profile, request.source.name, observers, clock, sounds)
            session = AgentSession(
                runtime if record is None else record.around(runtime),
                _profile(request),
                voice=voice if isinstance(voice, SilentVoice) else watched,
                sink=_sink(request, listening, recording, stack),
                outputs=(cues,),
                clock=clock,
                watcher=cues,
                observer=cues.beside(listening.observe),
                pacing=listening.pacing,
                prompt_ids=request.prompt_ids,
                responder=responder,
                operator=TerminalOperator(sys.stdin),
            )
            async with session:
                recording.open()
                cues.begin()
                await listening.run(session, voice_busy=lambda: watched.busy)
            cues.finish()


async def _runtime(
    request: ListenRequest, opener: Callable[[str], Awaitable[Runtime]], stack: AsyncExitStack
) -> tuple[Runtime, Responder | None]:
    """With telemetry both are watched; without, the session opens its profile's responder."""
    runtime = await opener(request.runtime_url)
    stack.push_async_callback(runtime.aclose)
    if request.telemetry is None:
        return runtime, None
    from interject.agent.responder.responder import open_responder
    from interject.cli.process.responder_spans import ResponderSpans
    from interject.integrations.conversation.responder_metrics import ResponderMetrics
    from interject.model_runtime.telemetry.serving import media_telemetry

    telemetry = await stack.enter_async_context(media_telemetry(request.telemetry, runtime))
    metrics = ResponderMetrics(telemetry.registry, ResponderSpans(telemetry.tracer))
    responder = open_responder(request.profile, watch=metrics)
    if responder is not None:
        stack.push_async_callback(responder.aclose)
    return telemetry.runtime, responder


def _record(
    request: ListenRequest, recording: SessionRecording, stack: AsyncExitStack
) -> SessionRecorder | None:
    """Of a session that has a model; a file's is as long as the file, however fast it is heard.

    :raises InputFailure: when something is to be kept and cannot be.
    """
    if request.records is None or without_effect(request.records, request.profile):
        return None
    logging.getLogger("interject.agent.records").setLevel(logging.CRITICAL)  # One line is ours.
    record = request.records.begin(request.profile, request.source.name)
    if record is None:
        raise InputFailure(f"--records {request.records.folder}: cannot be written")
    stack.callback(lambda: record.close(seconds=recording.heard_s))
    return record


def _sink(
    request: ListenRequest,
    listening: ListenSession,
    recording: SessionRecording,
    stack: AsyncExitStack,
) -> AudioSink:
    """A microphone is answered aloud; a file is answered on its own time."""
    if not request.source.live:
        return TimelineSink(recording.on_sound)
    from interject.cli.listen.loudspeaker import Loudspeaker

    loudspeaker = Loudspeaker(recording, listening.since_start_s)
    stack.callback(loudspeaker.close)
    return loudspeaker


def _sounds(request: ListenRequest) -> FileSounds | None:
    """What is played has a track in the file, where there is one; else it is only shown."""
    if not plays_aloud(request.profile):
        return None
    if request.source.live or request.out is None:
        complain("note: sounds are shown and not played; --out FILE gets them, of a sound file")
        return None
    return FileSounds(request.profile)


def _profile(request: ListenRequest) -> Profile:
    """With a prompt given as ids a reference is being reproduced: nothing but the model decides."""
    profile = request.profile
    if request.prompt_ids is None:
        return profile
    return profile.model_copy(
        update={"reply": profile.reply.model_copy(update={"unprompted_per_minute": None})}
    )


def _display(request: ListenRequest) -> Display:
    return JsonLines(sys.stdout) if request.json else LiveTable(sys.stdout)


def _write(
    request: ListenRequest,
    listening: ListenSession,
    recording: SessionRecording,
    observers: SessionObservers,
    plot_data: PlotData | None,
) -> bool:
    """Finish every output, whatever becomes of the others; whether all of them are whole."""
    whole = True
    if recording.failure is not None:
        complain(f"--out {request.out}: could not be written ({reason(recording.failure)})")
        whole = False
    if not recording.heard_samples and not listening.interrupted:
        return whole
    if request.plot is not None and plot_data is not None:
        whole &= attempt(f"--plot {request.plot}", lambda: _draw(request, plot_data))
    path, summary = request.summary, observers.summary
    if path is not None and summary is not None:
        whole &= attempt(f"--summary {path}", lambda: write_summary(path, summary))
    if request.records is not None and observers.record and observers.record.failure:
        complain(
            f"--records {request.records.folder}: could not be written "
            f"({reason(observers.record.failure)})"
        )
        whole = False
    observers.finish(
        heard_s=recording.heard_s,
        nonfinite_samples=listening.converter.nonfinite_samples,
        interrupted=listening.interrupted,
        notices=listening.notices,
    )
    if observers.failure is not None and not observers.left:
        silence(1)
        complain(f"standard output: could not be written ({reason(observers.failure)})")
        whole = False
    return whole


def _tell(notices: Sequence[str]) -> int:
    """How many there were."""
    for notice in notices:
        complain(f"note: {notice}")
    return len(notices)


def _voice(request: ListenRequest, recording: SessionRecording) -> Voice:
    """The profile's voice, or silence when nobody will ever hear it."""
    audible = recording.wants_speech or request.source.live
    if audible and "spoken" in request.profile.outputs:
        chosen = choose_voice(request.profile.voice)
        if chosen.fault:
            complain(f"note: {chosen.fault}; {chosen.label} speaks in its place")
        elif chosen.installed is not None:
            complain(f"note: the voice is {chosen.label}")
        return open_voice(request.profile.voice)
    return SilentVoice()


def _draw(request: ListenRequest, plot_data: PlotData) -> None:
    from interject.cli.output.plot import draw

    assert request.plot is not None, "only a picture that was asked for is drawn"
    draw(plot_data, request.plot, title=Path(request.source.name).name)
