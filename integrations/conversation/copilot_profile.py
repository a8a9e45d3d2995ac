"""Whose role a copilot has: it is never heard, so somebody must be able to read what it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.agent.outputs import ways_out
from interject.config import load_profile
from interject.model_runtime.protocol import FloorMode

if TYPE_CHECKING:
    from interject.config import Profile

SHIPPED = "call_center_copilot"


def can_be_read(profile: Profile) -> bool:
    return any(way != "spoken" for way in ways_out(profile, FloorMode(profile.mode)))


def copilot_profile(own: Profile | None, usual: Profile) -> Profile:
    """The usual one, where nothing was said of copilots, only if its replies can be read."""
    if own is not None:
        return own
    return usual if can_be_read(usual) else load_profile(SHIPPED)
