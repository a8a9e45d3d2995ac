"""The two agents of `livekit_voice` as LiveKit workers, each a program of its own.

    python -m benchmarks.livekit_agents interject --url URL --api-key KEY --api-secret SECRET ...

Interject's job is the one of `interject livekit start`; beside it a log notes what happens when.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

from livekit.agents import AgentServer, cli

from benchmarks.livekit_cascade import run_cascade
from interject.integrations.livekit import PRELOAD
from interject.integrations.livekit.jobs.worker import WorkerSettings, run_job
from interject.integrations.livekit.realtime import RealtimeSession
from interject.model_runtime.local.process import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from livekit.agents import AgentSession, JobContext, JobRequest

    from interject.model_runtime.protocol import Decision

INTERJECT, CASCADE = "interject", "cascade"
READY = "registered worker"
_POLL_S = 0.02


class Log:
    """Lines of JSON, each with seconds on the monotonic clock, which all processes share."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "a", buffering=1, encoding="utf-8")  # noqa: SIM115
        self._wall_s = time.time() - time.monotonic()

    def note(self, what: str, at: float | None = None, **fields: object) -> None:
        when = time.monotonic() if at is None else at
        self._file.write(json.dumps({"what": what, "at": when, **fields}) + "\n")

    def note_wall(self, what: str, at: float) -> None:
        """`at`: seconds since 1970."""
        self.note(what, at - self._wall_s)


def watch(session: AgentSession[Any], realtime: RealtimeSession, log: Log) -> None:
    """Note when a reply was decided, when its first text and its first sound were there."""
    started_at = 0.0

    def decided(decision: Decision) -> None:
        if decision.respond:
            log.note("decided", pushed_at=time.monotonic() - decision.queued_s)

    def reply_started(*_: object) -> None:
        nonlocal started_at
        started_at = time.monotonic()

    def replied(metrics: Any) -> None:
        log.note("text", started_at + metrics.ttft)

    def spoken(metrics: Any) -> None:
        log.note_wall("sound", metrics.timestamp - metrics.duration + metrics.ttfb)

    realtime.on("interject_decision", decided)
    realtime.on("interject_reply_started", reply_started)
    realtime.on("metrics_collected", replied)
    if session.tts is not None:
        session.tts.on("metrics_collected", spoken)
    if session.output.audio is not None:
        session.output.audio.on(
            "playback_started", lambda event: log.note_wall("played", event.created_at)
        )
    log.note("watching")


async def run_interject(settings: WorkerSettings, path: str, ctx: JobContext) -> None:
    await run_job(settings, ctx)
    while True:
        await asyncio.sleep(_POLL_S)
        try:
            session = ctx.primary_session
            realtime = session.current_agent.realtime_llm_session
        except RuntimeError:
            continue
        if isinstance(realtime, RealtimeSession):
            watch(session, realtime, Log(path))
            return


async def accept(identity: str, request: JobRequest) -> None:
    await request.accept(identity=identity)


def serve(given: argparse.Namespace, job: Callable[[JobContext], Awaitable[None]]) -> None:
    """Take every job, however busy the machine is."""
    server = AgentServer(
        ws_url=given.url,
        api_key=given.api_key,
        api_secret=given.api_secret,
        host="127.0.0.1",
        port=0,
        load_fnc=lambda: 0.0,
        num_idle_processes=1,
        preload_modules=[*PRELOAD, __name__],
    )
    server.rtc_session(job, agent_name=given.side, on_request=functools.partial(accept, given.side))
    sys.argv = ["livekit_agents", "start"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        cli.run_app(server)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("side", choices=(INTERJECT, CASCADE))
    parser.add_argument("--url", required=True)
    parser.add_argument("--api-key", required=True)
    parser.add_argument("--api-secret", required=True)
    parser.add_argument("--speaker", required=True, help="whom the cascade listens to")
    parser.add_argument("--log", required=True)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--profile", default="default", help="what Interject is to do")
    given = parser.parse_args()
    if given.side == CASCADE:
        serve(given, functools.partial(run_cascade, given.speaker))
        return
    with ServerProcess(given.model, slots=1) as model:
        settings = WorkerSettings(runtime=model.url, profile=given.profile)
        serve(given, functools.partial(run_interject, settings, given.log))


if __name__ == "__main__":
    # Job processes look their entry point up by the module's name.
    from benchmarks import livekit_agents

    livekit_agents.main()
