"""What is taken is what was written, and what was taken is known by its place in the writing."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from interject.integrations.audio.playout_buffer import PlayoutBuffer


def tone(samples: int, rate_hz: int, hz: float = 440.0) -> bytes:
    wave = 8_000.0 * np.sin(2 * np.pi * hz * np.arange(samples) / rate_hz)
    return bytes(np.rint(wave).astype("<i2").tobytes())


def test_sound_of_the_lines_own_rate_passes_untouched() -> None:
    buffer = PlayoutBuffer(8_000)
    sound = tone(1_000, 8_000)
    buffer.write(sound, 8_000)
    taken = np.concatenate([buffer.take(160) for _ in range(7)])
    assert taken.astype("<i2").tobytes() == sound
    assert len(buffer.take(160)) == 0


def test_resampled_pieces_sound_like_the_whole() -> None:
    sound = tone(22_050, 22_050)
    whole, pieces = PlayoutBuffer(8_000), PlayoutBuffer(8_000)
    whole.write(sound, 22_050)
    for at in range(0, len(sound), 602):
        pieces.write(sound[at : at + 602], 22_050)
    for buffer in (whole, pieces):
        buffer.finish()
    one, other = whole.take(9_000), pieces.take(9_000)
    assert len(one) == len(other) == 8_000
    np.testing.assert_array_equal(one, other)
    middle = one[500:-500].astype(np.float64)
    assert np.abs(np.fft.rfft(middle)).argmax() == round(440 * len(middle) / 8_000)


def test_a_finished_reply_is_played_to_its_last_written_sample() -> None:
    buffer = PlayoutBuffer(8_000)
    buffer.write(tone(22_051, 22_050), 22_050)
    buffer.finish()
    buffer.take(100_000)
    assert buffer.written_position(buffer.taken) == 22_051


def test_what_is_cleared_never_counts() -> None:
    buffer = PlayoutBuffer(8_000)
    buffer.write(tone(16_000, 16_000), 16_000)
    buffer.take(4_000)
    buffer.clear(played=2_000)
    assert buffer.written_position(buffer.taken) == 4_000
    buffer.write(tone(16_000, 16_000), 16_000)
    buffer.finish()
    buffer.take(100_000)
    assert buffer.written_position(buffer.taken) == 4_000 + 16_000


def test_two_rates_follow_each_other() -> None:
    buffer = PlayoutBuffer(8_000)
    buffer.write(tone(8_000, 16_000), 16_000)
    buffer.write(tone(4_000, 8_000), 8_000)
    assert len(buffer.take(100_000)) == 8_000
    assert buffer.written_position(4_000) == 8_000
    assert buffer.written_position(8_000) == 12_000


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["write", "take", "finish", "clear"]),
            st.integers(1, 3_000),
            st.sampled_from([8_000, 16_000, 22_050]),
        ),
        max_size=30,
    )
)
def test_the_position_never_goes_back_nor_beyond_what_was_written(
    steps: list[tuple[str, int, int]],
) -> None:
    buffer, written, before = PlayoutBuffer(8_000), 0, 0
    for action, samples, rate_hz in steps:
        if action == "write":
            buffer.write(tone(samples, rate_hz), rate_hz)
            written += samples
        elif action == "take":
            assert len(buffer.take(samples)) <= samples
        elif action == "finish":
            buffer.finish()
        else:
            buffer.clear()
            assert buffer.held_samples == 0
        position = buffer.written_position(buffer.taken)
        assert before <= position <= written
        before = position
