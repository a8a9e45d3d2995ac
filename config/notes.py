"""What a profile says about its folder of notes."""

from __future__ import annotations

from pydantic import Field

from interject.config.strict import StrictModel


class NotesSettings(StrictModel):
    """`folder` holds Markdown, plain text and PDFs; a relative path is one from the profile's file.
    A passage with a score of `floor` or more, from 0 to 1, may be the source of a cue.
    """

    folder: str = Field(default="", max_length=4_096)
    floor: float = Field(default=0.6, ge=0, le=1)
