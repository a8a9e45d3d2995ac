from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.grouping import grouped
from interject.model_runtime.network.architecture import TOWER_EMBEDDINGS, ModelConfig
from interject.model_runtime.network.features import StreamingLogMel
from interject.model_runtime.protocol import Emotion
from interject.training.nano.batch import PaddedBatch, StreamRow, collate, sound_of, stream_features
from interject.training.nano.random_scene import make_scene
from interject.training.nano.scene import Happening, Scene, Stock, Style, WantedReply
from interject.training.nano.targets import Target, TargetWriter, TypedRequest
from interject.training.nano.tokenizer import train_tokenizer
from interject.training.sounds.catalogue import CLASSES
from tests.model_runtime.alike import assert_same_features

TOKENIZER = train_tokenizer()


def small_scene(chunks: int, *happenings: Happening) -> Scene:
    return Scene(
        np.zeros(chunks * 6_400 + 40, np.float32),
        list(happenings),
        np.zeros(chunks * 10, np.int8),
        np.zeros((chunks * 10, len(CLASSES)), np.uint8),
        [("help", 3_000)],
    )


def test_a_stream_is_laid_out_as_the_engine_lays_it_out(config: ModelConfig) -> None:
    layout = config.layout
    scene = small_scene(3, Happening("help", 0, 6_500, WantedReply("Four.", Emotion.HAPPY, "sum")))
    prefix = layout.online_prefix([5, 6])
    target = TargetWriter(config, TOKENIZER).online(scene, prefix)
    sound = [layout.audio_slot] * TOWER_EMBEDDINGS
    text = TOKENIZER.encode("Four.").ids
    reply = [layout.text_begin, layout.emotions[Emotion.HAPPY], *text]
    assert target.ids.tolist() == [
        *prefix,
        layout.audio_begin, *sound, layout.assistant,
        layout.keep_silence, layout.audio_begin, *sound, layout.assistant, *reply,
        layout.text_end, layout.audio_begin, *sound, layout.assistant,
    ]  # fmt: skip
    assert target.respond.tolist() == [0, 1, 0]
    assert (target.ids[target.decision_at] == layout.assistant).all()
    assert (target.ids[target.audio_at] == layout.audio_slot).all()
    first = int(target.decision_at[1]) + 1
    wanted = [layout.emotions[Emotion.HAPPY], *text, layout.text_end]
    assert target.labels[first : first + len(wanted)].tolist() == wanted
    assert (target.labels >= 0).sum() == len(wanted)


def test_a_grouped_chunk_has_two_places_for_sound(config: ModelConfig) -> None:
    """`benchmarks.grouping` makes the same of the streams of a model that has ten."""
    pair = TargetWriter(config, TOKENIZER), TargetWriter(config.with_grouping(5), TOKENIZER)
    happening = Happening("help", 0, 6_500, WantedReply("Four.", Emotion.HAPPY, "sum"))
    streams = [w.online(small_scene(4, happening), [5, 6]) for w in pair]
    clips = [w.offline(small_scene(4), 2, "What?", "A kettle.") for w in pair]
    for each, together in (streams, clips):
        assert (len(each.audio_at), len(together.audio_at)) == (40, 8)
        expected = as_batch(together)
        found = grouped(as_batch(each), 5)
        for name in ("ids", "labels", "audio_at", "decision_at"):
            assert torch.equal(getattr(found, name), getattr(expected, name)), name


def as_batch(target: Target) -> PaddedBatch:
    """Of one stream, without its sound."""
    rest = [-1] * (len(target.ids) - len(target.labels))
    ids, labels = target.ids.tolist(), [*target.labels.tolist(), *rest]
    places = (torch.from_numpy(part)[None] for part in (target.audio_at, target.decision_at))
    nothing = [torch.empty(0)] * 5
    return PaddedBatch(
        torch.empty(0), torch.tensor([ids]), torch.tensor([labels]), *places, *nothing
    )


def test_a_typed_turn_stands_between_two_chunks(config: ModelConfig) -> None:
    layout = config.layout
    writer = TargetWriter(config, TOKENIZER)
    typed = TypedRequest(1, "Who are you?", WantedReply("My name.", Emotion.HAPPY, "name"))
    target = writer.online(small_scene(2), layout.online_prefix([]), typed)
    ids = target.ids.tolist()
    at = ids.index(layout.user)
    assert ids[at - 1] == layout.keep_silence
    turn = layout.user_turn(TOKENIZER.encode("Who are you?").ids)
    assert ids[at : at + len(turn)] == turn
    after = ids[at + len(turn) :]
    assert after[:3] == [layout.assistant, layout.text_begin, layout.emotions[Emotion.HAPPY]]
    assert layout.text_end in after


def test_an_offline_clip_has_no_decision_and_no_emotion(config: ModelConfig) -> None:
    layout = config.layout
    target = TargetWriter(config, TOKENIZER).offline(small_scene(4), 2, "What?", "A kettle.")
    assert (target.decision_at == -1).all()
    assert (target.ids == layout.offline_audio_slot).sum() == 2 * TOWER_EMBEDDINGS
    assert len(set(target.audio_at.tolist())) == 4 * TOWER_EMBEDDINGS
    learnt = target.labels[target.labels >= 0].tolist()
    assert learnt == [*TOKENIZER.encode("A kettle.").ids, layout.text_end]


def test_words_count_as_recent_for_two_chunks(config: ModelConfig) -> None:
    target = TargetWriter(config, TOKENIZER).online(small_scene(4), config.layout.online_prefix([]))
    assert target.recent_words.sum(1).tolist() == [1, 1, 0, 0]


@pytest.mark.numerics
def test_features_of_a_scene_are_those_of_a_stream(stock: Stock, config: ModelConfig) -> None:
    scene = make_scene(stock, np.random.default_rng(2), 5, Style.MIXED)
    whole = stream_features(torch.from_numpy(scene.sound)[None], config.features)[0]
    stream = StreamingLogMel(config.features)
    pieces = [stream.push(p) for p in torch.from_numpy(scene.sound).split(1_000)]
    assert_same_features(torch.cat(pieces), whole, config.features)
    assert whole.shape == (5, 128, 40)


def test_a_batch_is_padded_to_a_multiple_of_32(stock: Stock, config: ModelConfig) -> None:
    writer = TargetWriter(config, TOKENIZER)
    rng = np.random.default_rng(3)
    made = [make_scene(stock, rng, 8) for _ in range(3)]
    targets = [writer.online(scene, writer.prefix(rng)) for scene in made]
    rows = [StreamRow(t, s.phones, s.active) for t, s in zip(targets, made, strict=True)]
    sound = torch.from_numpy(np.stack([sound_of(scene) for scene in made]))
    batch = collate(rows, sound, config.features, torch.device("cpu"))
    assert batch.ids.shape[1] % 32 == 0
    assert batch.mel.shape == (24, 128, 40)
    for row, target in enumerate(targets):
        assert batch.ids[row, : len(target.ids)].tolist() == target.ids.tolist()
        assert (batch.labels[row, len(target.ids) :] == -1).all()
