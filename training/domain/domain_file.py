"""`domain.yaml`: what to react to, what to say, what to leave alone, how long to learn."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from interject.config.lists import Names, Phrases
from interject.config.strict import StrictModel
from interject.config.yaml_file import FileProblem, YamlFileError, load_yaml
from interject.model_runtime.protocol import Emotion
from interject.training.nano.language import COUNTABLE, HELP, INTENTS, RESPOND_REPLIES

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "domain.yaml"
NANO = "nano"
"""The base that comes with Interject; any other is a folder."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
NANO_KNOWS = tuple(sorted({*RESPOND_REPLIES, *(intent.key for intent in (*INTENTS, HELP))}))
ANSWERED = {*NANO_KNOWS, *(f"count_{kind}" for kind in COUNTABLE), "number", "what_sound"}
"""With what follows from what was heard before: counts, and what a sound was."""
_EMOTIONS = {emotion.value: emotion for emotion in Emotion}


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise PydanticCustomError("name", "it must be 1 to 60 of the letters a-z 0-9 _ -")
    return value


def _emotion(value: str) -> str:
    if value not in _EMOTIONS:
        raise PydanticCustomError(
            "emotion", "it must be one of {known}", {"known": ", ".join(Emotion)}
        )
    return value


_Name = Annotated[str, AfterValidator(_name)]


class Reaction(StrictModel):
    """Something to react to: recordings of it, phrases that are it, or both."""

    name: _Name
    recordings: str | None = None
    phrases: Phrases = Field(default=(), strict=False)
    reply: str = Field(min_length=1, max_length=300)
    emotion: Annotated[str, AfterValidator(_emotion)] = "normal"

    @model_validator(mode="after")
    def _has_something_to_hear(self) -> Self:
        if self.recordings is None and not self.phrases:
            raise PydanticCustomError(
                "nothing", "it needs `recordings` (a folder), `phrases` (a list), or both"
            )
        return self

    @property
    def tone(self) -> Emotion:
        return _EMOTIONS[self.emotion]


class Ignored(StrictModel):
    """What is not to be reacted to, beside what every model is taught to leave alone.

    `collection` is a folder that `python -m interject.training.recordings fetch` made.
    """

    recordings: str | None = None
    phrases: Phrases = Field(default=(), strict=False)
    collection: str | None = None


class DomainSize(StrictModel):
    """How much is made and for how long it is learnt."""

    streams: int = Field(default=3_000, ge=8, le=1_000_000)
    chunks: int = Field(default=30, ge=10, le=60)
    voices_a_phrase: int = Field(default=60, ge=4, le=1_000)
    held_out_share: float = Field(default=0.3, gt=0, lt=0.9)
    test_hours: float = Field(default=2.0, gt=0, le=20)
    minutes: float = Field(default=40.0, gt=0, le=10_000)
    false_an_hour: float = Field(default=5.0, gt=0)
    seed: int = Field(default=1, ge=0)


class OthersChoice(StrEnum):
    """What becomes of the requests and alarms that nano reacts to already."""

    KEEP = "keep"
    FORGET = "forget"


class DomainFile(StrictModel):
    """Folders are seen from the file's own. `voices` holds natural ones, of Kokoro-82M."""

    name: _Name
    base: str = NANO
    voices: str | None = None
    react: tuple[Reaction, ...] = Field(strict=False, min_length=1)
    ignore: Ignored = Ignored()
    others: Annotated[OthersChoice, Field(strict=False)] = OthersChoice.KEEP
    forget: Names = Field(default=(), strict=False)
    size: DomainSize = DomainSize()

    @model_validator(mode="after")
    def _forgets_what_there_is(self) -> Self:
        named = "forget" if self.forget else "others: forget"
        if (self.forget or self.others is OthersChoice.FORGET) and self.base != NANO:
            raise PydanticCustomError(
                "forget", "`{named}` is for the base nano only; leave it out", {"named": named}
            )
        for name in self.forget:
            if name not in NANO_KNOWS:
                known = ", ".join(NANO_KNOWS)
                raise PydanticCustomError(
                    "forget",
                    "nano knows no {name}; it knows {known}",
                    {"name": name, "known": known},
                )
        return self

    @property
    def forgotten(self) -> frozenset[str]:
        return frozenset(ANSWERED if self.others is OthersChoice.FORGET else self.forget)

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [reaction.name for reaction in self.react]
        for name in names:
            if names.count(name) > 1:
                raise PydanticCustomError("twice", "two reactions are named {name}", {"name": name})
        return self


def read_domain(folder: Path) -> DomainFile:
    """:raises YamlFileError: when there is none, or it cannot be used."""
    path = folder / FILE_NAME
    if not path.is_file():
        said = f"it holds no {FILE_NAME}: make one with `interject train init {folder}`"
        raise YamlFileError(FileProblem(folder, said))
    return load_yaml(path, DomainFile, "domain", name=_folder_name(folder))


def _folder_name(folder: Path) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", folder.resolve().name.lower()).strip("-_") or "domain"
