from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from interject.training.fine_tuning.tower_cache import CachedHearing
from interject.training.sequences.hearing import DirectHearing
from interject.training.sequences.sequence_writer import SequenceWriter
from tests.model_runtime.worlds import small_model
from tests.training.sequences.streams import stream, turn

if TYPE_CHECKING:
    from pathlib import Path

MODEL = small_model()
WRITER = SequenceWriter(MODEL)
HEARD = stream(3, turn(1, "Hi"))


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.safetensors"))


def test_what_was_heard_is_read_back_bit_for_bit(tmp_path: Path) -> None:
    sequence = WRITER.online(HEARD)
    direct = DirectHearing(MODEL.config).states(MODEL.tower, sequence)
    for _ in range(2):
        hearing = CachedHearing(MODEL, tmp_path, precision="float32")
        assert torch.equal(hearing.states(MODEL.tower, sequence), direct)
    assert len(files(tmp_path)) == 1


def test_a_name_is_of_all_that_decides_about_the_states(tmp_path: Path) -> None:
    other_tower = small_model(seed=9)
    hearings = [
        (CachedHearing(MODEL, tmp_path, precision="float32"), MODEL),
        (CachedHearing(MODEL, tmp_path, precision="bfloat16"), MODEL),
        (CachedHearing(other_tower, tmp_path, precision="float32"), other_tower),
    ]
    sequences = [WRITER.online(HEARD), WRITER.offline(HEARD), WRITER.online(stream(3, seed=1))]
    for hearing, model in hearings:
        for sequence in sequences:
            hearing.states(model.tower, sequence)
    assert len(files(tmp_path)) == 9


def test_the_text_of_a_stream_decides_nothing_about_its_states(tmp_path: Path) -> None:
    hearing = CachedHearing(MODEL, tmp_path, precision="float32")
    for text in ("Hi", "OK"):
        hearing.states(MODEL.tower, WRITER.online(stream(3, turn(1, text))))
    assert len(files(tmp_path)) == 1


def test_what_is_damaged_is_computed_again(tmp_path: Path) -> None:
    hearing = CachedHearing(MODEL, tmp_path, precision="float32")
    sequence = WRITER.online(HEARD)
    expected = hearing.states(MODEL.tower, sequence)
    for damage in (b"", b"nothing"):
        files(tmp_path)[0].write_bytes(damage)
        assert torch.equal(hearing.states(MODEL.tower, sequence), expected)
