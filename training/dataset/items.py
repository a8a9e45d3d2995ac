"""The items of StreamAudio-2M as they are written down, with what shards hold beside them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from interject.config.strict import StrictModel
from interject.model_runtime.protocol import Emotion
from interject.training.streams.ability import Ability
from interject.training.streams.span import Layer

SILENT = "<no need to response>"
"""What the assistant of a silent turn says, verbatim."""
SILENT_WORDS = (SILENT, "no need to response")


def is_silent(assistant: str) -> bool:
    """As the authors' own reader decides it."""
    return assistant.strip().lower() in SILENT_WORDS


def _emotion(value: Any) -> Emotion:
    name = value.lower() if isinstance(value, str) else ""
    if name not in tuple(Emotion):
        raise PydanticCustomError("emotion", f"it must be one of {', '.join(Emotion)}")
    return Emotion(name)


def _or_normal(value: Any) -> Emotion:
    return _emotion(value or Emotion.NORMAL)


def _says_something(value: str) -> str:
    if not value.strip():
        raise PydanticCustomError("said", f"a silent turn says {SILENT!r}")
    return value


Said = Annotated[str, AfterValidator(_says_something)]
AnyCase = Annotated[Emotion, BeforeValidator(_emotion)]
OrNormal = Annotated[Emotion, BeforeValidator(_or_normal)]
"""In a trainer's item there may be none."""
Seconds = Annotated[float, Field(ge=0)]


class PublicTurn(StrictModel):
    """The published fields, and below them ours: a published turn ends where its audio does."""

    user: str
    assistant: Said
    emotion: AnyCase
    scene_type: str
    audio_path: str

    start_s: Seconds | None = None
    end_s: Seconds | None = None
    response_chunk: Annotated[int, Field(ge=0)] | None = None
    reference_turn: Annotated[int, Field(ge=0)] | None = None


class WordItem(StrictModel):
    text: str
    end_s: Seconds


class SoundSourceItem(StrictModel):
    name: str
    licence: str
    sha256: str


class SpanItem(StrictModel):
    layer: Layer
    label: str
    start_s: Seconds
    end_s: Seconds
    text: str = ""
    words: tuple[WordItem, ...] = ()
    speaker: str = ""
    source: SoundSourceItem | None = None


class PublicItem(StrictModel):
    """One stream. What is ours is left out where there is nothing to say."""

    id: str | int
    stream_scene_type: str
    num_turns: int
    turns: tuple[PublicTurn, ...]

    ability: Ability | None = None
    seed: Annotated[int, Field(ge=0)] = 0
    system_prompt: str | None = None
    skipped: tuple[str, ...] = ()
    samples: Annotated[int, Field(gt=0)] | None = None
    spans: tuple[SpanItem, ...] = ()

    @model_validator(mode="after")
    def _counted(self) -> PublicItem:
        if self.num_turns != len(self.turns):
            raise PydanticCustomError(
                "turns", f"'num_turns' is {self.num_turns}, but 'turns' holds {len(self.turns)}"
            )
        return self


class TrainerTurn(StrictModel):
    """The user's words are not read by the authors' trainer, but may be there."""

    audio_path: str
    assistant: Said
    emotion: OrNormal = Emotion.NORMAL
    user: str | None = None


class TrainerItem(StrictModel):
    """A conversation, a sound a turn."""

    conversation: Annotated[tuple[TrainerTurn, ...], Field(min_length=1)]


class MergedItem(StrictModel):
    """One turn whose sounds have been merged into one file."""

    merge_path: str
    assistant: Said
    emotion: OrNormal = Emotion.NORMAL
    user: str | None = None


Item = PublicItem | TrainerItem | MergedItem
ItemKind = Literal["public", "trainer", "merged"]
KINDS: dict[ItemKind, type[Item]] = {
    "public": PublicItem,
    "trainer": TrainerItem,
    "merged": MergedItem,
}
