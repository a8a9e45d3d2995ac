"""Writes streams in a checkpoint's token layout, and says what to learn where."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import FRAME_SAMPLES, RuntimeFailure
from interject.training.sequences.cut import cut_stream, turn_chunk
from interject.training.sequences.prompt import VERBATIM_PROMPT
from interject.training.sequences.sequence import MASKED, SequenceMode, TrainingSequence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tokenizers import Tokenizer

    from interject.model_runtime.checkpoint import Model
    from interject.training.sequences.sequence import Floats
    from interject.training.streams.stream import TrainingStream
    from interject.training.streams.turn import StreamTurn

MOST_CHUNKS = 60
"""The paper's L_max: 24 s."""
TYPED = "typed"
"""The `scene_type` of a turn that was typed: the model reads its `user`, and hears nothing of it.
It stands behind the silent decision of its chunk."""


class UnusableSequence(RuntimeFailure):
    """A stream that cannot be laid out; the message says which, and why."""


class SequenceWriter:
    """`most_positions` is the longest sequence: a stream that needs more is cut at a chunk, as is
    one of more than `most_chunks`.
    """

    def __init__(
        self,
        model: Model,
        *,
        most_chunks: int = MOST_CHUNKS,
        most_positions: int | None = None,
        system_prompt: str = VERBATIM_PROMPT,
    ) -> None:
        if model.tokenizer is None:
            raise UnusableSequence(
                "this checkpoint has no tokenizer.json, so no text can be taught; add one"
            )
        self._layout = model.config.layout
        self.tower = model.config.tower
        self._tokenizer: Tokenizer = model.tokenizer
        self.most_chunks = most_chunks
        self._most_positions = most_positions or model.config.decoder.context
        self._system_prompt = system_prompt

    def encode(self, text: str) -> list[int]:
        """As the engine reads text: nothing in it can steer."""
        if not text:
            return []
        return self._layout.text_only(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def online(self, stream: TrainingStream, *, late_share: float = 0.0) -> TrainingSequence:
        """Every chunk is decided, replies stand where they are begun.

        `late_share` of the replies come a chunk late, and at their own chunk nothing is taught: a
        model that was not sure enough learns to speak up then.

        :raises UnusableSequence: when not even its first chunk fits.
        """
        rows = _Rows(self._layout.online_prefix(self._prompt(stream)))
        turns = {turn_chunk(turn): turn for turn in stream.turns if _says(turn)}
        chunks = min(stream.chunks, self.most_chunks)
        late = _late(stream.stream_id, turns, chunks, late_share)
        control: int | None = None
        fitting = 0
        for chunk in range(chunks):
            before = len(rows.ids)
            if chunk in late:
                control = self._untaught_chunk(rows, control)
            else:
                turn = turns.get(chunk - 1 if chunk - 1 in late else chunk)
                control = self._chunk(rows, turn, control)
            if len(rows.ids) > self._most_positions:
                rows.forget_from(before)
                break
            fitting = chunk + 1
        if not fitting:
            raise UnusableSequence(
                f"{stream.stream_id}: its prompt and first chunk need {len(rows.ids)} positions or "
                f"more, a sequence has at most {self._most_positions}"
            )
        return rows.sequence(cut_stream(stream, fitting), SequenceMode.ONLINE)

    def offline(self, stream: TrainingStream) -> TrainingSequence:
        """Stages 1 and 2: the sound as a whole clip, then the question, then the answer.

        :raises UnusableSequence: when it has not one answer, or is too long to be asked about.
        """
        answered = [turn for turn in stream.turns if turn.response_chunk is not None]
        if len(answered) != 1:
            raise UnusableSequence(
                f"{stream.stream_id}: has {len(answered)} answers; a clip that is asked about has 1"
            )
        if stream.chunks > self.most_chunks:
            raise UnusableSequence(
                f"{stream.stream_id}: has {stream.chunks} chunks, a clip at most "
                f"{self.most_chunks}; what is cut off could be what the answer is about"
            )
        asked, layout = answered[0], self._layout
        slots = stream.chunks * self.tower.chunk_embeddings
        prompt = layout.offline_prompt(
            self._prompt(stream), self.encode(asked.user), audio_slots=slots
        )
        rows = _Rows(prompt, first_audio=prompt.index(layout.audio_begin) + 1, slots=slots)
        rows.learn([*self.encode(asked.assistant), layout.text_end])
        if len(rows.ids) > self._most_positions:
            raise UnusableSequence(
                f"{stream.stream_id}: needs {len(rows.ids)} positions, a sequence has at most "
                f"{self._most_positions}"
            )
        return rows.sequence(stream, SequenceMode.OFFLINE)

    def _prompt(self, stream: TrainingStream) -> list[int]:
        prompt = stream.system_prompt
        return self.encode(self._system_prompt if prompt is None else prompt)

    def _untaught_chunk(self, rows: _Rows, control: int | None) -> int:
        """Heard in silence, right or wrong; returns the next chunk's control."""
        rows.give(self._layout.chunk_head(control))
        rows.hear([self._layout.audio_slot] * self.tower.chunk_embeddings)
        rows.give([self._layout.assistant])
        return self._layout.keep_silence

    def _chunk(self, rows: _Rows, turn: StreamTurn | None, control: int | None) -> int:
        """Append a chunk and what follows its decision; returns the next chunk's control."""
        layout = self._layout
        self._untaught_chunk(rows, control)
        if turn is not None and turn.scene_type != TYPED:
            rows.decide(layout.text_begin)
            return self._reply(rows, turn)
        rows.decide(layout.keep_silence)
        if turn is None:
            return layout.keep_silence
        asked = [layout.keep_silence, *layout.user_turn(self.encode(turn.user))]
        if turn.response_chunk is None:
            rows.give(asked[:-1])
            return asked[-1]
        rows.give([*asked, layout.assistant])
        return self._reply(rows, turn)

    def _reply(self, rows: _Rows, turn: StreamTurn) -> int:
        """Up to the last token; the end of text is the next chunk's control."""
        layout = self._layout
        emotion = [layout.emotions[turn.emotion]] if layout.emotion_slot else []
        rows.give([layout.text_begin])
        rows.learn([*emotion, *self.encode(turn.assistant), layout.text_end])
        return layout.text_end


def _says(turn: StreamTurn) -> bool:
    return turn.response_chunk is not None or turn.scene_type == TYPED


def _late(
    stream_id: str, turns: Mapping[int, StreamTurn], chunks: int, share: float
) -> frozenset[int]:
    """The chunks whose reply waits for the next one, where nothing else is said; the same ones
    whenever the stream is read.
    """
    return frozenset(
        chunk
        for chunk, turn in turns.items()
        if turn.scene_type != TYPED
        and chunk + 1 < chunks
        and chunk + 1 not in turns
        and zlib.crc32(f"{stream_id} {chunk}".encode()) < share * 2**32
    )


class _Rows:
    """The positions of a sequence while it is written."""

    def __init__(self, prefix: Sequence[int], *, first_audio: int = 0, slots: int = 0) -> None:
        self.ids = list(prefix)
        self._text = [MASKED] * len(prefix)
        self._control = [MASKED] * len(prefix)
        self._audio = list(range(first_audio, first_audio + slots))

    def give(self, ids: Sequence[int]) -> None:
        """What teaches nothing."""
        self.ids += ids
        self._text += [MASKED] * len(ids)
        self._control += [MASKED] * len(ids)

    def hear(self, slots: Sequence[int]) -> None:
        """Where embeddings go."""
        self._audio += range(len(self.ids), len(self.ids) + len(slots))
        self.give(slots)

    def decide(self, token: int) -> None:
        """What is right after the last position."""
        self._control[-1] = token

    def learn(self, tokens: Sequence[int]) -> None:
        """What is to be said after the last position; the last of it is predicted only."""
        first = len(self.ids) - 1
        self.give(tokens[:-1])
        self._text[first : first + len(tokens)] = tokens

    def forget_from(self, position: int) -> None:
        """Take back what was appended since."""
        del self.ids[position:], self._text[position:], self._control[position:]
        self._audio = [at for at in self._audio if at < position]

    def sequence(self, stream: TrainingStream, mode: SequenceMode) -> TrainingSequence:
        return TrainingSequence(
            stream_id=stream.stream_id,
            mode=mode,
            sound=_whole_chunks(stream.sound),
            ids=np.array(self.ids),
            text_labels=np.array(self._text),
            control_labels=np.array(self._control),
            audio_at=np.array(self._audio),
        )


def _whole_chunks(sound: Floats) -> Floats:
    return np.pad(sound, (0, -len(sound) % FRAME_SAMPLES))
