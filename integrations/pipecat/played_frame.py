"""A mark in the pipeline's own order, that says how far the transport has come."""

from __future__ import annotations

from dataclasses import dataclass

from pipecat.frames.frames import ControlFrame


@dataclass
class PlayedFrame(ControlFrame):
    """It leaves the output transport once what was pushed before it has been played.

    An interruption takes it along with that, unless it is made uninterruptible.
    """
