"""A model whose embeddings are put together, against a forward pass of plain PyTorch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch
from torch.nn import functional

from interject.model_runtime.checkpoint import fingerprint
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.engine.offline import embed_clip
from interject.model_runtime.network.features import StreamingLogMel
from interject.model_runtime.protocol import Decision, ReplyEnded, RuntimeFailure, SessionOptions
from interject.model_runtime.redis.worker.snapshot_codec import read_snapshot, write_snapshot
from interject.model_runtime.rounding import assert_same, model_terms, tower_terms
from tests.model_runtime.random_weights import randomise
from tests.model_runtime.worlds import SMALL_CONDITION, frames, noise, small_model

if TYPE_CHECKING:
    from torch import Tensor

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.protocol import Event

pytestmark = pytest.mark.numerics
PROMPT = (3, 1, 4, 1, 5)
CHUNKS = 30


def grouped_model() -> Model:
    """Its grouping is no identity any more."""
    model = small_model(seed=5, grouping=5)
    assert model.tower.grouping is not None
    randomise(model.tower.grouping, seed=9)
    return model


def plain_embeddings(model: Model, mel: Tensor) -> Tensor:
    """One chunk [bins, 40] -> [2, width], from the weights alone."""
    weights = {name: w.double() for name, w in model.tower.named_parameters()}
    shape = model.config.tower

    def normed(x: Tensor, name: str) -> Tensor:
        return functional.layer_norm(
            x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"]
        )

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    x = mel.double()
    for conv, stride in (("conv1", 1), ("conv2", 2)):
        kernel, bias = weights[f"{conv}.weight"], weights[f"{conv}.bias"]
        x = functional.gelu(functional.conv1d(x, kernel, bias, stride, padding=1))
    x = x.T
    half = shape.width // 2
    scales = torch.exp(-math.log(10_000.0) / (half - 1) * torch.arange(half).double())
    angles = torch.arange(len(x)).double()[:, None] * scales
    x = x + torch.cat((angles.sin(), angles.cos()), 1)
    for index in range(shape.layers):
        layer = f"layers.{index}"
        heads = linear(normed(x, f"{layer}.attention_norm"), f"{layer}.qkv").chunk(3, -1)
        q, k, v = (t.unflatten(-1, (shape.heads, -1)).transpose(0, 1) for t in heads)
        seen = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v
        x = x + linear(seen.transpose(0, 1).flatten(1), f"{layer}.out")
        fed = functional.gelu(linear(normed(x, f"{layer}.feed_norm"), f"{layer}.up"))
        x = x + linear(fed, f"{layer}.down")
    pooled = torch.stack([(x[i] + x[i + 1]) / 2 for i in range(0, 20, 2)])
    each = linear(normed(pooled, "norm"), "proj")
    means = [sum(each[first : first + 5]) / 5 for first in (0, 5)]
    return torch.stack([weights["grouping.weight"] @ mean for mean in means])


def plain_logits(model: Model, rows: Tensor) -> Tensor:
    """Of all tokens behind every position of a whole sequence [T, width]."""
    weights = {name: w.double() for name, w in model.decoder.named_parameters()}
    shape, x = model.config.decoder, rows
    half = torch.arange(0, shape.head_dim, 2).double() / shape.head_dim
    angles = torch.arange(len(x)).double()[:, None] * shape.rope_base**-half
    cosine, sine = angles.cos()[:, None], angles.sin()[:, None]
    future = torch.ones(len(x), len(x)).triu(1).bool()

    def normed(x: Tensor, name: str) -> Tensor:
        return x * (x.square().mean(-1, True) + shape.norm_eps).rsqrt() * weights[f"{name}.weight"]

    def turned(t: Tensor) -> Tensor:
        one, other = t.chunk(2, -1)
        return torch.cat((one * cosine - other * sine, other * cosine + one * sine), -1)

    for index in range(shape.layers):
        layer = f"layers.{index}"
        qkv = normed(x, f"{layer}.attention_norm") @ weights[f"{layer}.qkv.weight"].T
        heads = (qkv + weights[f"{layer}.qkv.bias"]).unflatten(-1, (-1, shape.head_dim))
        q, k, v = heads.split((shape.heads, shape.kv_heads, shape.kv_heads), 1)
        shared = shape.heads // shape.kv_heads
        k, v = (t.repeat_interleave(shared, 1).transpose(0, 1) for t in (turned(k), v))
        scores = turned(q).transpose(0, 1) @ k.mT / shape.head_dim**0.5
        seen = scores.masked_fill(future, -math.inf).softmax(-1) @ v
        x = x + seen.transpose(0, 1).flatten(1) @ weights[f"{layer}.out.weight"].T
        both = normed(x, f"{layer}.feed_norm") @ weights[f"{layer}.gate_up.weight"].T
        gate, up = both.chunk(2, -1)
        x = x + (functional.silu(gate) * up) @ weights[f"{layer}.down.weight"].T
    return normed(x, "norm") @ weights["head.weight"].T


def plain_stream(model: Model, mel: Tensor, reply: list[int]) -> tuple[Tensor, Tensor]:
    """Chunks that are heard in silence, then a reply that is asked for: both scores of each
    decision, and those of all tokens where one of the reply was drawn.
    """
    layout, table = model.config.layout, model.decoder.embedding.weight.double()
    rows, decided = [table[list(PROMPT)]], []
    for number, chunk in enumerate(mel):
        head = [layout.keep_silence, layout.audio_begin] if number else [layout.audio_begin]
        rows += [table[head], plain_embeddings(model, chunk), table[[layout.assistant]]]
        decided.append(sum(map(len, rows)) - 1)
    first = decided[-1] + 2
    rows.append(table[[layout.text_begin, *reply]])
    logits = plain_logits(model, torch.cat(rows))
    pair = logits[decided][:, [layout.keep_silence, layout.text_begin]]
    return pair, logits[first : first + len(reply) - 1]


@pytest.mark.parametrize("at_once", [1, 7, CHUNKS])
@torch.inference_mode()
def test_a_stream_is_what_a_plain_pass_over_the_whole_of_it_says(at_once: int) -> None:
    """Chunk by chunk, or several that waited: decisions and the words of a reply."""
    model = grouped_model()
    engine = Engine(model, slots=1)
    events: list[Event] = []
    options = SessionOptions("a", prompt_ids=PROMPT, threshold=1.0, max_reply_tokens=8)
    engine.open(options, events.append)
    pcm = noise(CHUNKS * 0.4, seed=3)
    for number, frame in enumerate(frames(pcm), 1):
        engine.push("a", frame)
        while number % at_once == 0 and engine.step():
            pass
    engine.answer_now("a")
    while engine.step():
        pass
    assert engine.kv_cache.lengths[0] > len(PROMPT) + 5 * CHUNKS
    assert engine.kv_cache.lengths[0] < len(PROMPT) + 5 * CHUNKS + 12

    decisions = [event for event in events if isinstance(event, Decision)]
    (ended,) = [event for event in events if isinstance(event, ReplyEnded)]
    emotion = next(e.emotion for e in events if hasattr(e, "emotion"))
    layout = model.config.layout
    said = [token for e in events for token in getattr(e, "token_ids", ())]
    assert len(said) == ended.token_count == 8
    reply = [layout.emotions[emotion], *said]

    stream = StreamingLogMel(model.config.features)
    sound = torch.from_numpy(pcm.astype("float32") / 32_768)
    mel = torch.cat([stream.push(sound), stream.flush()])
    pair, drawn = plain_stream(model, mel[:CHUNKS], reply)
    found = torch.tensor([(d.silent_logit, d.respond_logit) for d in decisions])
    terms = model_terms(model.config)
    assert_same(found, pair.float(), terms=terms, condition=SMALL_CONDITION)
    text = torch.arange(model.config.decoder.vocabulary) < 256
    text[layout.text_end] = True
    assert drawn.masked_fill(~text, -math.inf).argmax(1).tolist()[: len(said)] == said


@torch.inference_mode()
def test_a_clip_is_put_together_as_well() -> None:
    model = grouped_model()
    clip = torch.from_numpy(noise(2.0).astype("float32") / 32_768)
    heard = embed_clip(model, clip)
    assert heard.shape == (5 * 2, model.config.decoder.width)
    assert model.tower.grouping is not None
    each = embed_clip(small_model(seed=5), clip)
    with_identity = small_model(seed=5).with_grouping(5)
    means = each.unflatten(0, (-1, 5)).mean(1)
    assert_same(embed_clip(with_identity, clip), means, terms=tower_terms(model.config.tower))


@pytest.mark.parametrize(("grouping", "seconds"), [(1, 126), (5, 328)])
@torch.inference_mode()
def test_a_slot_remembers_as_long_as_its_positions_last(grouping: int, seconds: int) -> None:
    model = small_model(4_096, layers=1, grouping=grouping)
    assert round(model.config.remembered_s) == seconds
    engine = Engine(model, slots=1, eviction=Eviction.ROTATE)
    engine.open(SessionOptions("a", prompt_ids=(1,), threshold=1.0), lambda event: None)
    sound, heard = frames(noise(40.0)), 0
    while not engine.evictions("a"):
        frame = sound[heard % len(sound)]
        engine.push("a", type(frame)(heard, heard * 0.4, frame.pcm, frame.lookahead))
        heard += 1
        while heard % 8 == 0 and engine.step():
            pass
    assert (heard - 8) * 0.4 <= seconds <= (heard + 1) * 0.4


def test_a_snapshot_is_refused_by_a_model_that_puts_other_embeddings_together() -> None:
    """They have the same weights, but for the layer behind them."""
    once, grouped, more = (small_model(grouping=size) for size in (1, 5, 10))
    engine = Engine(grouped, slots=1, restorable=True)
    engine.open(SessionOptions("a", prompt_ids=PROMPT, threshold=1.0), lambda event: None)
    for frame in frames(noise(2.0)):
        engine.push("a", frame)
        while engine.step():
            pass
    written = write_snapshot(engine.snapshot("a"), "1-0", model=fingerprint(grouped))
    snapshot, _ = read_snapshot(written, model=fingerprint(grouped))
    heard = [span.embeddings for span in snapshot.spans if span.embeddings is not None]
    assert [len(sound) for sound in heard] == [2] * 5
    for other in (once, more):
        with pytest.raises(RuntimeFailure, match="another model's"):
            read_snapshot(written, model=fingerprint(other))
