"""Asking for an agent by name, and what the asking says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
from livekit import api
from pydantic import Field, ValidationError

from interject.config.strict import StrictModel
from interject.integrations.livekit.jobs.access import NOBODY_THERE, RoomFailure

if TYPE_CHECKING:
    from interject.integrations.livekit.jobs.access import Access


class DispatchMetadata(StrictModel):
    """The JSON of a dispatch. What is left out is decided by the worker and the profile.

    `profile` is a shipped profile's name or a path on the worker's machine; `cue_to` names who is
    shown cues.
    """

    profile: str | None = Field(default=None, min_length=1, max_length=1_000)
    cue_to: tuple[str, ...] | None = Field(default=None, strict=False)


def read_metadata(text: str) -> DispatchMetadata:
    """:raises RoomFailure: when it is not what a dispatch may say."""
    if not text.strip():
        return DispatchMetadata()
    try:
        return DispatchMetadata.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the whole"
        known = ", ".join(DispatchMetadata.model_fields)
        raise RoomFailure(
            f"the dispatch's metadata cannot be used: {where}: {problem['msg']}; "
            f"it is JSON with the keys {known}"
        ) from None


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
