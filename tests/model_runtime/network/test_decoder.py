"""The decoder equals that of transformers; slots, batches and evictions change nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from interject.model_runtime.checkpoint import load_checkpoint
from interject.model_runtime.network.attention import Segment, SlotAttention
from interject.model_runtime.network.decoder import Decoder
from interject.model_runtime.network.kv_cache import KVCache
from interject.model_runtime.rounding import assert_same, decoder_terms
from tests.model_runtime.random_weights import randomise
from tests.model_runtime.reference import (
    DECODER,
    litgpt_tensors,
    reference_decoder,
    reference_tower,
    write_released,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor
    from transformers import Qwen2ForCausalLM

    from interject.model_runtime.network.attention import _Group

pytestmark = pytest.mark.numerics
TERMS = decoder_terms(DECODER)
Pair = tuple["Qwen2ForCausalLM", Decoder]


class BatchedAttention(SlotAttention):
    """Groups neighbours of equal length on a CPU too."""

    def _plan(self, segments: Sequence[Segment], *, batched: bool) -> list[_Group]:
        del batched
        return super()._plan(segments, batched=True)


@pytest.fixture(scope="module")
def tower_state() -> dict[str, Tensor]:
    return dict(reference_tower().state_dict())


@pytest.fixture(scope="module")
def decoders(tmp_path_factory: pytest.TempPathFactory, tower_state: dict[str, Tensor]) -> Pair:
    theirs = reference_decoder()
    directory: Path = tmp_path_factory.mktemp("decoder") / "released"
    write_released(directory, tower_state, litgpt_tensors(theirs, DECODER))
    return theirs, load_checkpoint(directory).decoder


@pytest.fixture(scope="module")
def decoder(decoders: Pair) -> Decoder:
    return decoders[1]


def token_ids(count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(DECODER.vocabulary, (count,), generator=generator)


def whole(decoder: Decoder, rows: Tensor) -> Tensor:
    """Hidden states of one sequence, computed at once."""
    return decoder.forward_train(rows[None])[0]


def feed(
    decoder: Decoder,
    cache: KVCache,
    parts: Sequence[tuple[int, Tensor]],
    attention: type[SlotAttention] = SlotAttention,
) -> list[Tensor]:
    """One step that feeds rows to slots; returns each slot's hidden states."""
    segments = [Segment(slot, cache.lengths[slot], len(rows)) for slot, rows in parts]
    rows = torch.cat([rows for _, rows in parts])
    hidden = decoder.forward_rows(rows, attention(cache, segments))
    for segment in segments:
        cache.lengths[segment.slot] = segment.end
    return list(hidden.split([segment.length for segment in segments]))


@torch.inference_mode()
def test_logits_equal_transformers(decoders: Pair) -> None:
    theirs, ours = decoders
    ids = torch.stack([token_ids(100, seed) for seed in range(3)])
    logits = ours.logits(ours.forward_train(ours.embed(ids)))
    assert_same(logits, theirs(input_ids=ids).logits, terms=TERMS)


@torch.inference_mode()
def test_rows_that_nobody_reads_fill_their_slots_all_the_same(decoder: Decoder) -> None:
    rows = decoder.embed(token_ids(20))
    read, unread = KVCache(DECODER, 1), KVCache(DECODER, 1)
    hidden = decoder.forward_rows(rows, SlotAttention(read, [Segment(0, 0, 20)]))
    nothing = decoder.forward_rows(rows, SlotAttention(unread, [Segment(0, 0, 20)]), read=False)
    assert len(hidden) == 20
    assert nothing.shape == (0, DECODER.width)
    assert read.keys[-1, 0, :20].any()
    assert torch.equal(read.keys, unread.keys)
    assert torch.equal(read.values, unread.values)


@torch.inference_mode()
def test_logits_of_two_tokens_are_rows_of_all(decoder: Decoder) -> None:
    hidden = whole(decoder, decoder.embed(token_ids(7)))
    two = torch.tensor([250, 3])
    of_all = decoder.logits(hidden)[:, two]
    assert_same(decoder.logits(hidden, two), of_all, terms=DECODER.width)


@torch.inference_mode()
def test_both_orders_of_queries_keys_and_values_load_alike(
    decoders: Pair, tower_state: dict[str, Tensor], tmp_path: Path
) -> None:
    theirs, ours = decoders
    tensors = litgpt_tensors(theirs, DECODER, interleaved=True)
    assert "transformer.h.0.attn.attn.bias" in tensors
    other = load_checkpoint(write_released(tmp_path / "legacy", tower_state, tensors)).decoder
    rows = ours.embed(token_ids(20))
    assert_same(other.logits(whole(other, rows)), ours.logits(whole(ours, rows)), terms=TERMS)


@settings(max_examples=25, deadline=None)
@given(lengths=st.lists(st.integers(1, 20), min_size=1, max_size=6), slot=st.integers(0, 2))
@torch.inference_mode()
def test_pieces_equal_the_whole(decoder: Decoder, lengths: list[int], slot: int) -> None:
    rows = decoder.embed(token_ids(sum(lengths), seed=len(lengths)))
    cache = KVCache(DECODER, 3)
    hidden = torch.cat([feed(decoder, cache, [(slot, part)])[0] for part in rows.split(lengths)])
    assert_same(hidden, whole(decoder, rows), terms=TERMS)


@pytest.mark.parametrize("attention", [SlotAttention, BatchedAttention])
@torch.inference_mode()
def test_sessions_in_one_step_equal_each_alone(
    decoder: Decoder, attention: type[SlotAttention]
) -> None:
    cache = KVCache(DECODER, 4)
    rows = [decoder.embed(token_ids(60, seed)) for seed in range(4)]
    # (slot, rows) of each step: neighbours of one length, lengths that differ, single rows.
    steps = [
        [(2, 13), (0, 13), (1, 5)],
        [(1, 13), (3, 13), (0, 26)],
        [(3, 1), (1, 1), (0, 1), (2, 1)],
        [(0, 1), (2, 13), (3, 13), (1, 1)],
        [(0, 1), (1, 1), (2, 2), (3, 2)],
    ]
    seen: dict[int, list[Tensor]] = {slot: [] for slot in range(4)}
    for step in steps:
        starts = cache.lengths
        parts = [(slot, rows[slot][starts[slot] : starts[slot] + count]) for slot, count in step]
        for (slot, _), hidden in zip(parts, feed(decoder, cache, parts, attention), strict=True):
            seen[slot].append(hidden)
    for slot, pieces in seen.items():
        hidden = torch.cat(pieces)
        wanted = whole(decoder, rows[slot][: len(hidden)])
        assert_same(hidden, wanted, terms=TERMS)


@torch.inference_mode()
def test_truncating_takes_back(decoder: Decoder) -> None:
    cache = KVCache(DECODER, 1)
    rows = decoder.embed(token_ids(30))
    feed(decoder, cache, [(0, rows[:10])])
    feed(decoder, cache, [(0, decoder.embed(token_ids(25, seed=9)))])
    cache.truncate(0, 10)
    hidden = feed(decoder, cache, [(0, rows[10:])])[0]
    assert_same(hidden, whole(decoder, rows)[10:], terms=TERMS)


@pytest.mark.parametrize("spare_slot", [0, 1])
@torch.inference_mode()
def test_eviction_from_one_layer_equals_having_heard_only_the_rest(spare_slot: int) -> None:
    """With one layer keys and values depend on a row and its position alone, so this is exact."""
    shape = replace(DECODER, layers=1)
    decoder = Decoder(shape).eval()
    randomise(decoder, seed=4)
    cache = KVCache(shape, 2)
    slot = 1 - spare_slot
    rows, more = decoder.embed(token_ids(110)), decoder.embed(token_ids(15, seed=1))
    feed(decoder, cache, [(slot, rows)])
    spare = feed(decoder, cache, [(spare_slot, rows[:20])])[0]
    stay = torch.cat((torch.arange(6), torch.arange(31, 40), torch.arange(77, 110)))
    cache.keep(slot, stay)
    assert cache.lengths[slot] == len(stay)
    hidden = feed(decoder, cache, [(slot, more)])[0]
    wanted = whole(decoder, torch.cat((rows[stay], more)))[len(stay) :]
    assert_same(hidden, wanted, terms=TERMS)
    cache.truncate(spare_slot, 19)
    again = feed(decoder, cache, [(spare_slot, rows[19:20])])[0]
    assert_same(again, spare[19:], terms=TERMS)


@torch.inference_mode()
def test_many_evictions_do_not_add_up_to_an_error() -> None:
    """Keys turned a hundred times stay where a single turn would have put them."""
    shape = replace(DECODER, layers=1)
    decoder = Decoder(shape).eval()
    randomise(decoder, seed=4)
    cache = KVCache(shape, 1)
    held = decoder.embed(token_ids(40))
    feed(decoder, cache, [(0, held)])
    for seed in range(100):
        fresh = decoder.embed(token_ids(20, seed))
        hidden = feed(decoder, cache, [(0, fresh)])[0]
        held = torch.cat((held, fresh))
        assert_same(hidden, whole(decoder, held)[-20:], terms=TERMS)
        stay = torch.cat((torch.arange(20), torch.arange(25, 30), torch.arange(45, 60)))
        cache.keep(0, stay)
        held = held[stay]


@torch.inference_mode()
def test_keeping_everything_changes_nothing(decoder: Decoder) -> None:
    cache = KVCache(DECODER, 1)
    feed(decoder, cache, [(0, decoder.embed(token_ids(12)))])
    keys = cache.keys[:, 0, :12].clone()
    cache.keep(0, torch.arange(12))
    assert torch.equal(cache.keys[:, 0, :12], keys)
    assert cache.lengths == [12]


def test_slots_are_taken_and_given_back() -> None:
    cache = KVCache(DECODER, 2)
    first, second = cache.allocate(), cache.allocate()
    assert {first, second} == {0, 1}
    assert cache.allocate() is None
    assert cache.free_slots == 0
    assert first is not None
    cache.lengths[first] = 7
    cache.free(first)
    assert cache.free_slots == 1
    assert cache.allocate() == first
    assert cache.lengths[first] == 0


def test_a_fresh_memory_holds_no_chance_values() -> None:
    """Masked values are multiplied by zero, and zero times NaN is NaN."""
    cache = KVCache(DECODER, 2)
    assert not cache.keys.any()
    assert not cache.values.any()


def test_a_segment_that_does_not_fit_is_an_error() -> None:
    cache = KVCache(DECODER, 1)
    with pytest.raises(AssertionError, match="128 positions, 129 are needed"):
        SlotAttention(cache, [Segment(0, 120, 9)])
