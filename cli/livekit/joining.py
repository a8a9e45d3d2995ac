"""Runs one `interject livekit join`: joins, plays, writes, prints and records."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING

from interject.cli.output.event_lines import EventLines
from interject.cli.output.stereo_wav import StereoWriter
from interject.cli.process.failures import (
    DEBUG_VARIABLE,
    EXIT_BAD_INPUT,
    EXIT_DIFFERS,
    InputFailure,
    complain,
    reason,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from interject.cli.livekit.join_request import JoinRequest
    from interject.integrations.livekit.jobs.visitor import Visitor

AGENT_S = 15.0
LINGER_S = 5.0
"""An answer to the end of a sound comes within this time."""


def run(request: JoinRequest) -> int:
    """Stay for the time asked for, until Ctrl-C, or until the server ends it (exit code 1)."""
    if not os.environ.get(DEBUG_VARIABLE):
        logging.getLogger("livekit").setLevel(logging.CRITICAL)
    return asyncio.run(_join(request))


async def _join(request: JoinRequest) -> int:
    from interject.integrations.livekit.jobs.dispatching import dispatch
    from interject.integrations.livekit.jobs.visitor import Visitor

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    if request.dispatch is not None:
        await dispatch(request.access, request.room, request.dispatch, request.metadata)
    lines = EventLines(sys.stdout, as_json=request.json, stop=stop.set)
    with contextlib.ExitStack() as stack:
        on_heard = recording = None
        if request.record is not None:
            recording = stack.enter_context(StereoWriter(request.record))
            on_heard = _Recorder(recording).hear
        async with Visitor(
            url=request.access.url,
            token=request.access.token(request.room, request.identity),
            on_event=lines.show,
            on_heard=on_heard,
        ) as visitor:
            thrown_out = await _stay(request, visitor, stop)
    if lines.failure is not None:
        raise lines.failure
    if recording is not None and recording.failure is not None:
        complain(f"--record {request.record}: could not be written ({reason(recording.failure)})")
        return EXIT_BAD_INPUT
    if thrown_out:
        complain("the server ended the visit")
    return EXIT_DIFFERS if thrown_out else 0


async def _stay(request: JoinRequest, visitor: Visitor, stop: asyncio.Event) -> bool:
    """True when somebody else ended it.

    :raises InputFailure: when the agent that was asked for does not come, or cannot serve.
    """
    began_at = asyncio.get_running_loop().time()
    if request.dispatch is not None:
        await _meet_agent(request, visitor, stop)
    waits: list[asyncio.Task[object]] = [
        asyncio.create_task(stop.wait()),
        asyncio.create_task(visitor.gone.wait()),
    ]
    script = asyncio.create_task(_act(request, visitor))
    try:
        if request.seconds is None and request.sound is not None:
            waits.append(script)
        passed_s = asyncio.get_running_loop().time() - began_at
        left_s = None if request.seconds is None else max(0.0, request.seconds - passed_s)
        await asyncio.wait(waits, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        if script.done():
            script.result()
        return visitor.gone.is_set()
    finally:
        for task in (*waits, script):
            task.cancel()
        await asyncio.gather(*waits, script, return_exceptions=True)


async def _meet_agent(request: JoinRequest, visitor: Visitor, stop: asyncio.Event) -> None:
    """Return when it is there, or when the visit is over before."""
    waits: list[asyncio.Task[object]] = [
        asyncio.create_task(stop.wait()),
        asyncio.create_task(visitor.gone.wait()),
        asyncio.create_task(visitor.agent()),
        asyncio.create_task(visitor.unserved.wait()),
    ]
    patience_s = AGENT_S if request.seconds is None else min(AGENT_S, request.seconds)
    try:
        done, _ = await asyncio.wait(waits, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waits:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
    if visitor.unserved.is_set():
        raise InputFailure(
            f"an agent came and could not serve this room; the log of the worker "
            f"{request.dispatch!r} has the reason"
        )
    if not done:
        raise InputFailure(
            f"no agent came within {patience_s:g} s; is a worker registered as "
            f"{request.dispatch!r}, and has it a free slot?"
        )


async def _act(request: JoinRequest, visitor: Visitor) -> None:
    if request.say is not None:
        await visitor.write(request.say)
    if request.sound is not None:
        await visitor.play(request.sound)
        await asyncio.sleep(LINGER_S)


class _Recorder:
    """Both sides on one clock."""

    def __init__(self, out: StereoWriter) -> None:
        self._out = out
        self._samples = 0

    def hear(self, played: NDArray[np.int16], heard: NDArray[np.int16]) -> None:
        self._out.hear(played)
        self._out.speak(self._samples, heard)
        self._samples += len(heard)
        self._out.settle(self._samples)
