"""A sound that is to be played, or was, on a card."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from interject.agent.outputs import Cue

CATEGORY = "play"


class PlayAction(StrEnum):
    """What to do with a sound, or with all of them."""

    PLAY = "play"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayCue(Cue):
    """`aloud`: the agent itself plays it, and the card only says so; where not, whoever is shown
    it may. To stop is meant of all sounds: then there is no name, kind, licence or credit.
    """

    action: PlayAction
    sound: str = ""
    kind: str = ""
    licence: str = ""
    credit: str = ""
    aloud: bool = False
