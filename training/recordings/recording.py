"""A line of a collection's index."""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from interject.config.strict import StrictModel

Word = Annotated[str, Field(min_length=1, max_length=2_000)]
Label = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]


class RecordingKind(StrEnum):
    """A background lasts five seconds or more and lies under everything."""

    SPEECH = "speech"
    SOUND = "sound"
    BACKGROUND = "background"


class RecordingUse(StrEnum):
    """Weights that are passed on learn from `TRAIN` alone."""

    TRAIN = "train"
    EVALUATE = "evaluate"


class CollectedRecording(StrictModel):
    """One clip of a source. `file` is inside the collection.

    `label` is a class of `training.sounds` where it is one. Speech asks nothing of a model, unless
    its `text` does.
    """

    file: Word
    source: Word
    licence: Word
    credit: Word
    use: Annotated[RecordingUse, Field(strict=False)]
    kind: Annotated[RecordingKind, Field(strict=False)]
    label: Label
    seconds: Annotated[float, Field(gt=0)]
    text: Word | None = None
    speaker: Word | None = None

    @field_validator("file")
    @classmethod
    def _inside(cls, file: str) -> str:
        path = PurePosixPath(file)
        if path.is_absolute() or ".." in path.parts:
            raise PydanticCustomError("file", "the file must lie inside the collection")
        return file
