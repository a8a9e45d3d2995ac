"""Scripts of streams, one kind for each of the seven abilities."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar
from unicodedata import east_asian_width

from interject.model_runtime.protocol import Emotion
from interject.training.soundflow.silence_audit import AuditLabel
from interject.training.soundflow.sound_library import ClipRole, labels_of
from interject.training.soundflow.stream_script import (
    OTHER,
    AnswerRule,
    ScriptedSound,
    ScriptedSpeech,
    ScriptedTurn,
    StreamScript,
)
from interject.training.soundflow.texts.text_set import (
    ChatText,
    InstructionText,
    RemarkText,
    TranscriptText,
    TranslationText,
)
from interject.training.streams.ability import Ability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.training.soundflow.sound_library import SoundLibrary
    from interject.training.soundflow.texts.text_set import Fact, RecordableText, TextSet
    from interject.training.sounds.waves import Rng

T = TypeVar("T")
NUMBERS = (
    "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven",
    "Twelve",
)  # fmt: skip
TRANSCRIBE = (
    "Please write down what you hear.",
    "Transcribe everything from now on.",
    "Write along with what is said.",
)
TRANSLATE = (
    "Translate what I say into {}.",
    "Please interpret everything I say into {}.",
    "From now on say it in {}.",
)
COUNT = ("Count each time you hear {}.", "Please count how often you hear {}.")
TELL = ("Tell me when you hear {}.", "Let me know as soon as there is {}.")
WHAT = ("What was that sound?", "What did you just hear?", "Can you tell me what that was?")
WHICH = ("Was that {} or {}?", "What did you hear, {} or {}?")
AROUND = ("What do you hear around me?", "What is that in the background?")
STITCHED_SHARE, OPEN_SHARE, RESPOND_SHARE = 0.5, 0.5, 0.5


class ScriptWriter:
    """Chooses what happens in one stream, from texts and from the labels of a library."""

    def __init__(self, library: SoundLibrary, texts: TextSet, rng: Rng) -> None:
        self._meanings, self._texts, self._rng = library.meanings, texts, rng
        self.ordinary = labels_of(library, ClipRole.EVENT, AuditLabel.SILENT)
        self.alarming = labels_of(library, ClipRole.EVENT, AuditLabel.RESPOND)
        self._beds = labels_of(library, ClipRole.BED, AuditLabel.SILENT)
        self._countable = [label for label in self.ordinary if self._meanings[label].is_countable]

    def write(self, ability: Ability, rounds: int) -> StreamScript:
        match ability:
            case Ability.VOICE_CHAT:
                return StreamScript(tuple(self._chat(rounds)))
            case Ability.STREAMING_INSTRUCTION:
                return StreamScript(tuple(self._instruction(rounds)))
            case Ability.AUDIO_UNDERSTANDING:
                asked = [self._question() for _ in range(rounds)]
                return StreamScript(tuple(turn for turns in asked for turn in turns))
            case Ability.TRANSLATION:
                return StreamScript(tuple(self._translation(rounds)))
            case Ability.REAL_TIME_ASR:
                return StreamScript(tuple(self._transcription(rounds)))
            case Ability.PROACTIVE:
                return StreamScript(tuple(self._watching(rounds)))
            case Ability.ENVIRONMENT_AGENT:
                return self._surroundings(rounds)

    def ordinary_sound(self) -> ScriptedTurn:
        label = self.pick(self.ordinary)
        return ScriptedTurn((ScriptedSound(label),), self._name(label), "ordinary_sound")

    def alarming_sound(self) -> ScriptedTurn:
        return self._alarm(self.pick(self.alarming))

    def _alarm(self, label: str) -> ScriptedTurn:
        meaning = self._meanings[label]
        return ScriptedTurn(
            (ScriptedSound(label),), meaning.name, "safety_event", meaning.reply, meaning.emotion
        )

    def remark(self) -> ScriptedTurn:
        drawn = self._texts.draw(RemarkText, self._rng)
        speech = ScriptedSpeech(drawn.text, OTHER, recording=self._texts.recording_of(drawn))
        return ScriptedTurn((speech,), drawn.text, "remark")

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self._rng.integers(len(options)))]

    def _chance(self, share: float) -> bool:
        return bool(self._rng.random() < share)

    def _name(self, label: str) -> str:
        return self._meanings[label].name

    def _recorded(self, turn: ScriptedTurn, text: RecordableText) -> ScriptedTurn:
        """With what somebody recorded of it, where there is that."""
        recording = self._texts.recording_of(text)
        if recording is None:
            return turn
        return replace(turn, parts=(ScriptedSpeech(text=turn.user, recording=recording),))

    def _chat(self, rounds: int) -> list[ScriptedTurn]:
        """A dialogue, and others after it until there are enough rounds."""
        turns: list[ScriptedTurn] = []
        while len(turns) < rounds:
            turns += [
                self._recorded(
                    _said(turn.user, turn.assistant, "voice_chat", turn.emotion, turn.fact), turn
                )
                for turn in self._texts.draw(ChatText, self._rng).turns
            ]
        return turns[:rounds]

    def _instruction(self, rounds: int) -> list[ScriptedTurn]:
        kinds = [self._told(rounds), self._asked_to_tell(rounds)]
        if self._countable:
            kinds.append(self._counting(rounds))
        return self.pick(kinds)

    def _told(self, rounds: int) -> list[ScriptedTurn]:
        texts = [self._texts.draw(InstructionText, self._rng) for _ in range(rounds)]
        return [
            self._recorded(_said(text.user, text.assistant, "instruction"), text) for text in texts
        ]

    def _counting(self, rounds: int) -> list[ScriptedTurn]:
        """Other sounds in between are not counted, and not answered."""
        wanted = self.pick(self._countable)
        others = [label for label in self.ordinary if label != wanted]
        turns = [_said(self.pick(COUNT).format(self._name(wanted)), "I am counting.", "count")]
        for number in NUMBERS[: max(2, rounds)]:
            if others and self._chance(0.3):
                turns.append(self._sound(self.pick(others), "ordinary_sound"))
            turns.append(self._sound(wanted, "count", f"{number}."))
        return turns

    def _asked_to_tell(self, rounds: int) -> list[ScriptedTurn]:
        wanted = self.pick(self.ordinary)
        others = [label for label in self.ordinary if label != wanted] or [wanted]
        name = self._name(wanted)
        turns = [_said(self.pick(TELL).format(name), "I will tell you.", "watch_for")]
        for _ in range(max(0, rounds - 2)):
            if others != [wanted] and self._chance(0.6):
                turns.append(self._sound(self.pick(others), "ordinary_sound"))
            else:
                turns.append(self._sound(wanted, "watch_for", f"I hear {name}."))
        return [*turns, self._sound(wanted, "watch_for", f"I hear {name}.")]

    def _sound(self, label: str, scene_type: str, reply: str = "") -> ScriptedTurn:
        return ScriptedTurn((ScriptedSound(label),), self._name(label), scene_type, reply)

    def _question(self) -> list[ScriptedTurn]:
        """A sound and a question about it: an open one, or one with two choices.

        An alarm is answered at once, here as everywhere, and then asked about.
        """
        label = self.pick([*self.ordinary, *self.alarming])
        name = self._name(label)
        others = [self._name(other) for other in self.ordinary if other != label]
        if self._chance(OPEN_SHARE) or not others:
            question = self.pick(WHAT)
        else:
            choice = [name, self.pick(others)]
            question = self.pick(WHICH).format(*(choice if self._chance(0.5) else choice[::-1]))
        asked = _said(question, f"That was {name}.", "sound_question")
        if label in self.alarming:
            return [self._alarm(label), asked]
        return [replace(asked, parts=(ScriptedSound(label), *asked.parts))]

    def _translation(self, rounds: int) -> list[ScriptedTurn]:
        """Sentence by sentence, each translated when it is over; or stitched into one speech that
        is translated while it goes on.
        """
        language = self.pick(sorted({text.language for text in self._texts.of(TranslationText)}))
        texts = [text for text in self._texts.of(TranslationText) if text.language == language]
        chosen = [self.pick(texts) for _ in range(rounds)]
        order = self.pick(TRANSLATE).format(language)
        turns = [_said(order, "I will.", "translation")]
        if self._chance(STITCHED_SHARE):
            segments = tuple(segment for text in chosen for segment in text.segments)
            source = " ".join(segment.source for segment in segments)
            turns.append(
                ScriptedTurn((ScriptedSpeech(source),), source, "translation",
                             rule=AnswerRule.SEGMENTS, segments=segments)
            )  # fmt: skip
            return turns
        for text in chosen:
            source = " ".join(segment.source for segment in text.segments)
            target = "".join(_joined(segment.target) for segment in text.segments).strip()
            turns.append(_said(source, text.whole or target, "translation"))
        return turns

    def _transcription(self, rounds: int) -> list[ScriptedTurn]:
        turns = [_said(self.pick(TRANSCRIBE), "I am writing.", "asr")]
        for _ in range(rounds):
            drawn = self._texts.draw(TranscriptText, self._rng)
            turn = _said(drawn.text, "", "asr")
            turns.append(self._recorded(replace(turn, rule=AnswerRule.CHUNKS), drawn))
        return turns

    def _watching(self, rounds: int) -> list[ScriptedTurn]:
        """Nobody asks: only what the audit answers is answered, one of these at least."""
        turns = [self._by_the_way() for _ in range(max(1, rounds - 1))]
        turns.insert(int(self._rng.integers(len(turns) + 1)), self.alarming_sound())
        return turns

    def _by_the_way(self) -> ScriptedTurn:
        if self._chance(RESPOND_SHARE):
            return self.alarming_sound()
        return self.remark() if self._chance(0.3) else self.ordinary_sound()

    def _surroundings(self, rounds: int) -> StreamScript:
        """A chat in a place: what lies under it is asked about, and people talk by the way."""
        bed = self.pick(self._beds)
        question = self.pick(AROUND)
        asked = _said(question, f"I hear {self._name(bed)}.", "surroundings", Emotion.NORMAL)
        turns = self._chat(max(1, rounds - 2))
        for extra in (asked, self.remark() if self._chance(0.5) else self.ordinary_sound()):
            turns.insert(int(self._rng.integers(len(turns) + 1)), extra)
        return StreamScript(tuple(turns), bed)


def _said(
    text: str, assistant: str, scene_type: str, emotion: Emotion = Emotion.NORMAL,
    fact: Fact | None = None,
) -> ScriptedTurn:  # fmt: skip
    return ScriptedTurn((ScriptedSpeech(text),), text, scene_type, assistant, emotion, fact=fact)


def _joined(target: str) -> str:
    """Chinese has no spaces between its parts."""
    return target if east_asian_width(target[-1]) in "WF" else f"{target} "
