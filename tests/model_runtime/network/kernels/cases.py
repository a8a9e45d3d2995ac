"""Every kernel against PyTorch's modules on a CPU.

Triton chooses between its compiler and its interpreter when it is imported, so these tests run in
processes of their own: `test_interpreted.py` begins one with TRITON_INTERPRET=1, `test_on_gpu.py`
one without.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.network.architecture import (
    UNGROUPED,
    DecoderShape,
    FeatureConfig,
    TowerShape,
)
from interject.model_runtime.network.attention import Segment, SlotAttention
from interject.model_runtime.network.backend import TorchBackend
from interject.model_runtime.network.decoder import Decoder, rotate
from interject.model_runtime.network.e4m3 import E4M3, dequantize
from interject.model_runtime.network.encoder import AudioTower
from interject.model_runtime.network.features import WINDOW_SAMPLES, clamp_and_scale, log_mel
from interject.model_runtime.network.kernels.attention import TileShape, attend, split_count
from interject.model_runtime.network.kernels.backend import TritonBackend
from interject.model_runtime.network.kernels.buckets import step_sizes, usual_steps
from interject.model_runtime.network.kernels.decoder import FusedDecoder, Tiling, tiling
from interject.model_runtime.network.kernels.features import ProductLogMel
from interject.model_runtime.network.kernels.fused import add_norm, swiglu
from interject.model_runtime.network.kernels.placement import place
from interject.model_runtime.network.kernels.recording import cannot_be_recorded
from interject.model_runtime.network.kernels.step_tables import HostTables, StepSize
from interject.model_runtime.network.kernels.tower import FusedTower
from interject.model_runtime.network.kv_cache import KVCache
from interject.model_runtime.protocol import SessionOptions
from interject.model_runtime.rounding import assert_same, decoder_terms, tower_terms
from tests.model_runtime.alike import assert_same_features
from tests.model_runtime.engine.engine_room import outline
from tests.model_runtime.random_weights import randomise
from tests.model_runtime.worlds import frames, noise, small_model

if TYPE_CHECKING:
    from torch import Tensor

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.protocol import Event

pytestmark = pytest.mark.numerics
DEVICE = torch.device("cpu" if os.environ.get("TRITON_INTERPRET") == "1" else "cuda")
CONTEXT = 48
SLOTS = 4
SHAPE = DecoderShape(
    width=32,
    layers=2,
    heads=4,
    kv_heads=2,
    head_dim=16,
    feed_forward=40,
    vocabulary=50,
    context=CONTEXT,
)
SHAPES = [
    SHAPE,
    replace(SHAPE, heads=6, head_dim=8),  # Neither heads nor columns fill a tile.
    replace(SHAPE, heads=7, kv_heads=1, head_dim=24),
]
TOWER = TowerShape(width=32, layers=2, heads=2, feed_forward=48, output=32)
CHUNK_ROWS = TOWER.chunk_positions
TILING = Tiling(
    TileShape(8, 16, 4, 2), TileShape(1, 16, 4, 2), wide_programs=8, single_programs=8
)  # fmt: skip
SPLITS = [1, 2, 4]
STORED = [None, E4M3]
"""In the slots: the rows' own type, or e4m3."""
PHASES = (Phase.explicit, Phase.generate)
"""The interpreter is too slow to look for the smallest example that fails."""


@pytest.fixture(autouse=True)
def _without_gradients() -> None:
    torch.manual_seed(7)


@st.composite
def steps(draw: st.DrawFn) -> list[Segment]:
    """Several slots, in any order: fresh ones, full ones, no rows, one row, many, in two parts."""
    segments = []
    for slot in draw(st.permutations(range(SLOTS)))[: draw(st.integers(1, SLOTS))]:
        length = draw(st.one_of(st.sampled_from([0, 1, 13]), st.integers(2, 20)))
        room = CONTEXT - length
        start = draw(st.one_of(st.sampled_from([0, room]), st.integers(0, room)))
        cut = draw(st.integers(0, length))
        segments += [Segment(slot, start, cut), Segment(slot, start + cut, length - cut)]
    if not rows_of(segments):
        segments.append(Segment(segments[0].slot, 0, 1))
    return draw(st.permutations(segments))


def rows_of(segments: list[Segment]) -> int:
    return sum(segment.length for segment in segments)


def some_cache(
    shape: DecoderShape, *, dtype: torch.dtype = torch.float32, stored: torch.dtype | None = None
) -> KVCache:
    cache = KVCache(shape, SLOTS, dtype=dtype, stored=stored)
    places = torch.arange(SLOTS * shape.context)
    for layer in range(shape.layers):
        k, v = torch.randn(2, len(places), shape.kv_heads, shape.head_dim)
        cache.write(layer, places, k, v)
    return cache


def on_device(cache: KVCache) -> KVCache:
    """A copy."""
    other = KVCache(
        cache.shape, SLOTS, dtype=cache.dtype, stored=cache.keys.dtype, device=DEVICE
    )  # fmt: skip
    other.keys.copy_(cache.keys)
    other.values.copy_(cache.values)
    if cache.scales is not None and other.scales is not None:
        other.scales.copy_(cache.scales)
    return other


def writable(cache: KVCache) -> KVCache:
    """A copy that kernels may write to. Triton's interpreter rounds up to no power of two in e4m3,
    so there they write what is to be rounded, and `assert_caches_same` has PyTorch do that.
    """
    other = on_device(cache)
    if DEVICE.type == "cpu" and cache.scales is not None:
        other.keys, other.values = other.keys.float(), other.values.float()
    return other


def assert_caches_same(found: KVCache, expected: KVCache, terms: int) -> None:
    if found.scales is not None and expected.scales is not None:
        assert_codes_same(found, expected, terms)
        return
    assert_same(found.keys.cpu(), expected.keys, terms=terms)
    assert_same(found.values.cpu(), expected.values, terms=terms)


def assert_codes_same(found: KVCache, expected: KVCache, terms: int) -> None:
    """Rounding may put a number that lies between two of e4m3's on the other."""
    assert found.scales is not None
    assert expected.scales is not None
    assert_same(found.scales.cpu(), expected.scales, terms=terms)
    kinds = ((found.keys, expected.keys), (found.values, expected.values))
    for index, (codes, wanted) in enumerate(kinds):
        scales = expected.scales[:, index]
        mine, theirs = (
            dequantize(held.cpu().to(E4M3), scales, torch.float32) for held in (codes, wanted)
        )
        step = torch.maximum(theirs.abs() / 8, 2**-9 * scales[..., None])
        assert ((mine - theirs).abs() <= step).all()
        assert (mine == theirs).float().mean() >= 0.99


def some_decoder(shape: DecoderShape = SHAPE) -> Decoder:
    decoder = Decoder(shape).eval().requires_grad_(False)
    randomise(decoder, seed=5)
    return decoder


def some_tower(shape: TowerShape = TOWER) -> AudioTower:
    tower = AudioTower(shape).eval().requires_grad_(False)
    randomise(tower, seed=6)
    return tower


def padded(table: Tensor, *values: int) -> Tensor:
    """With two rows more that are nobody's."""
    return torch.cat((table, torch.tensor([values] * 2, dtype=torch.int32, device=DEVICE)))


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("splits", SPLITS)
@settings(max_examples=5, phases=PHASES)
@given(segments=steps(), shape=st.sampled_from(SHAPES))
@torch.inference_mode()
def test_rows_are_placed_and_look_at_their_slots(
    splits: int, stored: torch.dtype | None, segments: list[Segment], shape: DecoderShape
) -> None:
    theirs, rows = some_cache(shape, stored=stored), rows_of(segments)
    mine = writable(theirs)
    qkv = torch.randn(rows, shape.heads + 2 * shape.kv_heads, shape.head_dim)
    bias = torch.randn(qkv.shape[1:])
    decoder = Decoder(shape)
    attention = SlotAttention(theirs, [s for s in segments if s.length])
    q, k, v = (qkv + bias).split((shape.heads, shape.kv_heads, shape.kv_heads), 1)
    turns = decoder.rotations(attention.positions, torch.float32)
    turned = rotate(q, *turns)
    expected = attention.attend(1, turned, rotate(k, *turns), v)
    cosines, sines = (t[:, 0] for t in decoder.rotations(torch.arange(CONTEXT), torch.float32))

    tables = HostTables(segments, [], tile_rows=TILING.wide.rows).on(DEVICE)
    qkv = torch.cat((qkv, torch.full_like(qkv[:1], torch.nan).repeat(2, 1, 1))).to(DEVICE)
    place(
        qkv,
        bias.flatten().to(DEVICE),
        mine.keys[1],
        mine.values[1],
        places=padded(tables.places, SLOTS, -1),
        cosines=cosines.to(DEVICE),
        sines=sines.to(DEVICE),
        scales=mine.scales_of(1),
    )
    assert_same(qkv[:rows, : shape.heads].cpu(), turned, terms=3)
    assert_caches_same(mine, theirs, terms=3)
    mine = on_device(theirs)

    out = torch.full((rows + 2, shape.heads, shape.head_dim), torch.nan, device=DEVICE)
    for tiles, tile in ((tables.wide, TILING.wide), (tables.single, TILING.single)):
        attend(
            qkv, mine.keys[1], mine.values[1], padded(tiles, rows, SLOTS, 0, 0), out,
            shape=tile, splits=splits, scales=mine.scales_of(1),
        )  # fmt: skip
    assert_same(out[:rows].cpu(), expected, terms=shape.head_dim + CONTEXT)
    assert out[rows:].isnan().all(), "padding was written"


@settings(max_examples=5, phases=PHASES)
@given(segments=steps(), data=st.data())
@torch.inference_mode()
def test_a_step_of_the_decoder(segments: list[Segment], data: st.DataObject) -> None:
    """Only rows that are wanted come back, in the order in which they are wanted."""
    segments = [s for s in segments if s.length]
    count = rows_of(segments)
    wanted = data.draw(st.lists(st.integers(0, count - 1), max_size=6))
    decoder, theirs = some_decoder(), some_cache(SHAPE)
    mine, rows = on_device(theirs), torch.randn(count, SHAPE.width)
    expected = decoder.forward_rows(rows, SlotAttention(theirs, segments))[wanted]
    fused = FusedDecoder(deepcopy(decoder).to(DEVICE), mine, TILING)
    tables = HostTables(segments, wanted, tile_rows=fused.tile_rows).on(DEVICE)
    hidden = fused(rows.clone().to(DEVICE), tables)
    terms = decoder_terms(SHAPE)
    assert_same(hidden.cpu(), expected, terms=terms)
    assert_caches_same(mine, theirs, terms)


@torch.inference_mode()
def test_a_step_over_slots_in_eight_bits() -> None:
    """A number that lies between two of e4m3's falls to either, so it is no more than alike."""
    segments = [Segment(2, 20, 13), Segment(0, 0, 20), Segment(1, 47, 1)]
    decoder, theirs = some_decoder(), some_cache(SHAPE, stored=E4M3)
    mine, rows = writable(theirs), torch.randn(34, SHAPE.width)
    expected = decoder.forward_rows(rows, SlotAttention(theirs, segments))
    fused = FusedDecoder(deepcopy(decoder).to(DEVICE), mine, TILING)
    fused.compile()
    tables = HostTables(segments, range(34), tile_rows=fused.tile_rows).on(DEVICE)
    hidden = fused(rows.clone().to(DEVICE), tables).cpu()
    assert torch.cosine_similarity(hidden.flatten(), expected.flatten(), dim=0) >= 0.99


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("splits", SPLITS)
@torch.inference_mode()
def test_sixteen_bits_in_tiles_of_the_true_size(splits: int, stored: torch.dtype | None) -> None:
    """The released model's heads; a chunk, a text longer than a tile, single rows.

    Triton's interpreter multiplies the bits of bfloat16 as whole numbers: there it is float16.
    """
    dtype = torch.bfloat16 if DEVICE.type == "cuda" else torch.float16
    shape = DecoderShape(layers=1, context=208)
    theirs = some_cache(shape, dtype=dtype, stored=stored)
    segments = [Segment(2, 150, 13), Segment(0, 0, 20), Segment(1, 207, 1), Segment(3, 130, 1)]
    qkv = torch.randn(35, shape.heads + 2 * shape.kv_heads, shape.head_dim).to(dtype)
    split = qkv.split((shape.heads, shape.kv_heads, shape.kv_heads), 1)
    expected = SlotAttention(theirs, segments).attend(0, *split)
    mine = on_device(theirs)
    tiles = tiling(DEVICE, torch.bfloat16)
    tables = HostTables(segments, [], tile_rows=tiles.wide.rows).on(DEVICE)
    out = torch.full((35, shape.heads, shape.head_dim), torch.nan, dtype=dtype, device=DEVICE)
    for table, tile in ((tables.wide, tiles.wide), (tables.single, tiles.single)):
        attend(
            qkv.to(DEVICE), mine.keys[0], mine.values[0], table, out,
            shape=tile, splits=splits, scales=mine.scales_of(0),
        )  # fmt: skip
    assert_same(out.cpu(), expected, terms=shape.head_dim + shape.context)


@pytest.mark.skipif(DEVICE.type == "cpu", reason="Triton's interpreter reads it as 480")
@torch.inference_mode()
def test_what_is_no_number_is_kept_as_such_in_eight_bits() -> None:
    cache = on_device(some_cache(SHAPE, stored=E4M3))
    heads = SHAPE.heads + 2 * SHAPE.kv_heads
    qkv = torch.ones(3, heads, SHAPE.head_dim, device=DEVICE)
    qkv[0] = torch.nan
    qkv[1] = torch.inf
    turns = torch.ones(CONTEXT, SHAPE.head_dim // 2, device=DEVICE)
    place(
        qkv, torch.zeros(heads * SHAPE.head_dim, device=DEVICE), cache.keys[0], cache.values[0],
        places=torch.tensor([[0, 5], [1, 6], [2, 7]], dtype=torch.int32, device=DEVICE),
        cosines=turns, sines=0 * turns, scales=cache.scales_of(0),
    )  # fmt: skip
    for slot, position, broken in ((0, 5, True), (1, 6, True), (2, 7, False)):
        for held in (cache.keys, cache.values):
            assert held[0, slot, position].float().isnan().all() == broken


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("splits", SPLITS)
@torch.inference_mode()
def test_what_is_no_number_in_one_slot_shows_there_and_nowhere_else(
    splits: int, stored: torch.dtype | None
) -> None:
    if stored is E4M3 and DEVICE.type == "cpu":
        pytest.skip("Triton's interpreter reads what is no number in e4m3 as 480")
    cache = on_device(some_cache(SHAPE, stored=stored))
    cache.keys[0, 1, 3] = torch.nan
    cache.values[0, 2, 44:] = torch.nan  # Behind the end of what is seen.
    segments = [Segment(0, 40, 4), Segment(1, 40, 4), Segment(2, 40, 4), Segment(1, 44, 1)]
    tables = HostTables(segments, [], tile_rows=8).on(DEVICE)
    qkv = torch.randn(13, SHAPE.heads + 2 * SHAPE.kv_heads, SHAPE.head_dim, device=DEVICE)
    out = torch.zeros(13, SHAPE.heads, SHAPE.head_dim, device=DEVICE)
    for tiles, tile in ((tables.wide, TILING.wide), (tables.single, TILING.single)):
        attend(
            qkv, cache.keys[0], cache.values[0], tiles, out,
            shape=tile, splits=splits, scales=cache.scales_of(0),
        )  # fmt: skip
    poisoned = out.isnan().flatten(1).any(1).tolist()
    assert poisoned == [False] * 4 + [True] * 4 + [False] * 4 + [True]


@pytest.mark.parametrize(
    ("programs", "wanted", "splits"), [(1, 132, 32), (8, 132, 16), (44, 132, 2), (200, 132, 1)]
)
def test_few_tiles_are_split_into_a_power_of_two(programs: int, wanted: int, splits: int) -> None:
    assert split_count(programs, wanted) == splits


@settings(max_examples=20, phases=PHASES)
@given(rows=st.integers(1, 4), width=st.integers(3, 80), layer=st.booleans(), adds=st.booleans())
@torch.inference_mode()
def test_sum_and_norm(rows: int, width: int, layer: bool, adds: bool) -> None:
    x, added, (weight, bias) = (
        1.0 + torch.randn(rows, width),
        torch.randn(rows, width),
        torch.randn(2, width),
    )
    total = x + added if adds else x.clone()
    if layer:
        expected = functional.layer_norm(total, (width,), weight, bias, 1e-5)
    else:
        expected = functional.rms_norm(total, (width,), weight, 1e-5)
    x = x.to(DEVICE)
    normed = add_norm(
        x,
        added.to(DEVICE) if adds else None,
        weight.to(DEVICE),
        bias.to(DEVICE) if layer else None,
        eps=1e-5,
    )
    assert torch.equal(x.cpu(), total)
    assert_same(normed.cpu(), expected, terms=width, condition=3.0)


@pytest.mark.parametrize("width", [1, 40, 1024, 1100])
@torch.inference_mode()
def test_swiglu(width: int) -> None:
    both = 3.0 * torch.randn(2, 2 * width)
    gate, up = both.chunk(2, dim=1)
    assert_same(swiglu(both.to(DEVICE)).cpu(), functional.silu(gate) * up, terms=4)


@torch.inference_mode()
def test_features_below_the_loudest_so_far_of_each_session() -> None:
    config = FeatureConfig()
    levels = torch.tensor([0.3, 0.001, 0.5, 0.02, 0.001])
    windows = levels[:, None] * torch.rand(5, WINDOW_SAMPLES)
    sessions, before = [0, 1, 1, 0, 2], [-torch.inf, -3.0, 2.0]
    spectra = log_mel(windows, config)
    peaks = spectra.amax((-2, -1)).tolist()
    running = [peaks[0], max(peaks[1], -3.0), max(peaks[2], peaks[1]), max(peaks[3], peaks[0]), 2.0]
    expected = clamp_and_scale(spectra, torch.tensor(running)[:, None, None], config)
    mel, loudest = ProductLogMel(config, DEVICE)(
        windows.to(DEVICE), torch.tensor(sessions, device=DEVICE), torch.tensor(before).to(DEVICE)
    )
    assert_same_features(mel.cpu(), expected)
    assert_same(10 ** loudest.cpu(), 10 ** torch.tensor(running), terms=config.n_fft)


@pytest.mark.parametrize("grouping", [1, 5])
@torch.inference_mode()
def test_the_tower(grouping: int) -> None:
    shape = replace(TOWER, grouping=grouping)
    tower = some_tower(shape)
    mel = torch.randn(3, shape.mel_bins, 40)
    found = FusedTower(deepcopy(tower).to(DEVICE))(mel.to(DEVICE))
    assert found.shape == (3, shape.chunk_embeddings, shape.output)
    assert_same(found.cpu(), tower(mel), terms=tower_terms(shape))


SIZES = step_sizes((1, 2, 4), (2,), chunk_rows=CHUNK_ROWS)
unread_padding = np.errstate(all="ignore")
"""NumPy, which the interpreter computes with, warns of what padding holds: anything at all."""


def both_backends(
    *, captured: bool, grouping: int = UNGROUPED
) -> tuple[TritonBackend, TorchBackend]:
    """On the same weights and empty slots."""
    decoder, config = some_decoder(), FeatureConfig()
    tower = some_tower(replace(TOWER, grouping=grouping))
    theirs = KVCache(SHAPE, SLOTS)
    mine = on_device(theirs)
    modules = deepcopy(tower).to(DEVICE), deepcopy(decoder).to(DEVICE)
    fused = TritonBackend(*modules, mine, config, tiles=TILING)
    if captured:
        fused.capture(SIZES, (2, 4))
    assert not mine.keys.any(), "compiling changed a slot"
    assert not mine.values.any(), "compiling changed a slot"
    return fused, TorchBackend(tower, decoder, theirs, config)


@pytest.mark.parametrize("grouping", [1, 5])
@pytest.mark.parametrize("captured", [False, True])
@torch.inference_mode()
@unread_padding
def test_both_backends_hear_and_remember_alike(captured: bool, grouping: int) -> None:
    """A prompt, chunks of two sessions, two at once of one of them, then a token beside a chunk."""
    backends = both_backends(captured=captured, grouping=grouping)
    windows = 0.1 * torch.rand(3, WINDOW_SAMPLES)
    (heard, loud), (expected, so_loud) = (
        backend.encode(windows, [1, 0, 1], [-torch.inf, -5.0]) for backend in backends
    )
    terms = tower_terms(replace(TOWER, grouping=grouping)) + decoder_terms(SHAPE)
    assert heard.shape == (3, 10 // grouping, SHAPE.width)
    assert_same(heard.cpu(), expected, terms=terms, condition=3.0)
    assert_same(loud.take(), so_loud.take(), terms=FeatureConfig().n_fft)
    for segments, wanted in (
        ([Segment(3, 0, 20)], []),
        ([Segment(3, 20, 13), Segment(0, 0, 12)], [12, 24]),
        ([Segment(0, 12, 26), Segment(3, 33, 1)], [12, 25, 26]),
        ([Segment(3, 34, 1), Segment(0, 35, 13)], [13, 0]),
    ):
        rows = torch.randn(rows_of(segments), SHAPE.width)
        hidden, reference = (
            backend.forward(rows.clone().to(backend.cache.keys.device), segments, wanted)
            for backend in backends
        )
        assert hidden.shape == (len(wanted), SHAPE.width)
        assert_same(hidden.cpu(), reference, terms=terms)
    assert_caches_same(backends[0].cache, backends[1].cache, terms)


@settings(max_examples=8, phases=PHASES)
@given(data=st.data())
@torch.inference_mode()
@unread_padding
def test_steps_of_any_shape_after_another_are_what_the_modules_compute(data: st.DataObject) -> None:
    """In a recorded size with padding, or, where none is large enough, as they are. What one step
    leaves behind where the next one lies is poison, and an earlier result stays what it was.
    """
    fused, modules = both_backends(captured=True)
    captured = fused._mine
    assert captured is not None
    captured.decoder._rows.fill_(torch.nan)
    terms = decoder_terms(SHAPE)
    results = []
    for _ in range(2):
        segments = [s for s in data.draw(steps()) if s.length]
        count = rows_of(segments)
        wanted = data.draw(st.lists(st.integers(0, count - 1), max_size=6))
        rows = torch.randn(count, SHAPE.width)
        hidden = fused.forward(rows.clone().to(DEVICE), segments, wanted)
        results.append((hidden, modules.forward(rows, segments, wanted)))
    for hidden, expected in results:
        assert_same(hidden.cpu(), expected, terms=terms)
    assert_caches_same(fused.cache, modules.cache, terms)


@pytest.mark.parametrize(
    ("step", "size"),
    [
        (StepSize(1, 0, 13, 1), StepSize(1, 0, 13, 1)),
        (StepSize(1, 0, 16, 1), StepSize(2, 0, 26, 2)),
        (StepSize(0, 1, 1, 1), StepSize(0, 2, 2, 2)),
        (StepSize(3, 2, 30, 0), StepSize(4, 2, 54, 6)),
        (StepSize(5, 0, 30, 0), None),
        (StepSize(0, 3, 3, 3), None),
        (StepSize(1, 1, 14, 5), StepSize(4, 2, 54, 6)),
    ],
)
def test_a_step_gets_the_smallest_size_that_holds_it(step: StepSize, size: StepSize | None) -> None:
    fused, _ = both_backends(captured=True)
    captured = fused._mine
    assert captured is not None
    assert captured.decoder.size_for(step) == size


@pytest.mark.parametrize("chunk_rows", [13, 5])
@pytest.mark.parametrize("tile_rows", [4, 8, 16])
def test_a_chunk_by_itself_needs_no_padding(tile_rows: int, chunk_rows: int) -> None:
    step = HostTables([Segment(0, 0, chunk_rows)], [chunk_rows - 1], tile_rows=tile_rows).size
    assert step in usual_steps(slots=1, tile_rows=tile_rows, chunk_rows=chunk_rows)


@pytest.mark.parametrize(("slots", "tokens"), [(1, {0, 16}), (16, {0, 16}), (17, {0, 16, 32})])
def test_no_more_tokens_are_expected_than_slots_can_draw(slots: int, tokens: set[int]) -> None:
    usual = usual_steps(slots=slots, tile_rows=16, chunk_rows=CHUNK_ROWS)
    assert {size.single for size in usual} == tokens


@pytest.mark.parametrize(("slots", "held"), [(8, False), (512, True)])
def test_many_sessions_have_steps_in_which_slots_are_computed_anew(slots: int, held: bool) -> None:
    """Four pieces of 256 rows, beside 30 chunks and 40 tokens."""
    pieces = [Segment(slot, 0, 256) for slot in range(4)]
    chunks = [Segment(slot, 0, 13) for slot in range(4, 34)]
    tokens = [Segment(slot, 0, 1) for slot in range(34, 74)]
    step = HostTables([*pieces, *chunks, *tokens], range(70), tile_rows=16).size
    usual = usual_steps(slots=slots, tile_rows=16, chunk_rows=CHUNK_ROWS)
    assert any(size.holds(step) for size in usual) == held


@pytest.mark.parametrize(("code", "so"), [(900, True), (908, True), (700, False), (None, False)])
def test_a_device_that_fails_while_it_records_is_told_from_a_call_that_it_cannot_record(
    code: int | None, so: bool
) -> None:
    error = torch.AcceleratorError("CUDA error")
    if code is not None:
        error.error_code = code  # type: ignore[attr-defined]
    assert cannot_be_recorded(error) == so
    assert cannot_be_recorded(ValueError("no such instruction"))
    assert not cannot_be_recorded(torch.OutOfMemoryError())


@pytest.mark.skipif(DEVICE.type == "cpu", reason="a CPU records nothing")
@torch.inference_mode()
def test_steps_that_cannot_be_recorded_are_computed_as_before(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Something waits for the device in the middle of them."""

    def wait(*called: Any) -> None:
        called[-1].sum().item()

    fused, modules = both_backends(captured=False)
    stream = torch.cuda.current_stream()
    waiting = fused.decoder.blocks[0].out.register_forward_hook(wait)
    fused.capture(SIZES, (2, 4))
    waiting.remove()
    assert "cannot be recorded" in caplog.text
    assert fused._mine is None
    assert torch.cuda.current_stream() == stream
    torch.cuda.empty_cache()
    segments, rows = [Segment(0, 0, 13)], torch.randn(13, SHAPE.width)
    hidden = fused.forward(rows.clone().to(DEVICE), segments, [12])
    expected = modules.forward(rows, segments, [12])
    assert_same(hidden.cpu(), expected, terms=decoder_terms(SHAPE))


@torch.inference_mode()
def test_another_thread_uses_nothing_that_was_recorded() -> None:
    fused, modules = both_backends(captured=True)
    segments, rows = [Segment(0, 0, 13)], torch.randn(13, SHAPE.width)
    captured = fused._mine
    assert captured is not None
    captured.decoder._rows.fill_(7.0)

    @torch.inference_mode()
    def step() -> Tensor:
        assert fused._mine is None
        return fused.forward(rows.clone().to(DEVICE), segments, [12])

    with ThreadPoolExecutor(1) as other:
        hidden = other.submit(step).result()
    expected = modules.forward(rows, segments, [12])
    assert_same(hidden.cpu(), expected, terms=decoder_terms(SHAPE))
    assert bool((captured.decoder._rows == 7.0).all())


@pytest.mark.parametrize(
    ("rows", "recorded"), [(1, False), (3, True), (8, True), (13, True), (17, False)]
)
@torch.inference_mode()
@unread_padding
def test_other_threads_share_what_was_recorded_to_fill_slots(rows: int, recorded: bool) -> None:
    """Filled up, or, where none is large enough or a tile has one row, as they are."""
    fused, modules = both_backends(captured=False)
    fused.capture(SIZES, (2, 4), fill_rows=12)
    mine, shared = fused._captured, fused._shared
    assert mine is not None
    assert shared is not None
    mine.decoder._rows.fill_(7.0)
    shared.decoder._rows.fill_(torch.nan)
    heard = 0.1 * torch.rand(2, WINDOW_SAMPLES)
    embeddings = torch.randn(rows, SHAPE.width)
    segments = [Segment(2, 0, rows)]

    @torch.inference_mode()
    def step() -> tuple[Tensor, Tensor]:
        fed = embeddings.clone().to(DEVICE)
        return fused.forward(fed, segments, ()), fused.encode(heard, [0, 0], [0.0]).embeddings

    for _ in range(2):
        with ThreadPoolExecutor(1) as other:
            hidden, sound = other.submit(step).result()
    assert hidden.shape == (0, SHAPE.width)
    modules.forward(embeddings, segments, ())
    terms = decoder_terms(SHAPE)
    assert_caches_same(fused.cache, modules.cache, terms)
    assert fused.cache.keys.any()
    expected = modules.encode(heard, [0, 0], [0.0]).embeddings
    assert_same(sound.cpu(), expected, terms=tower_terms(TOWER), condition=3.0)
    assert bool((mine.decoder._rows == 7.0).all())
    untouched = bool(shared.decoder._rows[:rows].isnan().all())
    assert untouched is not recorded


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
@torch.inference_mode()
@unread_padding
def test_padding_is_not_heard(count: int) -> None:
    """The loudest values after a fuller batch, whatever that left behind."""
    fused, modules = both_backends(captured=True)
    fused.encode(torch.rand(4, WINDOW_SAMPLES), [0, 1, 2, 3], [9.0, 9.0, 9.0, 9.0])
    windows = 0.01 * torch.rand(count, WINDOW_SAMPLES)
    sessions = [0, 1, 0, 2, 2][:count]
    before = [-torch.inf, -3.0, 1.0][: max(sessions) + 1]
    (heard, loud), (expected, so_loud) = (
        backend.encode(windows, sessions, before) for backend in (fused, modules)
    )
    assert_same(heard.cpu(), expected, terms=tower_terms(TOWER), condition=3.0)
    assert_same(loud.take(), so_loud.take(), terms=FeatureConfig().n_fft)


@unread_padding
def test_an_engine_says_the_same_over_either() -> None:
    """A prompt, a few chunks of two sessions at once, and a reply beside them."""

    def fused(*modules: Any) -> TritonBackend:
        backend = TritonBackend(*modules, tiles=TILING)
        backend.capture(SIZES, (1, 2))
        return backend

    said = []
    for backend, device in ((fused, DEVICE), (TorchBackend, torch.device("cpu"))):
        model = small_model_on(device)
        engine = Engine(model, slots=2, eviction=Eviction.EXACT, backend=backend)
        events: list[Event] = []
        for name in "ab":
            engine.open(SessionOptions(name, threshold=1.0, max_reply_tokens=3), events.append)
        engine.answer_now("b")
        for frame in frames(noise(1.2)):
            engine.push("a", frame)
            engine.push("b", frame)
            while engine.step():
                pass
        said.append([outline([e for e in events if e.session_id == name]) for name in "ab"])
    assert said[0] == said[1]
    assert [len(lines) for lines in said[0]] == [3, 8]


def small_model_on(device: torch.device) -> Model:
    model = small_model(256)
    tower, decoder = deepcopy(model.tower).to(device), deepcopy(model.decoder).to(device)
    return replace(model, tower=tower, decoder=decoder)


def test_rows_beyond_a_slot_are_an_error() -> None:
    cache = KVCache(SHAPE, SLOTS, device=DEVICE)
    modules = some_tower().to(DEVICE), some_decoder().to(DEVICE)
    backend = TritonBackend(*modules, cache, FeatureConfig(), tiles=TILING)
    with pytest.raises(AssertionError, match="48 positions, 49 are needed"):
        backend.forward(torch.zeros(9, SHAPE.width), [Segment(0, 40, 9)], [8])
