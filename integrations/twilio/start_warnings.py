"""What a server can do, and its owner may not have meant."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from interject.agent.outputs import ways_out
from interject.integrations.twilio.settings import named, variable
from interject.model_runtime.protocol import FloorMode

if TYPE_CHECKING:
    from interject.config import Profile
    from interject.integrations.twilio.settings import TwilioSettings

logger = logging.getLogger(__name__)

SOCKET_PORT = 443
SPOKEN = {"announcement": "spoken_announcement", "stop_notice": "spoken_stop_notice"}
"""What is said on a telephone in place of what is written elsewhere."""


def warn(settings: TwilioSettings, profile: Profile, *, has_token: bool) -> None:
    """A line for each. `profile` is that of callers."""
    _of_doors(settings, has_token=has_token)
    _of_copilots(settings)
    _of_callers(profile)


def _of_doors(settings: TwilioSettings, *, has_token: bool) -> None:
    if settings.insecure_dev:
        logger.warning(
            "INSECURE: signatures of Twilio are not checked, so anybody who reaches this server "
            "can open calls; never let it be reached from outside"
        )
        if not has_token:
            logger.warning(
                "INSECURE: no token is asked for, so anybody who reaches this server can place, "
                "move and end calls of the account"
            )
    elif urlsplit(settings.public_url).port not in (None, SOCKET_PORT):
        logger.warning(
            "Twilio opens media streams on port 443 alone: the public URL names another port",
            extra={"setting": named("public_url")},
        )


def _of_copilots(settings: TwilioSettings) -> None:
    if settings.has_copilot and settings.copilot_next is None:
        logger.warning(
            "A copilot can be let into running calls only: nothing says what a call goes on "
            "with whose webhook is /twilio/copilot, so it is refused",
            extra={"setting": variable("copilot_then")},
        )


def _of_callers(profile: Profile) -> None:
    room = profile.room
    if not ways_out(profile, FloorMode(profile.mode)):
        logger.warning(
            "Whoever phones /twilio/voice is never answered, and nobody reads an answer either: "
            "no output of the profile works in its mode and with its voice",
            extra={"setting": "outputs, mode, voice", "mode": profile.mode},
        )
    if room.announce != "none" and profile.voice.engine == "none":
        logger.warning(
            "Whoever phones /twilio/voice is heard, but not told so: the profile has no voice",
            extra={"setting": "voice"},
        )
    for written, said in SPOKEN.items():
        if written in room.model_fields_set and said not in room.model_fields_set:
            logger.warning(
                "The profile's own words are for those who can read; on a telephone the usual "
                "ones are said: write those that are for the ear too",
                extra={"setting": f"room.{said}", "value": f"room.{written}"},
            )
