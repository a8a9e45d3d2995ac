"""What is to happen in a stream, before any of it sounds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import Emotion

if TYPE_CHECKING:
    from interject.training.soundflow.recording import Recording
    from interject.training.soundflow.texts.text_set import Fact, TranslatedSegment

USER, OTHER = 0, 1
"""Speakers: who talks to the agent, and somebody else."""


@dataclass(frozen=True, slots=True)
class ScriptedSpeech:
    """`pause_chunks` of silence lie behind word `pause_word` (from 0), when there are any.

    A `recording` is heard in place of the speaker's voice.
    """

    text: str
    speaker: int = USER
    pause_word: int = 0
    pause_chunks: int = 0
    recording: Recording | None = None


@dataclass(frozen=True, slots=True)
class ScriptedSound:
    label: str


class AnswerRule(Enum):
    """`END`: when all of the turn has been heard. `SEGMENTS`: when each segment has been.
    `CHUNKS`: in every chunk in which words have ended, with these words.
    """

    END = auto()
    SEGMENTS = auto()
    CHUNKS = auto()


class Onset(Enum):
    """When a turn begins: after the one before, or while the reply to that is being said."""

    AFTER = auto()
    BARGE_IN = auto()
    BACKCHANNEL = auto()


@dataclass(frozen=True, slots=True)
class ScriptedTurn:
    """Parts are heard one after the other. Without `assistant` silence is right, unless the rule
    makes replies. `cross_talk` is said by somebody else meanwhile.

    `fact` may be asked about later; `reference` is the number of the turn that this one asks about.
    """

    parts: tuple[ScriptedSpeech | ScriptedSound, ...]
    user: str
    scene_type: str
    assistant: str = ""
    emotion: Emotion = Emotion.NORMAL
    rule: AnswerRule = AnswerRule.END
    segments: tuple[TranslatedSegment, ...] = ()
    onset: Onset = Onset.AFTER
    cross_talk: ScriptedSpeech | None = None
    fact: Fact | None = None
    reference: int | None = None

    @property
    def is_answered(self) -> bool:
        return bool(self.assistant) or self.rule is not AnswerRule.END

    @property
    def is_spoken(self) -> bool:
        """One part, and that is speech."""
        return len(self.parts) == 1 and isinstance(self.parts[0], ScriptedSpeech)


@dataclass(frozen=True, slots=True)
class StreamScript:
    """`bed` is the label of what lies under it all, where the turns talk about it."""

    turns: tuple[ScriptedTurn, ...]
    bed: str = ""

    @property
    def labels(self) -> set[str]:
        """Of all sounds that mean something here: none of them may be heard by the way."""
        parts = (part for turn in self.turns for part in turn.parts)
        return {part.label for part in parts if isinstance(part, ScriptedSound)} | {self.bed}
