"""What is said in streams, from a file of one JSON object a line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeVar

from pydantic import Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from interject.agent.sound_file import BadSound
from interject.config.strict import StrictModel
from interject.model_runtime.protocol import Emotion
from interject.training.soundflow.recording import Recording
from interject.training.soundflow.sound_check import UnusableSound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interject.training.sounds.waves import Rng

MOST_CHARS = 2_000
MOST_LINE_BYTES = 1_000_000
BUILT_IN = "built_in.jsonl"

Said = Annotated[str, Field(min_length=1, max_length=MOST_CHARS, pattern=r"\w")]
T = TypeVar("T")


class TextFileError(ValueError):
    """A file of texts cannot be used; the message names file, line and field."""


class Fact(StrictModel):
    """What somebody told of himself: `entity` is said in the turn, and answers the question."""

    entity: Said
    question: Said
    answer: Said


class RecordableText(StrictModel):
    """`recording` is a sound file, inside the folder of the texts, in which somebody says it."""

    recording: Annotated[str, Field(max_length=1_000)] = ""
    licence: Annotated[str, Field(max_length=200)] = ""

    @model_validator(mode="after")
    def _licensed(self) -> Self:
        path = PurePosixPath(self.recording)
        if path.is_absolute() or ".." in path.parts:
            raise PydanticCustomError("recording", "the recording must lie inside the folder")
        if self.recording and not self.licence.strip():
            raise PydanticCustomError("licence", "a recording needs a licence")
        return self


class ChatTurn(RecordableText):
    user: Said
    assistant: Said
    emotion: Emotion = Emotion.NORMAL
    fact: Fact | None = None

    @model_validator(mode="after")
    def _told(self) -> ChatTurn:
        if self.fact and self.fact.entity.casefold() not in self.user.casefold():
            raise PydanticCustomError("entity", "the fact's entity is not said by the user")
        return self


class ChatText(StrictModel):
    """A dialogue; its turns belong together and come in this order."""

    kind: Literal["chat"]
    turns: Annotated[tuple[ChatTurn, ...], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _one_voice(self) -> Self:
        if len({bool(turn.recording) for turn in self.turns}) > 1:
            raise PydanticCustomError("recording", "of a dialogue all turns are recorded, or none")
        return self

    @property
    def recording(self) -> str:
        return self.turns[0].recording


class InstructionText(RecordableText):
    kind: Literal["instruction"]
    user: Said
    assistant: Said


class TranscriptText(RecordableText):
    """Speech to be written down word for word."""

    kind: Literal["transcript"]
    text: Said


class TranslatedSegment(StrictModel):
    source: Said
    target: Said


class TranslationText(StrictModel):
    """`segments` in the order of the source; each can be said as soon as its source is heard.

    `whole` is how one says it who has heard all; empty: the segments in a row.
    """

    kind: Literal["translation"]
    language: Said
    segments: Annotated[tuple[TranslatedSegment, ...], Field(min_length=1, max_length=50)]
    whole: Annotated[str, Field(max_length=MOST_CHARS)] = ""


class RemarkText(RecordableText):
    """Talk between people, which asks nothing of the agent."""

    kind: Literal["remark"]
    text: Said


class BackchannelText(RecordableText):
    """What a listener says to show that he listens."""

    kind: Literal["backchannel"]
    text: Said


StreamText = Annotated[
    ChatText | InstructionText | TranscriptText | TranslationText | RemarkText | BackchannelText,
    Field(discriminator="kind"),
]
_LINE: TypeAdapter[StreamText] = TypeAdapter(StreamText)


@dataclass(frozen=True, slots=True)
class TextSet:
    """Can be pickled. What a user's set has none of is taken from the built-in one.

    `recorded_share` of what is drawn are recordings, where a kind has some of both.
    """

    texts: tuple[StreamText, ...]
    folder: Path = Path()
    recorded_share: float = 0.3

    def of(self, kind: type[T]) -> list[T]:
        return [text for text in self.texts if isinstance(text, kind)]

    def draw(self, kind: type[T], rng: Rng) -> T:
        known = self.of(kind)
        recorded = [text for text in known if getattr(text, "recording", "")]
        if recorded and len(recorded) < len(known):
            wanted = bool(rng.random() < self.recorded_share)
            known = [text for text in known if bool(getattr(text, "recording", "")) is wanted]
        return known[int(rng.integers(len(known)))]

    def recording_of(self, text: RecordableText) -> Recording | None:
        if not text.recording:
            return None
        return Recording(self.folder / text.recording, text.licence)

    def completed(self, other: TextSet) -> TextSet:
        kinds = {type(text) for text in self.texts}
        more = tuple(text for text in other.texts if type(text) not in kinds)
        return replace(self, texts=self.texts + more)


def built_in_texts() -> TextSet:
    text = resources.files(__package__).joinpath(BUILT_IN).read_text(encoding="utf-8")
    return TextSet(tuple(_parsed(text.splitlines(), BUILT_IN)))


def read_texts(path: Path) -> TextSet:
    """Completed by the built-in set.

    :raises TextFileError: when it cannot be read or understood.
    """
    try:
        data = path.read_bytes()
        lines = data.decode("utf-8-sig").split("\n")
    except FileNotFoundError:
        raise TextFileError(f"{path}: no such file") from None
    except UnicodeDecodeError as exc:
        raise TextFileError(f"{path}: not UTF-8 text (byte {exc.start})") from None
    except OSError as exc:
        reason = (exc.strerror or "").lower()
        raise TextFileError(f"{path}: cannot be read ({reason})") from None
    texts = tuple(_parsed(lines, str(path)))
    if not texts:
        raise TextFileError(f"{path}: holds no text; write one JSON object a line")
    known = TextSet(texts, path.parent)
    _check_recordings(known, path)
    return known.completed(built_in_texts())


def _check_recordings(texts: TextSet, path: Path) -> None:
    """Each is read once, so that a build does not stop in its middle."""
    spoken = [turn for chat in texts.of(ChatText) for turn in chat.turns]
    for text in (*spoken, *texts.of(RecordableText)):
        recording = texts.recording_of(text)
        if recording is None:
            continue
        try:
            recording.spoken()
        except (BadSound, UnusableSound) as exc:
            raise TextFileError(f"{path}: {recording.path}: {exc}") from None


def _parsed(lines: Iterable[str], name: str) -> list[StreamText]:
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if len(line) > MOST_LINE_BYTES:
            raise TextFileError(f"{name}, line {number}: longer than {MOST_LINE_BYTES} characters")
        try:
            found.append(_LINE.validate_json(line))
        except ValidationError as exc:
            problem = exc.errors(include_url=False)[0]
            place = ".".join(str(part) for part in problem["loc"])
            where = f", field {place}" if place else ""
            raise TextFileError(f"{name}, line {number}{where}: {problem['msg']}") from None
    return found
