"""The shape of a profile."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from interject.config.cues import ChecklistSettings, CueSettings, category_tag, keep_apart
from interject.config.lists import Names, Phrases, SomePhrases, distinct, phrases, plain
from interject.config.notes import NotesSettings
from interject.config.privacy import PrivacySettings
from interject.config.responder import ResponderSettings
from interject.config.soundboard import SoundboardSettings
from interject.config.strict import StrictModel
from interject.config.voice import EspeakVoice, VoiceSettings

MAX_PROMPT_BYTES = 16_384

OutputName = Literal["spoken", "posted", "cue"]
ModeName = Literal["observe", "assist", "speak"]


class ReplyLimits(StrictModel):
    """`unprompted_per_minute` caps replies that nobody forced; null lifts the cap.

    Replies tagged urgent are exempt from the cap, but count. A reply that is one of `read_as`, word
    for word, is taken for what stands beside it, tags and all; for nothing where that is empty. So
    a model that writes no tags can fill cards and a checklist.
    """

    max_tokens: int = Field(default=256, ge=1, le=4_096)
    unprompted_per_minute: int | None = Field(default=20, ge=0, le=150)
    read_as: dict[str, Annotated[str, Field(max_length=500)]] = Field(default={}, max_length=128)

    @field_validator("read_as")
    @classmethod
    def _known_apart(cls, read_as: dict[str, str]) -> dict[str, str]:
        phrases(tuple(read_as))
        return read_as


def _usable(temperature: float) -> float:
    if temperature != 0 and not 0.01 <= temperature <= 10:
        raise PydanticCustomError("temperature", "it must be 0 or from 0.01 to 10")
    return temperature


def _short(prompt: str) -> str:
    if len(prompt.encode()) > MAX_PROMPT_BYTES:
        raise PydanticCustomError("prompt", f"it may have {MAX_PROMPT_BYTES} bytes in UTF-8")
    return prompt


class SamplingSettings(StrictModel):
    """How reply tokens are drawn. A temperature of 0 takes the likeliest token every time."""

    temperature: Annotated[float, AfterValidator(_usable)] = 0.0
    top_k: int = Field(default=0, ge=0, le=1_000_000)
    top_p: float = Field(default=1.0, ge=1e-6, le=1)
    seed: int = Field(default=0, ge=-(2**63), le=2**63 - 1)


class RoomSettings(StrictModel):
    """How Interject behaves as one of several participants of a room.

    `announce` says how its coming is made known: `announcement` is written into the chat, said
    aloud (which needs a voice and `mode: speak`), both, or not at all. Whoever writes one of
    `stop_phrases` into the chat, with courtesies at most, makes it stop listening, and one of
    `resume_phrases` lets it go on; anything else written there is answered, or with `answer_chat`
    off only remembered. A model that answers one of `stop_replies` and nothing else has understood
    that it shall stop listening, and stops; without any such sentence it cannot be stopped by
    voice. However it was stopped, `stop_notice` is then written into the chat, and `announcement`
    when it goes on; whoever withdrew himself alone reads `withdrawn_notice` in its place. Where
    nobody can read, as on a telephone, `spoken_announcement` and `spoken_stop_notice` are said in
    their place, and the key `listening_digit` lets the listening stop and go on. `control` names
    who may change the mode and such while it runs, and `cue_to` who is shown cues; `*` stands for
    every person in the room. `telemetry` sends each decision to the room's
    `interject.decision` topic. `ear` is one memory for the whole `room`, or one for
    `each` speaker. `echo_cancellation` takes the agent's own voice out of what it hears, for
    clients that do not; it also lowers what others say while the agent speaks.
    """

    announce: Literal["text", "voice", "both", "none"] = "text"
    announcement: str = Field(
        default="Interject is listening. Write 'stop listening' to make it stop.",
        min_length=1,
        max_length=500,
    )
    stop_phrases: SomePhrases = Field(default=("stop listening",), strict=False)
    resume_phrases: SomePhrases = Field(default=("start listening",), strict=False)
    stop_replies: Phrases = Field(default=("I will stop listening.",), strict=False)
    stop_notice: str = Field(
        default="Interject has stopped listening. Write 'start listening' to let it go on.",
        min_length=1,
        max_length=500,
    )
    withdrawn_notice: str = Field(
        default="Interject is listening, but not to you: you asked it not to.",
        min_length=1,
        max_length=500,
    )
    spoken_announcement: str = Field(
        default="An assistant listens to this call. Say 'stop listening' to make it stop.",
        min_length=1,
        max_length=500,
    )
    spoken_stop_notice: str = Field(
        default="Press star to let me listen again.", min_length=1, max_length=500
    )
    listening_digit: str = Field(default="*", pattern=r"^([0-9*#A-D])?$")
    control: Names = Field(default=("*",), strict=False)
    cue_to: Names = Field(default=(), strict=False)
    answer_chat: bool = True
    telemetry: bool = False
    ear: Literal["room", "each"] = "room"
    echo_cancellation: bool = False

    @field_validator("resume_phrases")
    @classmethod
    def _differ(cls, resuming: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        stopping = {plain(phrase) for phrase in info.data.get("stop_phrases", ())}
        for phrase in resuming:
            if plain(phrase) in stopping:
                known = {"phrase": repr(phrase)}
                raise PydanticCustomError("both", "{phrase} is one of stop_phrases, too", known)
        return resuming


class Profile(StrictModel):
    """One role that Interject can play.

    `threshold` is the least P(respond) that starts a reply; 0.5 takes the likelier of the two.
    """

    name: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")
    description: str = ""
    system_prompt: Annotated[str, AfterValidator(_short)]
    threshold: float = Field(default=0.5, ge=0, le=1)
    mode: ModeName = "speak"
    outputs: Annotated[tuple[OutputName, ...], AfterValidator(distinct)] = Field(
        default=("spoken",), strict=False
    )
    voice: VoiceSettings = EspeakVoice()
    reply: ReplyLimits = ReplyLimits()
    cue: CueSettings = CueSettings()
    checklist: ChecklistSettings = ChecklistSettings()
    notes: NotesSettings = NotesSettings()
    soundboard: SoundboardSettings = SoundboardSettings()
    sampling: SamplingSettings = SamplingSettings()
    room: RoomSettings = Field(default=RoomSettings(), validate_default=True)
    privacy: PrivacySettings = PrivacySettings()
    responder: ResponderSettings | None = None

    @field_validator("room")
    @classmethod
    def _can_be_stopped(cls, room: RoomSettings, info: ValidationInfo) -> RoomSettings:
        """What is read as something else would stop nothing."""
        limits: ReplyLimits = info.data.get("reply", ReplyLimits())
        read = {plain(reply) for reply in limits.read_as}
        for stopping in room.stop_replies:
            if plain(stopping) in read:
                said = f"{stopping!r} of stop_replies stands in reply.read_as, too"
                raise PydanticCustomError("tags", said)
        return room

    @field_validator("checklist")
    @classmethod
    def _apart(cls, checklist: ChecklistSettings, info: ValidationInfo) -> ChecklistSettings:
        keep_apart(_tags(info.data.get("cue"), checklist))
        return checklist

    @field_validator("soundboard")
    @classmethod
    def _all_apart(cls, board: SoundboardSettings, info: ValidationInfo) -> SoundboardSettings:
        named = _tags(info.data.get("cue"), info.data.get("checklist"))
        keep_apart([*named, *((tag, name or "stop_tag") for tag, name in board.tags)])
        return board


def _tags(cue: CueSettings | None, checklist: ChecklistSettings | None) -> list[tuple[str, str]]:
    """Each and whose it is; of what is wrong by itself there are none."""
    categories = {} if cue is None else cue.categories
    tags = [(category_tag(name, one.tag), name) for name, one in categories.items()]
    if checklist is not None:
        tags += [(checklist.tag_of(item), item) for item in checklist.items]
    return tags
