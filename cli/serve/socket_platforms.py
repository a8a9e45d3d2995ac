"""Which platforms may dial in by web sockets, and what each has to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.cli.process.failures import InputFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from interject.integrations.sockets.platform import SocketPlatform
    from interject.integrations.web.bearer import Bearer
    from interject.integrations.web.cue_screens import CueScreens

    MakePlatform = Callable[[Bearer, CueScreens], SocketPlatform]
    ReadPlatform = Callable[[Mapping[str, str], bool], MakePlatform]


def read_platforms(
    names: Sequence[str], environment: Mapping[str, str], *, insecure_dev: bool
) -> tuple[MakePlatform, ...]:
    """Their settings are read at once.

    :raises InputFailure: when there is no such platform, or it lacks a setting.
    """
    from interject.integrations.sockets.platform_settings import PlatformSettingsFailure

    asked = [name.strip() for text in names for name in text.split(",")]
    if unknown := next((name for name in asked if name not in _PLATFORMS), None):
        raise InputFailure(
            f"--sockets {unknown}: there is no such platform; there are {', '.join(_PLATFORMS)}"
        )
    try:
        return tuple(
            _PLATFORMS[name](environment, insecure_dev) for name in dict.fromkeys(asked) if name
        )
    except PlatformSettingsFailure as failure:
        raise InputFailure(f"--sockets: {failure}") from None


def _plain(environment: Mapping[str, str], insecure_dev: bool) -> MakePlatform:
    from interject.integrations.sockets.plain.platform import PlainPlatform

    return PlainPlatform


def _attendee(environment: Mapping[str, str], insecure_dev: bool) -> MakePlatform:
    from interject.integrations.sockets.attendee.platform import AttendeePlatform
    from interject.integrations.sockets.attendee.settings import AttendeeSettings

    settings = AttendeeSettings.from_environment(environment, insecure_dev=insecure_dev)
    return lambda _bearer, screens: AttendeePlatform(settings, screens)


_PLATFORMS: dict[str, ReadPlatform] = {"plain": _plain, "attendee": _attendee}
