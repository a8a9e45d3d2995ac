"""Which token ids steer the stream, and in what order they surround sound and text.

Source of the order: "Audio Interaction Model" (arXiv 2606.05121) and its released code; the
defaults are the released ids.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import Emotion

if TYPE_CHECKING:
    from collections.abc import Sequence


def _released_emotions() -> dict[Emotion, int]:
    return {emotion: 151614 + offset for offset, emotion in enumerate(Emotion)}


@dataclass(frozen=True, slots=True)
class TokenLayout:
    """Token ids of a checkpoint. `banned` holds inclusive ranges that never appear in text.

    `emotion_slot` says whether the first token of a reply is one of `emotions`.
    """

    user: int = 151601
    assistant: int = 151602
    keep_silence: int = 151605
    audio_slot: int = 151608
    online: int = 151609
    offline: int = 151610
    language: int = 151611
    text_end: int = 151643
    text_begin: int = 151644
    system: int = 151644
    offline_audio_slot: int = 151646
    audio_begin: int = 151647
    audio_end: int = 151648
    emotion_slot: bool = True
    emotions: dict[Emotion, int] = field(default_factory=_released_emotions)
    banned: tuple[tuple[int, int], ...] = ((151601, 151619), (151644, 151935))

    def online_prefix(self, system_ids: Sequence[int]) -> list[int]:
        """The ids in front of a stream."""
        return [
            self.online,
            self.language,
            self.system,
            self.text_begin,
            *system_ids,
            self.text_end,
        ]

    def offline_prompt(
        self, system_ids: Sequence[int], user_ids: Sequence[int], *, audio_slots: int
    ) -> list[int]:
        """The ids of a whole clip and a question about it, up to where the answer begins."""
        return [
            self.offline,
            self.language,
            self.system,
            self.text_begin,
            *system_ids,
            self.text_end,
            self.audio_begin,
            *[self.offline_audio_slot] * audio_slots,
            self.audio_end,
            *self.user_turn(user_ids),
            self.assistant,
            self.text_begin,
        ]

    def user_turn(self, text_ids: Sequence[int]) -> list[int]:
        """A typed turn, whole."""
        return [self.user, self.text_begin, *text_ids, self.text_end]

    def chunk_head(self, previous_control: int | None) -> list[int]:
        """The ids in front of a chunk's embeddings; the first chunk follows no control."""
        if previous_control is None:
            return [self.audio_begin]
        return [previous_control, self.audio_begin]

    def control_ids(self) -> set[int]:
        """All that steer or may not appear in text; some may lie beyond the vocabulary."""
        banned = (range(first, last + 1) for first, last in self.banned)
        return {*self.named_ids().values(), *itertools.chain.from_iterable(banned)}

    def first_outside(self, vocabulary: int) -> str | None:
        """The name of an id that a vocabulary of this size does not have."""
        ids = self.named_ids()
        return next((name for name, token in ids.items() if not 0 <= token < vocabulary), None)

    def named_ids(self) -> dict[str, int]:
        """Every id that has a name here."""
        names = {f.name: getattr(self, f.name) for f in fields(self)}
        ids = {name: value for name, value in names.items() if type(value) is int}
        return ids | {f"emotions.{emotion}": token for emotion, token in self.emotions.items()}

    def emotion_of(self, token: int) -> Emotion:
        """The emotion that a token stands for."""
        return next(emotion for emotion, tag in self.emotions.items() if tag == token)

    def is_banned(self, token: int) -> bool:
        """Whether a token may not appear in text. The end of text is no text, but may be drawn."""
        return any(first <= token <= last for first, last in self.banned)

    def text_only(self, ids: Sequence[int]) -> list[int]:
        """The ids without every token that steers: typed text must not be able to steer."""
        return [i for i in ids if i != self.text_end and not self.is_banned(i)]
