"""Asking for an agent by name, and what the asking says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
from livekit import api
from pydantic import Field, ValidationError

from interject.config import load_profile, shipped_profiles
from interject.config.lists import Names
from interject.config.problems import in_words
from interject.config.strict import StrictModel
from interject.integrations.livekit.jobs.access import NOBODY_THERE, RoomFailure

if TYPE_CHECKING:
    from pathlib import Path

    from interject.config import Profile
    from interject.integrations.livekit.jobs.access import Access


class DispatchMetadata(StrictModel):
    """The JSON of a dispatch. What is left out is decided by the worker and the profile.

    `profile` is a name, never a path: of a shipped profile, or of a file in the worker's folder of
    profiles; `cue_to` names who is shown cues.
    """

    profile: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$")
    cue_to: Names | None = Field(default=None, strict=False)


def read_metadata(text: str) -> DispatchMetadata:
    """:raises RoomFailure: when it is not what a dispatch may say."""
    if not text.strip():
        return DispatchMetadata()
    try:
        return DispatchMetadata.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the whole"
        known = ", ".join(DispatchMetadata.model_fields)
        raise RoomFailure(
            f"the dispatch's metadata cannot be used: {where}: {in_words(problem)}; "
            f"it is JSON with the keys {known}"
        ) from None


def named_profile(name: str, folder: Path | None) -> Profile:
    """A dispatch comes from outside: it may choose, and not read the worker's files.

    :raises RoomFailure: when neither `folder` nor Interject has such a profile.
    :raises ProfileError: when its file is wrong.
    """
    if folder is not None and (own := folder / f"{name}.yaml").is_file():
        return load_profile(own)
    if name in shipped_profiles():
        return load_profile(name)
    where = "shipped" if folder is None else f"shipped or in {folder}"
    raise RoomFailure(f"no profile that is {where} is called {name!r}")


async def dispatch(access: Access, room: str, agent_name: str, metadata: str = "") -> None:
    """Ask the server to send an agent into a room, which is made when it is not there.

    :raises RoomFailure: when the server is not there, or refuses.
    """
    request = api.CreateAgentDispatchRequest(agent_name=agent_name, room=room, metadata=metadata)
    try:
        async with api.LiveKitAPI(access.url, access.api_key, access.api_secret) as service:
            await service.agent_dispatch.create_dispatch(request)
    except api.TwirpError as error:
        raise RoomFailure(
            f"{access.url}: the server refuses to dispatch {agent_name!r} ({error.code}); "
            "check the key pair"
        ) from None
    except (aiohttp.ClientError, TimeoutError):
        raise RoomFailure(f"{access.url}: {NOBODY_THERE}") from None
