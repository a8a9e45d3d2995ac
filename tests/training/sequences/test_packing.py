"""A packed row computes what its sequences do alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from interject.model_runtime.checkpoint import Model, random_model
from interject.model_runtime.rounding import assert_same, decoder_terms, tower_terms
from interject.training.sequences.dual_loss import dual_loss
from interject.training.sequences.hearing import DirectHearing
from interject.training.sequences.packed_attention import PackedAttention
from interject.training.sequences.packed_model import PackedModel
from interject.training.sequences.packing import balanced, pack
from interject.training.sequences.sequence import MASKED
from interject.training.sequences.sequence_writer import SequenceWriter
from tests.model_runtime.random_weights import randomise
from tests.model_runtime.worlds import byte_tokenizer, small_model
from tests.training.sequences.streams import stream, turn

if TYPE_CHECKING:
    from torch import Tensor

    from interject.training.sequences.dual_loss import DualLoss
    from interject.training.sequences.sequence import TrainingSequence

CONFIG = small_model().config


def a_model() -> Model:
    model = random_model(CONFIG, tokenizer=byte_tokenizer())
    randomise(model.tower, 1)
    randomise(model.decoder, 2)
    return model


def some_sequences(model: Model) -> list[TrainingSequence]:
    writer = SequenceWriter(model)
    return [
        writer.online(stream(3, turn(1, "Hi"), name="a", seed=1)),
        writer.offline(stream(7, turn(2, "OK", user="What?"), name="b", seed=2)),
        writer.online(stream(2, turn(0, "Yes"), turn(1, "No"), name="c", seed=3)),
    ]


def run(packed: PackedModel, *sequences: TrainingSequence) -> tuple[DualLoss, dict[str, Tensor]]:
    """The loss, and every gradient of its weighted sum."""
    packed.zero_grad()
    loss = packed(pack(sequences))
    loss.weighted(0.7).backward()
    return loss, {n: p.grad.clone() for n, p in packed.named_parameters() if p.grad is not None}


@pytest.mark.numerics
@pytest.mark.parametrize("recompute", [False, True])
def test_a_packed_row_has_the_loss_and_gradients_of_its_sequences(recompute: bool) -> None:
    model = a_model()
    hearing = DirectHearing(model.config, frozen=False)
    packed = PackedModel(model, hearing, recompute=recompute)
    sequences = some_sequences(model)
    together, gradients = run(packed, *sequences)
    apart = [run(packed, sequence) for sequence in sequences]
    longest = max(len(s) for s in sequences)
    forward = tower_terms(CONFIG.tower, 100) + decoder_terms(CONFIG.decoder, longest)
    for name in ("text", "control"):
        parts = torch.stack([getattr(loss, name) for loss, _ in apart])
        assert_same(getattr(together, name), parts.sum(), terms=forward, condition=3.0)
    assert_same(together.odds, torch.cat([x.odds for x, _ in apart]), terms=forward, condition=3.0)
    assert together.taught == sum(loss.taught for loss, _ in apart)
    rows = sum(len(s) for s in sequences)
    assert gradients.keys() == {name for name, _ in packed.named_parameters()}
    for name, gradient in gradients.items():
        parts = torch.stack([g[name] for _, g in apart])
        assert_same(gradient, parts.sum(0), terms=2 * forward + rows, condition=3.0)


@pytest.mark.numerics
def test_no_sequence_of_a_row_sees_another() -> None:
    model = a_model()
    packed = PackedModel(model, DirectHearing(model.config))
    first, second, third = some_sequences(model)
    writer = SequenceWriter(model)
    other = writer.online(stream(4, turn(3, "Something else"), name="d", seed=9))
    with torch.no_grad():
        hidden = packed.hidden(pack([first, second, third]))
        changed = packed.hidden(pack([first, other, third]))
    assert torch.equal(hidden[: len(first)], changed[: len(first)])
    assert_same(
        changed[-len(third) :],
        hidden[-len(third) :],
        terms=decoder_terms(CONFIG.decoder, len(third)),
    )


@pytest.mark.numerics
def test_a_weight_of_one_is_plain_cross_entropy_over_all_labels() -> None:
    model = a_model()
    packed = PackedModel(model, DirectHearing(model.config))
    batch = pack(some_sequences(model))
    labels = torch.maximum(batch.text_labels, batch.control_labels)
    with torch.no_grad():
        loss = packed(batch)
        logits = model.decoder.logits(packed.hidden(batch))
    plain = functional.cross_entropy(logits, labels, ignore_index=MASKED)
    terms = CONFIG.decoder.width + CONFIG.decoder.vocabulary + len(labels)
    assert_same(loss.weighted(1.0) / loss.taught, plain, terms=terms)
    assert loss.taught == int((labels != MASKED).sum()) == batch.labelled


@pytest.mark.numerics
@given(st.lists(st.sampled_from("tcm"), min_size=1, max_size=40), st.floats(0, 4), st.integers(0))
def test_the_loss_is_the_paper_s_for_every_mask_and_weight(
    kinds: list[str], weight: float, seed: int
) -> None:
    """L = (1/N) sum [-log P(text) + weight * -log P(control)], N all that teach."""
    model = a_model()
    generator = torch.Generator().manual_seed(seed % 2**63)
    count = len(kinds)
    hidden = torch.randn(count, CONFIG.decoder.width, generator=generator)
    tokens = torch.randint(CONFIG.decoder.vocabulary, (count,), generator=generator)
    batch = pack(some_sequences(model)[:1])
    is_text = torch.tensor([kind == "t" for kind in kinds])
    is_control = torch.tensor([kind == "c" for kind in kinds])
    marked = type(batch)(
        batch.sequences, (count,), tokens, tokens,
        torch.where(is_text, tokens, MASKED), torch.where(is_control, tokens, MASKED),
        batch.audio_at,
    )  # fmt: skip
    loss = dual_loss(model.decoder, CONFIG.layout, hidden, marked)
    surprise = -model.decoder.logits(hidden).log_softmax(-1)[torch.arange(count), tokens]
    expected = surprise[is_text].sum() + weight * surprise[is_control].sum()
    terms = CONFIG.decoder.width + CONFIG.decoder.vocabulary + count
    assert_same(loss.weighted(weight), expected, terms=terms)
    assert loss.taught == kinds.count("t") + kinds.count("c")


@pytest.mark.gpu
def test_on_a_gpu_in_half_precision_flash_attention_computes_the_same() -> None:
    lengths, device = (70, 1, 13, 200), torch.device("cuda")
    generator = torch.Generator().manual_seed(3)
    q, k, v = (torch.randn(sum(lengths), heads, 64, generator=generator) for heads in (4, 2, 2))
    half = [t.to(device, torch.bfloat16).requires_grad_() for t in (q, k, v)]
    exact = [t.detach().float().cpu().requires_grad_() for t in half]
    found = PackedAttention(lengths, device)(*half)
    expected = PackedAttention(lengths, torch.device("cpu"))(*exact)
    found.float().square().sum().backward()
    expected.square().sum().backward()
    pairs = [(found, expected), *((a.grad, b.grad) for a, b in zip(half, exact, strict=True))]
    for mine, theirs in pairs:
        assert mine is not None
        assert theirs is not None
        assert_same(mine.cpu(), theirs.bfloat16(), terms=64 + max(lengths))


def test_positions_begin_anew_and_nothing_is_padded() -> None:
    sequences = some_sequences(small_model())
    batch = pack(sequences)
    assert len(batch.ids) == sum(batch.lengths) == sum(len(s) for s in sequences)
    starts = [0, batch.lengths[0], batch.lengths[0] + batch.lengths[1]]
    assert batch.positions[starts].tolist() == [0, 0, 0]
    assert batch.stream_ids == ("a", "b", "c")


def test_nothing_is_learnt_about_ordinary_rows_where_only_new_ones_are() -> None:
    model = a_model()
    packed = PackedModel(model, DirectHearing(model.config), new_rows_only=True)
    _, gradients = run(packed, *some_sequences(model))
    touched = gradients["decoder.embedding.weight"].abs().sum(1).nonzero().flatten().tolist()
    assert touched
    assert set(touched) <= set(CONFIG.layout.named_ids().values())


@given(st.lists(st.integers(1, 100), max_size=30), st.integers(1, 6))
def test_bins_are_nearly_even_and_hold_everything_once(sizes: list[int], bins: int) -> None:
    found = balanced(sizes, bins)
    assert sorted(index for chosen in found for index in chosen) == list(range(len(sizes)))
    totals = [sum(sizes[index] for index in chosen) for chosen in found]
    assert max(totals) - min(totals) <= max(sizes, default=0)
