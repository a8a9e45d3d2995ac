"""What `interject livekit join` was asked to do, checked as far as it can be without the server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from interject.cli.input.whole_sound import read_whole
from interject.cli.output.output_paths import check_target
from interject.cli.process.failures import InputFailure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from interject.integrations.livekit.jobs.access import Access


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """Without `seconds` it ends after the sound, or with Ctrl-C."""

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


def read_join_request(
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
) -> JoinRequest:
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
    return JoinRequest(
        access, room, identity, sound, target, seconds, dispatch, _checked(metadata), say, json
    )


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
