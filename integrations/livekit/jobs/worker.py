"""A LiveKit agent server whose jobs are Interject in one room each."""

from __future__ import annotations

import asyncio
import functools
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit.agents import AgentServer, AutoSubscribe

from interject.agent.first_of import first_of
from interject.agent.records.store import RecordStore
from interject.agent.voice import VoiceFailure
from interject.config import ProfileError, load_profile
from interject.integrations.conversation.call_follower import CallFacts
from interject.integrations.conversation.free_slots import free_slots
from interject.integrations.conversation.role import Role
from interject.integrations.livekit import PRELOAD
from interject.integrations.livekit.jobs.access import RoomFailure
from interject.integrations.livekit.jobs.admission import Admission
from interject.integrations.livekit.jobs.dispatching import named_profile, read_metadata
from interject.integrations.livekit.jobs.job_recovery import JobRecovery
from interject.integrations.livekit.jobs.log_levels import EndOfRoom
from interject.integrations.livekit.jobs.log_privacy import keep_private
from interject.integrations.livekit.room.posts import CHAT_TOPIC, ERROR_ATTRIBUTES
from interject.integrations.livekit.room.precedence import NOT_ALONE, Precedence
from interject.integrations.livekit.room.room_agent import RoomAgent
from interject.model_runtime import open_runtime
from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from livekit.agents import JobContext, JobRequest

    from interject.integrations.conversation.call_follower import CallsFollower, FollowedCall
    from interject.integrations.conversation.consent_store import ConsentStore, RoomConsent
    from interject.integrations.livekit.jobs.access import Access
    from interject.model_runtime.protocol import Runtime

logger = logging.getLogger(__name__)

AGENT_NAME = "interject"
TELL_TIMEOUT_S = 5.0
LEAVE_TIMEOUT_S = 10.0
ASK_TIMEOUT_S = 3.0
CANNOT_SERVE = "Interject cannot help here; its operator finds the reason in the worker's log."


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What every job of a worker shares. It travels to the job processes.

    `runtime` is one that job processes connect to; a model of their own is none of their business.
    `slots` is how many sessions it has, where this worker is its only user. `profiles` is a folder
    whose files a dispatch may name beside the shipped ones. `consent` outlives a job that dies.
    `records` is a folder for what profiles keep. `follower` makes whoever follows a job's room.
    """

    runtime: str
    profile: str = "default"
    profiles: Path | None = None
    slots: int | None = None
    barge_in: bool = False
    agent_name: str = AGENT_NAME
    drain_timeout_s: int = 3_600
    consent: ConsentStore | None = None
    records: Path | None = None
    follower: Callable[[], AbstractAsyncContextManager[CallsFollower]] | None = None


class _Jobs:
    """The jobs of an `AgentServer`."""

    def __init__(self, server: AgentServer) -> None:
        self._server = server

    @property
    def job_ids(self) -> set[str]:
        return {running.job.id for running in self._server.active_jobs}


class Slots:
    """Asks a runtime how much room it has; opened when first asked, in the loop that asks."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._runtime: Runtime | None = None

    async def free(self) -> int | None:
        """None: it does not say, or not in time."""
        try:
            if self._runtime is None:
                self._runtime = open_runtime(self._url)
            async with asyncio.timeout(ASK_TIMEOUT_S):
                return await free_slots(self._runtime)
        except (TimeoutError, RuntimeFailure) as error:
            logger.warning(
                "The runtime does not say how many slots are free",
                extra={"reason": str(error) or f"no answer within {ASK_TIMEOUT_S:g} s"},
            )
            return None

    async def aclose(self) -> None:
        """Hang up."""
        if self._runtime is not None:
            await self._runtime.aclose()


class RoomServer(AgentServer):
    """LiveKit's `cli.run_app` logs why a server failed, and ends with exit code 0."""

    failure: Exception | None = None

    async def run(self, *, devmode: bool = False, unregistered: bool = False) -> None:
        try:
            await super().run(devmode=devmode, unregistered=unregistered)
        except Exception as error:
            self.failure = error
            raise


def make_server(
    settings: WorkerSettings,
    access: Access,
    *,
    health: tuple[str, int] = ("127.0.0.1", 0),
    metrics: tuple[int, str] | None = None,
) -> RoomServer:
    """Explicit dispatch by name, exact admission, another agent for a room whose job has crashed.

    `health` is where the check of a running worker answers, and `metrics` a second port of that
    host for `/metrics`, with the folder through which job processes share their figures. Run it
    with LiveKit's `cli.run_app`.
    """
    host, port = health
    metrics_port, metrics_folder = metrics or (None, None)
    server = RoomServer(
        ws_url=access.url,
        api_key=access.api_key,
        api_secret=access.api_secret,
        host=host,
        port=port,
        load_threshold=1.0,
        num_idle_processes=1,
        drain_timeout=settings.drain_timeout_s,
        preload_modules=PRELOAD,
        prometheus_port=metrics_port,
        prometheus_multiproc_dir=metrics_folder,
    )
    server.on("worker_started", keep_private)
    jobs = _Jobs(server)
    admission = Admission(jobs, slots=settings.slots, free_slots=Slots(settings.runtime).free)
    recovery = JobRecovery(server, jobs, access, consent=settings.consent)
    server.load_fnc = lambda: admission.load
    server.rtc_session(
        functools.partial(run_job, settings),
        agent_name=settings.agent_name,
        on_request=functools.partial(_on_request, recovery, admission),
    )
    return server


async def _on_request(recovery: JobRecovery, admission: Admission, request: JobRequest) -> None:
    recovery.on_request(request)
    if await admission.on_request(request):
        recovery.follow(request.job)


async def run_job(settings: WorkerSettings, ctx: JobContext) -> None:
    """One room, until it ends. What cannot be done is said in the room and in the log."""
    await ctx.connect(auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)
    logging.getLogger("livekit").addFilter(EndOfRoom(ctx.room))
    staying = asyncio.create_task(_stay(settings, ctx), name="interject-room")

    async def leave() -> None:
        _, late = await asyncio.wait({staying}, timeout=LEAVE_TIMEOUT_S)
        if late:
            staying.cancel()

    ctx.add_shutdown_callback(leave)


def role_for(settings: WorkerSettings, metadata: str) -> Role:
    """:raises RoomFailure, ProfileError: when the dispatch asks for what there is not."""
    wanted, folder = read_metadata(metadata), settings.profiles
    name = wanted.profile
    return Role(
        profile=load_profile(settings.profile) if name is None else named_profile(name, folder),
        runtime=settings.runtime,
        cue_to=wanted.cue_to,
        barge_in=settings.barge_in,
    )


async def _stay(settings: WorkerSettings, ctx: JobContext) -> None:
    try:
        role = role_for(settings, ctx.job.metadata)
        async with Precedence(ctx.room, ctx.job.agent_name or settings.agent_name) as precedence:
            if await precedence.lost():
                ctx.shutdown(reason=NOT_ALONE)
                return
            records = None if settings.records is None else RecordStore(settings.records)
            kept = _kept(settings, ctx)
            async with (
                _following(settings, ctx, role) as followers,
                RoomAgent(ctx.room, role, kept=kept, records=records, followers=followers) as agent,
            ):
                if await first_of(precedence.until_lost(), agent.sessions.ended.wait()) == 0:
                    ctx.shutdown(reason=NOT_ALONE)
                    return
        if agent.sessions.failure is not None:
            raise agent.sessions.failure
    except (RoomFailure, ProfileError, VoiceFailure, RuntimeFailure) as error:
        logger.error("This room cannot be served", extra={"reason": str(error)})
        await _tell(ctx)
        ctx.shutdown(reason="cannot serve the room; the log says why")
    except Exception:
        logger.exception("A room's agent failed")
        ctx.shutdown(reason="the room's agent failed; the log says why")
    else:
        ctx.shutdown(reason="the session has ended")


@asynccontextmanager
async def _following(
    settings: WorkerSettings, ctx: JobContext, role: Role
) -> AsyncIterator[tuple[FollowedCall, ...]]:
    """A room's name is nothing for a log: that knows it by its job."""
    if settings.follower is None:
        yield ()
        return
    facts = CallFacts(ctx.job.id, "livekit", role.profile.name, ctx.room.name)
    async with settings.follower() as follower:
        with follower.follow(facts) as followed:
            yield (followed,)


def _kept(settings: WorkerSettings, ctx: JobContext) -> RoomConsent | None:
    """Read once this is the room's one agent: until then another may still be asked to stop."""
    sid = ctx.job.room.sid
    return settings.consent.room(sid) if settings.consent is not None and sid else None


async def _tell(ctx: JobContext) -> None:
    """Whoever asked for an agent should see that none comes. Why may name the worker's files and
    addresses, and strangers read the room: that is for the log.
    """
    try:
        async with asyncio.timeout(TELL_TIMEOUT_S):
            await ctx.room.local_participant.send_text(
                CANNOT_SERVE,
                topic=CHAT_TOPIC,
                attributes=ERROR_ATTRIBUTES,
            )
    except Exception as error:
        logger.warning("The room could not be told", extra={"error_type": type(error).__name__})
