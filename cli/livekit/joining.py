"""One `interject livekit join`: checks what was asked, joins, plays, prints and records."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from interject.cli.input.whole_sound import read_whole
from interject.cli.livekit.event_lines import VisitLines
from interject.cli.output.output_paths import check_target
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

    from interject.integrations.livekit.jobs.access import Access
    from interject.integrations.livekit.jobs.visitor import Visitor

AGENT_S = 15.0
LINGER_S = 5.0
"""An answer to the end of a sound comes within this time."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A checked request. Without `seconds` it ends after the sound, or with Ctrl-C."""

    access: Access
    room: str
    identity: str
    sound: NDArray[np.int16] | None
    record: Path | None
    seconds: float | None
    dispatch: str | None
    metadata: str
    say: str | None
    json: bool


def read_visit(
    *,
    url: str,
    api_key: str,
    api_secret: str,
    room: str,
    identity: str,
    play: str | None,
    record: str | None,
    seconds: float | None,
    dispatch: str | None,
    metadata: str,
    say: str | None,
    json: bool,
) -> Visit:
    """Check everything that can be checked without the server.

    :raises InputFailure: for the first thing that cannot work.
    """
    access = _access(url, api_key, api_secret)
    if not room or not identity:
        raise InputFailure("--room and --identity: a name is not empty")
    if seconds is not None and not 0 < seconds <= 86_400:
        raise InputFailure(f"--seconds {seconds:g}: must lie between 0 and 86400")
    if dispatch is None and metadata:
        raise InputFailure("--metadata: belongs to --dispatch AGENT; name the agent, too")
    sound = None if play is None else read_whole(play)
    target = None if record is None else Path(record)
    if target is not None:
        check_target(target, [play] if play else [], option="--record")
    return Visit(
        access, room, identity, sound, target, seconds, dispatch, _checked(metadata), say, json
    )


def run(visit: Visit) -> int:
    """Stay for the time asked for, until Ctrl-C, or until the server ends it (exit code 1)."""
    if not os.environ.get(DEBUG_VARIABLE):
        logging.getLogger("livekit").setLevel(logging.CRITICAL)
    return asyncio.run(_visit(visit))


async def _visit(visit: Visit) -> int:
    from interject.integrations.livekit.jobs.dispatching import dispatch
    from interject.integrations.livekit.jobs.visitor import Visitor

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    if visit.dispatch is not None:
        await dispatch(visit.access, visit.room, visit.dispatch, visit.metadata)
    lines = VisitLines(sys.stdout, as_json=visit.json, stop=stop.set)
    with contextlib.ExitStack() as stack:
        on_heard = recording = None
        if visit.record is not None:
            recording = stack.enter_context(StereoWriter(visit.record))
            on_heard = _Recorder(recording).hear
        async with Visitor(
            url=visit.access.url,
            token=visit.access.token(visit.room, visit.identity),
            on_event=lines.show,
            on_heard=on_heard,
        ) as visitor:
            thrown_out = await _stay(visit, visitor, stop)
    if lines.failure is not None:
        raise lines.failure
    if recording is not None and recording.failure is not None:
        complain(f"--record {visit.record}: could not be written ({reason(recording.failure)})")
        return EXIT_BAD_INPUT
    if thrown_out:
        complain("the server ended the visit")
    return EXIT_DIFFERS if thrown_out else 0


async def _stay(visit: Visit, visitor: Visitor, stop: asyncio.Event) -> bool:
    """True when somebody else ended it.

    :raises InputFailure: when the agent that was asked for does not come, or cannot serve.
    """
    began_at = asyncio.get_running_loop().time()
    if visit.dispatch is not None:
        await _meet_agent(visit, visitor, stop)
    waits: list[asyncio.Task[object]] = [
        asyncio.create_task(stop.wait()),
        asyncio.create_task(visitor.gone.wait()),
    ]
    script = asyncio.create_task(_act(visit, visitor))
    try:
        if visit.seconds is None and visit.sound is not None:
            waits.append(script)
        passed_s = asyncio.get_running_loop().time() - began_at
        left_s = None if visit.seconds is None else max(0.0, visit.seconds - passed_s)
        await asyncio.wait(waits, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        if script.done():
            script.result()
        return visitor.gone.is_set()
    finally:
        for task in (*waits, script):
            task.cancel()
        await asyncio.gather(*waits, script, return_exceptions=True)


async def _meet_agent(visit: Visit, visitor: Visitor, stop: asyncio.Event) -> None:
    """Return when it is there, or when the visit is over before."""
    waits: list[asyncio.Task[object]] = [
        asyncio.create_task(stop.wait()),
        asyncio.create_task(visitor.gone.wait()),
        asyncio.create_task(visitor.agent()),
        asyncio.create_task(visitor.unserved.wait()),
    ]
    patience_s = AGENT_S if visit.seconds is None else min(AGENT_S, visit.seconds)
    try:
        done, _ = await asyncio.wait(waits, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waits:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
    if visitor.unserved.is_set():
        raise InputFailure(
            f"an agent came and could not serve this room; the log of the worker "
            f"{visit.dispatch!r} has the reason"
        )
    if not done:
        raise InputFailure(
            f"no agent came within {patience_s:g} s; is a worker registered as "
            f"{visit.dispatch!r}, and has it a free slot?"
        )


async def _act(visit: Visit, visitor: Visitor) -> None:
    if visit.say is not None:
        await visitor.write(visit.say)
    if visit.sound is not None:
        await visitor.play(visit.sound)
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


def _access(url: str, api_key: str, api_secret: str) -> Access:
    try:
        from interject.integrations.livekit.jobs.access import Access
    except ModuleNotFoundError as error:
        raise InputFailure(
            f"rooms need the package {error.name}: pip install 'interject[livekit]'"
        ) from error
    return Access(url, api_key, api_secret)


def _checked(metadata: str) -> str:
    if metadata:
        try:
            json.loads(metadata)
        except ValueError as error:
            raise InputFailure(f"--metadata: no JSON: {error}") from error
    return metadata
