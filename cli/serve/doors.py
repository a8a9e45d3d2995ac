"""Which doors a server has, from what was asked for and what is installed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pydantic import ValidationError

from interject.cli.process.failures import InputFailure
from interject.cli.serve.socket_platforms import (
    PlatformParts,
    SocketSurroundings,
    read_platforms,
)
from interject.cli.serve.variables import TURN_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from interject.cli.serve.exposure import Exposure
    from interject.cli.serve.options import ServeOptions
    from interject.integrations.conversation.switchboard import Switchboard
    from interject.integrations.twilio.settings import TwilioSettings
    from interject.integrations.web.bearer import Bearer
    from interject.integrations.web.cue_screens import CueScreens
    from interject.integrations.web.door import Door
    from interject.integrations.webrtc.settings import WebRtcSettings

EXPECTED = {
    "stun": "give stun:host:port, as in stun:stun.example.org:3478",
    "turn": "give turn:host:port, as in turn:turn.example.org:3478, or turns: with TLS",
}
NO_SUCH_FORM, BAD_ACCOUNT = "string_pattern_mismatch", "account"


class Doors:
    """Settings are read before anything is loaded, so that what is wrong is told at once."""

    def __init__(
        self,
        options: ServeOptions,
        exposure: Exposure,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """:raises InputFailure: when a door lacks a package or a setting, or there is none."""
        self._twilio = _twilio_settings(options, exposure, environment)
        self._sockets = read_platforms(
            options.sockets,
            SocketSurroundings(environment, exposure.public_url, options.insecure_dev),
        )
        others = self._twilio is not None or bool(self._sockets)
        self._webrtc = _webrtc_settings(options, environment, needed=not others)
        if self._webrtc is None and not others:
            raise InputFailure(
                "--no-webrtc: without --twilio or --sockets there would be no way in"
            )

    @property
    def has_browsers(self) -> bool:
        return self._webrtc is not None

    def open(
        self, switchboard: Switchboard, bearer: Bearer, screens: CueScreens
    ) -> tuple[Door, ...]:
        doors: list[Door] = []
        if self._twilio is not None:
            from interject.integrations.twilio.door import TwilioDoor

            doors.append(TwilioDoor(switchboard, self._twilio, bearer=bearer, screens=screens))
        if self._sockets:
            from interject.integrations.sockets.door import SocketDoor

            parts = PlatformParts(bearer, screens, switchboard.role.profile)
            platforms = [one for make in self._sockets for one in make(parts)]
            doors.append(SocketDoor(switchboard, platforms))
        if self._webrtc is not None:
            from interject.integrations.webrtc.door import WebRtcDoor

            doors.append(WebRtcDoor(switchboard, self._webrtc, bearer=bearer))
        return tuple(doors)


def _twilio_settings(
    options: ServeOptions, exposure: Exposure, environment: Mapping[str, str]
) -> TwilioSettings | None:
    if not options.wants_twilio(environment):
        return None
    try:
        import interject.integrations.twilio.door  # noqa: F401
        from interject.integrations.twilio.settings import TwilioSettings, TwilioSettingsFailure
    except ModuleNotFoundError as error:
        raise InputFailure(
            f"telephones need the package {error.name}: pip install 'interject[twilio]', or say "
            "--no-twilio"
        ) from error
    url = exposure.public_url
    if url is None and options.insecure_dev:
        url = exposure.own_url
    try:
        return TwilioSettings.from_environment(
            environment, public_url=url, insecure_dev=options.insecure_dev
        )
    except TwilioSettingsFailure as failure:
        unasked = (
            "; or leave telephones out with --no-twilio: TWILIO_ACCOUNT_SID alone asks for them"
        )
        hint = unasked if options.twilio is None else ""
        raise InputFailure(f"--twilio: {failure}{hint}") from None


def _webrtc_settings(
    options: ServeOptions, environment: Mapping[str, str], *, needed: bool
) -> WebRtcSettings | None:
    """Where nobody asked for browsers and telephones are served, their package may be missing."""
    if options.webrtc is False:
        return None
    try:
        import interject.integrations.webrtc.door  # noqa: F401
        from interject.integrations.webrtc.settings import WebRtcSettings
    except ModuleNotFoundError as error:
        if options.webrtc is None and not needed:
            return None
        raise InputFailure(
            f"browsers need the package {error.name}: pip install 'interject[webrtc]', or say "
            "--no-webrtc"
        ) from error
    if options.relay_only and not options.turn:
        raise InputFailure("--relay-only: there is no way without a --turn server to go through")
    turn = {"urls": options.turn, **_turn_account(environment)} if options.turn else None
    try:
        return WebRtcSettings.model_validate(
            {"stun": options.stun, "turn": turn, "relay_only": options.relay_only}
        )
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        option = str(problem["loc"][0])
        said = EXPECTED[option] if problem["type"] == NO_SUCH_FORM else problem["msg"]
        if problem["type"] == BAD_ACCOUNT:
            said += (
                f": set {TURN_VARIABLES['secret']}, or else {TURN_VARIABLES['username']} and "
                f"{TURN_VARIABLES['credential']}"
            )
        raise InputFailure(f"--{option}: {said}") from None


def _turn_account(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: environment.get(variable, "") for name, variable in TURN_VARIABLES.items()}
