"""The one call of a LiveKit agent's entry point."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from interject.integrations.conversation.consent_store import ConsentStore
from interject.integrations.conversation.role import DEFAULT_RUNTIME
from interject.integrations.livekit.jobs.worker import WorkerSettings, run_job
from interject.integrations.livekit.model import DEFAULT_PROFILE

if TYPE_CHECKING:
    from livekit.agents import JobContext


async def start(
    ctx: JobContext,
    *,
    runtime: str = DEFAULT_RUNTIME,
    profile: str | Path = DEFAULT_PROFILE,
    profiles: str | Path | None = None,
    barge_in: bool = False,
    consent_folder: str | Path | None = None,
) -> None:
    """Join the job's room, hear everybody in it, and stay until it ends.

    What cannot be done is said in the room, and why in the log. A profile that the dispatch's
    metadata names comes before `profile`: a shipped one, or one of the folder `profiles`. Each job
    has a model process of its own unless `runtime` is one that several can use
    (`local:unix:SOCKET`, `redis://...`), as `interject livekit` arranges it.
    What was stopped in the room stays stopped for the next job that names the
    same `consent_folder`.

    :raises OSError: when that folder cannot be used.
    """
    folder = consent_folder
    settings = WorkerSettings(
        runtime=runtime,
        profile=str(profile),
        profiles=None if profiles is None else Path(profiles),
        barge_in=barge_in,
        consent=None if folder is None else ConsentStore.at(folder),
    )
    await run_job(settings, ctx)
