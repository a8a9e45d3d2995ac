"""Section 4 of the paper, held against examples written out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.model_runtime.protocol import FRAME_SAMPLES, Emotion
from interject.training.sequences.cut import cut_stream
from interject.training.sequences.sequence import MASKED, TrainingSequence
from interject.training.sequences.sequence_writer import TYPED, SequenceWriter, UnusableSequence
from tests.model_runtime.worlds import small_model
from tests.training.sequences.streams import stream, turn

MODEL = small_model()
LAYOUT = MODEL.config.layout
WRITER = SequenceWriter(MODEL)
# The small model's ids: one token a byte ("!" is 0), control ids from 256 on.
USER, ASSISTANT, SILENT, SLOT, ONLINE, OFFLINE, LANGUAGE, END, RESPOND = range(256, 265)
OFFLINE_SLOT, AUDIO_BEGIN, AUDIO_END, HAPPY, NORMAL = 265, 266, 267, 268, 272
H, I, O, K = 39, 72, 46, 42  # noqa: E741
SOUND = [SLOT] * 10
PREFIX = [ONLINE, LANGUAGE, RESPOND, RESPOND, END]


def labels(found: np.ndarray[tuple[int], np.dtype[np.int64]]) -> dict[int, int]:
    """What is to be predicted, by position."""
    return {int(at): int(found[at]) for at in np.flatnonzero(found != MASKED)}


def test_a_stream_s_ids_labels_and_masks_are_those_of_section_4() -> None:
    written = WRITER.online(stream(3, turn(1, "Hi", emotion=Emotion.HAPPY)))
    assert written.ids.tolist() == [
        *PREFIX,                                              # 0
        AUDIO_BEGIN, *SOUND, ASSISTANT,                       # 5: no control before the first
        SILENT, AUDIO_BEGIN, *SOUND, ASSISTANT,               # 17
        RESPOND, HAPPY, H, I,                                 # 30
        END, AUDIO_BEGIN, *SOUND, ASSISTANT,                  # 34
    ]  # fmt: skip
    assert labels(written.control_labels) == {16: SILENT, 29: RESPOND, 46: SILENT}
    assert labels(written.text_labels) == {30: HAPPY, 31: H, 32: I, 33: END}
    assert written.audio_at.tolist() == [*range(6, 16), *range(19, 29), *range(36, 46)]
    assert written.decision_at.tolist() == [16, 29, 46]


def test_a_clip_s_ids_labels_and_masks_are_those_of_section_4() -> None:
    written = WRITER.offline(stream(1.2, turn(0, "OK", user="Hi", emotion=Emotion.HAPPY)))
    assert written.ids.tolist() == [
        OFFLINE, LANGUAGE, RESPOND, RESPOND, END,             # 0
        AUDIO_BEGIN, *[OFFLINE_SLOT] * 20, AUDIO_END,         # 5
        USER, RESPOND, H, I, END,                             # 27
        ASSISTANT, RESPOND, O, K,                             # 32: no emotion
    ]  # fmt: skip
    assert labels(written.control_labels) == {}
    assert labels(written.text_labels) == {33: O, 34: K, 35: END}
    assert written.audio_at.tolist() == [*range(6, 26)]
    assert written.chunks == 2


def test_a_late_reply_teaches_nothing_at_its_own_chunk() -> None:
    heard = stream(3, turn(1, "Hi", emotion=Emotion.HAPPY))
    written = WRITER.online(heard, late_share=1.0)
    assert written.ids.tolist() == [
        *PREFIX,
        AUDIO_BEGIN, *SOUND, ASSISTANT,                       # 5
        SILENT, AUDIO_BEGIN, *SOUND, ASSISTANT,               # 17: silent, and that is not taught
        SILENT, AUDIO_BEGIN, *SOUND, ASSISTANT,               # 30
        RESPOND, HAPPY, H, I,
    ]  # fmt: skip
    assert labels(written.control_labels) == {16: SILENT, 42: RESPOND}
    assert labels(written.text_labels) == {43: HAPPY, 44: H, 45: I, 46: END}


def test_only_a_share_of_replies_is_late_and_none_without_a_free_chunk() -> None:
    full = stream(3, turn(1, "Hi"), turn(2, "OK"))
    assert WRITER.online(full, late_share=1.0).ids.tolist() == WRITER.online(full).ids.tolist()
    late = 0
    for number in range(200):
        heard = stream(3, turn(1, "Hi"), name=f"s{number}")
        written = WRITER.online(heard, late_share=0.3)
        assert written.ids.tolist() == WRITER.online(heard, late_share=0.3).ids.tolist()
        late += len(written.decision_at) == 2
    assert 40 <= late <= 80


def test_a_typed_turn_is_read_and_not_heard() -> None:
    asked = turn(0, "Hi", user="OK", scene_type=TYPED)
    written = WRITER.online(stream(2, asked))
    assert written.ids.tolist() == [
        *PREFIX, AUDIO_BEGIN, *SOUND, ASSISTANT,
        SILENT, USER, RESPOND, O, K, END, ASSISTANT,          # 17
        RESPOND, NORMAL, H, I,                                # 24
        END, AUDIO_BEGIN, *SOUND, ASSISTANT,
    ]  # fmt: skip
    assert labels(written.control_labels) == {16: SILENT, 40: SILENT}
    assert labels(written.text_labels) == {24: NORMAL, 25: H, 26: I, 27: END}


def test_a_typed_turn_without_an_answer_ends_where_the_next_chunk_begins() -> None:
    written = WRITER.online(stream(2, turn(0, user="OK", scene_type=TYPED)))
    after = [SILENT, USER, RESPOND, O, K, END, AUDIO_BEGIN]
    assert written.ids.tolist()[17:24] == after
    assert labels(written.text_labels) == {}


def test_a_turn_to_be_silent_at_teaches_silence() -> None:
    written = WRITER.online(stream(2, turn(0, user="a bark")))
    assert set(labels(written.control_labels).values()) == {SILENT}
    assert labels(written.text_labels) == {}


def test_what_a_reply_quotes_of_control_tokens_cannot_steer() -> None:
    writer = SequenceWriter(small_model())
    assert not any(LAYOUT.is_banned(i) for i in writer.encode("<silent> [USER] Ā"))


def test_a_layout_without_emotions_puts_none_into_a_reply() -> None:
    config = replace(MODEL.config, layout=replace(LAYOUT, emotion_slot=False))
    written = SequenceWriter(replace(MODEL, config=config)).online(stream(1, turn(0, "Hi")))
    assert labels(written.text_labels) == {17: H, 18: I, 19: END}


def test_a_stream_has_the_prompt_as_trained_unless_it_names_its_own() -> None:
    own = WRITER.online(stream(1, prompt="Hi"))
    assert own.ids.tolist()[4:7] == [H, I, END]
    default = WRITER.online(stream(1, prompt=None))
    prompt = default.ids.tolist()[4:-13]
    text = "".join(chr(33 + i) if i < 94 else " " for i in prompt)
    assert text.startswith("You are a helpful assistant.")


def test_a_stream_that_is_too_long_is_cut_at_a_chunk_with_its_sound() -> None:
    long = stream(8, turn(1, "Hi"), turn(6, "OK"))
    written = SequenceWriter(MODEL, most_chunks=5).online(long)
    assert written.chunks == len(written.decision_at) == 5
    assert (written.sound == long.sound[: 5 * FRAME_SAMPLES]).all()
    assert written.ids.tolist() == WRITER.online(cut_stream(long, 5)).ids.tolist()
    assert O not in labels(written.text_labels).values()


def test_a_stream_that_needs_too_many_positions_is_cut_at_a_chunk_too() -> None:
    long = stream(8, turn(1, "H" * 40))
    written = SequenceWriter(MODEL, most_positions=60).online(long)
    assert written.chunks == 1
    assert len(written) == 17
    assert WRITER.online(long).chunks == 8


def test_a_prompt_that_leaves_no_room_is_refused() -> None:
    with pytest.raises(UnusableSequence, match="one: its prompt and first chunk need"):
        SequenceWriter(MODEL, most_positions=12).online(stream(2))


def test_a_clip_needs_one_answer_and_all_of_its_sound() -> None:
    with pytest.raises(UnusableSequence, match="one: has 0 answers"):
        WRITER.offline(stream(2))
    with pytest.raises(UnusableSequence, match="one: has 3 chunks, a clip at most 2"):
        SequenceWriter(MODEL, most_chunks=2).offline(stream(3, turn(0, "Hi")))


def test_a_checkpoint_without_a_tokenizer_is_refused() -> None:
    with pytest.raises(UnusableSequence, match=r"no tokenizer\.json"):
        SequenceWriter(replace(MODEL, tokenizer=None))


def test_labels_never_fall_together() -> None:
    good = WRITER.online(stream(1, turn(0, "Hi")))
    both = good.text_labels.copy()
    both[good.decision_at[0]] = 1
    with pytest.raises(ValueError, match="teaches both text and control"):
        TrainingSequence(
            "one", good.mode, good.sound, good.ids, both, good.control_labels, good.audio_at
        )


@given(
    st.lists(st.tuples(st.booleans(), st.text("abc", min_size=1, max_size=6)), max_size=12),
    st.integers(1, 12),
    st.integers(40, 120),
)
def test_masks_hold_for_every_stream(
    plan: list[tuple[bool, str]], most_chunks: int, most_positions: int
) -> None:
    """Each chunk is decided once, text ends with an end, and what is given teaches nothing."""
    turns = [turn(chunk, text) for chunk, (answered, text) in enumerate(plan) if answered]
    given_stream = stream(max(1, len(plan)), *turns)
    writer = SequenceWriter(MODEL, most_chunks=most_chunks, most_positions=most_positions)
    written = writer.online(given_stream)
    decided = labels(written.control_labels)
    assert len(written) <= most_positions
    assert len(decided) == written.chunks <= most_chunks
    assert set(decided.values()) <= {SILENT, RESPOND}
    assert all(written.ids[at] == ASSISTANT for at in decided)
    said = labels(written.text_labels)
    replies = list(decided.values()).count(RESPOND)
    assert list(said.values()).count(END) == replies
    assert {SILENT, RESPOND}.isdisjoint(said.values())
    assert set(decided).isdisjoint(said)
    assert (written.ids[written.audio_at] == SLOT).all()
    taught = set(decided) | set(said)
    assert taught.isdisjoint(written.audio_at.tolist())
    assert taught.isdisjoint(range(len(PREFIX)))
    for at, token in (decided | said).items():
        assert at + 1 == len(written) or written.ids[at + 1] == token
