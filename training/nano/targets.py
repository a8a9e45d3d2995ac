"""A scene as the model meets it: token ids, where the sound goes, what to learn where."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.model_runtime.protocol import FRAME_SAMPLES
from interject.training.nano.language import OTHER_PROMPTS, spoken_prompts
from interject.training.nano.talk_grammar import any_prompt
from interject.training.sequences.prompt import VERBATIM_PROMPT
from interject.training.sounds.catalogue import CLASSES

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from interject.model_runtime.network.architecture import ModelConfig
    from interject.training.nano.scene import Scene, WantedReply
    from interject.training.sounds.waves import Rng

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float32]]
RECENT_CHUNKS = 2


def word_vocabulary() -> dict[str, int]:
    """The words that the auxiliary loss listens for: those of the requests."""
    words = sorted({word for prompt in spoken_prompts() for word in prompt.split()})
    return {word: number for number, word in enumerate(words)}


@dataclass(frozen=True, slots=True)
class TypedRequest:
    """A question typed by the user before a chunk, and the reply to it."""

    chunk: int
    text: str
    reply: WantedReply


@dataclass(frozen=True, slots=True)
class Target:
    """One sequence. A label is the token to predict after a position, -1 where none is learnt.

    `audio_at` are the positions of the embeddings, `decision_at` those where a chunk is decided
    (-1 offline). `respond` is the right decision. `recent_sounds` and `recent_words` are
    what ended in the last two chunks.
    """

    ids: Ints = field(repr=False)
    labels: Ints = field(repr=False)
    audio_at: Ints = field(repr=False)
    decision_at: Ints = field(repr=False)
    respond: Floats = field(repr=False)
    recent_sounds: Floats = field(repr=False)
    recent_words: Floats = field(repr=False)


class TargetWriter:
    """Writes scenes in the token layout of a checkpoint."""

    def __init__(self, config: ModelConfig, tokenizer: Tokenizer) -> None:
        self._layout, self._tokenizer = config.layout, tokenizer
        self._chunk_embeddings = config.tower.chunk_embeddings
        self._words = word_vocabulary()

    def encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text).ids)

    def prefix(self, rng: Rng) -> list[int]:
        """Mostly the prompt as trained; sometimes another, so that profiles work too."""
        prompt, choice = VERBATIM_PROMPT, rng.random()
        if choice < 0.3:
            prompt = OTHER_PROMPTS[int(rng.integers(len(OTHER_PROMPTS)))]
        elif choice < 0.4:
            prompt = any_prompt(random.Random(int(rng.integers(2**32))))
        return self._layout.online_prefix(self.encode(prompt))

    def online(self, scene: Scene, prefix: list[int], typed: TypedRequest | None = None) -> Target:
        """A stream: every chunk is decided, replies stand where they are begun."""
        layout = self._layout
        replies = {h.decision_chunk: h.reply for h in scene.happenings if h.reply}
        ids, labels = list(prefix), [-1] * len(prefix)
        audio_at: list[int] = []
        decision_at: list[int] = []
        control: int | None = None
        for chunk in range(scene.chunks):
            if typed and typed.chunk == chunk and control is not None:
                control = self._type(ids, labels, control, typed)
            head = layout.chunk_head(control)
            ids += head
            audio_at += range(len(ids), len(ids) + self._chunk_embeddings)
            ids += [layout.audio_slot] * self._chunk_embeddings
            decision_at.append(len(ids))
            ids.append(layout.assistant)
            labels += [-1] * (len(ids) - len(labels))
            control = layout.keep_silence
            if chunk in replies:
                control = self._reply(ids, labels, replies[chunk])
        respond = np.array([chunk in replies for chunk in range(scene.chunks)], np.float32)
        sounds, words = self._recent(scene)
        return Target(
            np.array(ids), np.array(labels), np.array(audio_at), np.array(decision_at), respond,
            sounds, words,
        )  # fmt: skip

    def offline(self, scene: Scene, chunks: int, question: str, answer: str) -> Target:
        """The first `chunks` as a whole clip with a question; no decisions, no emotion.

        The sound of the others goes behind the answer, where nothing looks at it.
        """
        layout = self._layout
        slots, prompt = chunks * self._chunk_embeddings, VERBATIM_PROMPT
        unused = (scene.chunks - chunks) * self._chunk_embeddings
        ids = layout.offline_prompt(self.encode(prompt), self.encode(question), audio_slots=slots)
        first = ids.index(layout.offline_audio_slot)
        text = [*self.encode(answer), layout.text_end]
        labels = [-1] * (len(ids) - 1) + text
        ids += [*text[:-1], *[layout.audio_slot] * unused]
        audio_at = [*range(first, first + slots), *range(len(ids) - unused, len(ids))]
        none = np.zeros(scene.chunks, np.float32)
        sounds, words = self._recent(scene)
        return Target(
            np.array(ids), np.array(labels), np.array(audio_at),
            np.full(scene.chunks, -1), none, sounds, words,
        )  # fmt: skip

    def _reply(self, ids: list[int], labels: list[int], reply: WantedReply) -> int:
        """Append a reply up to its last token; the end of text is the next chunk's control."""
        layout = self._layout
        text = self.encode(reply.text)
        emotion = layout.emotions[reply.emotion]
        ids += [layout.text_begin, emotion, *text]
        labels += [emotion, *text, layout.text_end]
        return layout.text_end

    def _type(self, ids: list[int], labels: list[int], control: int, typed: TypedRequest) -> int:
        ids += [control, *self._layout.user_turn(self.encode(typed.text)), self._layout.assistant]
        labels += [-1] * (len(ids) - len(labels))
        return self._reply(ids, labels, typed.reply)

    def _recent(self, scene: Scene) -> tuple[Floats, Floats]:
        sounds = np.zeros((scene.chunks, len(CLASSES)), np.float32)
        words = np.zeros((scene.chunks, len(self._words)), np.float32)
        for happening in scene.happenings:
            if happening.key in CLASSES:
                self._mark(sounds, CLASSES.index(happening.key), happening.known_at)
        for word, end in scene.words:
            if word in self._words:
                self._mark(words, self._words[word], end)
        return sounds, words

    @staticmethod
    def _mark(table: Floats, column: int, end: int) -> None:
        first = int(end + 0.05 * 16_000) // FRAME_SAMPLES
        table[first : first + RECENT_CHUNKS, column] = 1
