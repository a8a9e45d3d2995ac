"""What takes the agent's own voice out of the sound of calls, where the profile wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.cli.process.failures import InputFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.config import Profile
    from interject.integrations.audio.echo import EchoProcessor


def echo_maker(profile: Profile) -> Callable[[], EchoProcessor] | None:
    """WebRTC's canceller is taken from LiveKit's SDK, which other servers need not have.

    :raises InputFailure: when the profile wants it and it is not installed.
    """
    if not profile.room.echo_cancellation:
        return None
    try:
        from interject.integrations.livekit.room.webrtc_echo import WebRtcEcho
    except ModuleNotFoundError as error:
        raise InputFailure(
            f"room.echo_cancellation needs the package {error.name}: pip install "
            "'interject[livekit]', or set it to false in the profile"
        ) from error
    return WebRtcEcho
