"""Which platforms may dial in by web sockets, and what each has to be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from interject.cli.process.failures import InputFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from interject.config import Profile
    from interject.integrations.sockets.platform import SocketPlatform
    from interject.integrations.web.bearer import Bearer
    from interject.integrations.web.cue_screens import CueScreens

    MakePlatforms = Callable[["PlatformParts"], Sequence[SocketPlatform]]
    ReadPlatform = Callable[["SocketSurroundings"], MakePlatforms]


@dataclass(frozen=True, slots=True)
class SocketSurroundings:
    """What was configured of the server as a whole."""

    environment: Mapping[str, str]
    public_url: str | None
    insecure_dev: bool


@dataclass(frozen=True, slots=True)
class PlatformParts:
    """What platforms share with the other doors of the server."""

    bearer: Bearer
    screens: CueScreens
    profile: Profile


def read_platforms(
    names: Sequence[str], surroundings: SocketSurroundings
) -> tuple[MakePlatforms, ...]:
    """Their settings are read at once.

    :raises InputFailure: when there is no such platform, or it lacks a package or a setting.
    """
    from interject.integrations.sockets.platform_settings import PlatformSettingsFailure

    asked = [name.strip() for text in names for name in text.split(",")]
    if unknown := next((name for name in asked if name not in _PLATFORMS), None):
        raise InputFailure(
            f"--sockets {unknown}: there is no such platform; there are {', '.join(_PLATFORMS)}"
        )
    try:
        return tuple(_PLATFORMS[name](surroundings) for name in dict.fromkeys(asked) if name)
    except PlatformSettingsFailure as failure:
        raise InputFailure(f"--sockets: {failure}") from None
    except ModuleNotFoundError as error:
        raise InputFailure(
            f"--sockets needs the package {error.name}: pip install 'interject[sockets]'"
        ) from error


def _plain(around: SocketSurroundings) -> MakePlatforms:
    from interject.integrations.sockets.plain.platform import PlainPlatform

    return lambda parts: [PlainPlatform(parts.bearer, parts.screens)]


def _attendee(around: SocketSurroundings) -> MakePlatforms:
    from interject.integrations.sockets.attendee.platform import AttendeePlatform
    from interject.integrations.sockets.attendee.settings import AttendeeSettings

    settings = AttendeeSettings.from_environment(
        around.environment, insecure_dev=around.insecure_dev
    )
    return lambda parts: [AttendeePlatform(settings, parts.screens)]


def _recall(around: SocketSurroundings) -> MakePlatforms:
    from interject.integrations.sockets.recall.platform import RecallPlatform
    from interject.integrations.sockets.recall.settings import RecallSettings

    settings = RecallSettings.from_environment(around.environment, insecure_dev=around.insecure_dev)
    return lambda parts: [RecallPlatform(settings, parts.screens)]


def _audiohook(around: SocketSurroundings) -> MakePlatforms:
    from interject.integrations.sockets.audiohook.platform import audiohook_platforms
    from interject.integrations.sockets.audiohook.settings import AudioHookSettings

    settings = AudioHookSettings.from_environment(
        around.environment, insecure_dev=around.insecure_dev
    )
    host = urlsplit(around.public_url).netloc if around.public_url else None
    return lambda parts: audiohook_platforms(settings, host, parts.screens, parts.profile)


_PLATFORMS: dict[str, ReadPlatform] = {
    "plain": _plain,
    "attendee": _attendee,
    "recall": _recall,
    "audiohook": _audiohook,
}
