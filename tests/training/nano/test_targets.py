from __future__ import annotations

import numpy as np
import pytest
import torch

from interject.model_runtime.network.architecture import CHUNK_EMBEDDINGS, ModelConfig
from interject.model_runtime.network.features import StreamingLogMel
from interject.model_runtime.protocol import Emotion
from interject.training.nano.batch import StreamRow, collate, sound_of, stream_features
from interject.training.nano.random_scene import make_scene
from interject.training.nano.scene import Happening, Scene, Stock, Style, WantedReply
from interject.training.nano.targets import TargetWriter, TypedRequest
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
    target = TargetWriter(layout, TOKENIZER).online(scene, prefix)
    sound = [layout.audio_slot] * CHUNK_EMBEDDINGS
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


def test_a_typed_turn_stands_between_two_chunks(config: ModelConfig) -> None:
    layout = config.layout
    writer = TargetWriter(layout, TOKENIZER)
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
    target = TargetWriter(layout, TOKENIZER).offline(small_scene(4), 2, "What?", "A kettle.")
    assert (target.decision_at == -1).all()
    assert (target.ids == layout.offline_audio_slot).sum() == 2 * CHUNK_EMBEDDINGS
    assert len(set(target.audio_at.tolist())) == 4 * CHUNK_EMBEDDINGS
    learnt = target.labels[target.labels >= 0].tolist()
    assert learnt == [*TOKENIZER.encode("A kettle.").ids, layout.text_end]


def test_words_count_as_recent_for_two_chunks(config: ModelConfig) -> None:
    target = TargetWriter(config.layout, TOKENIZER).online(
        small_scene(4), config.layout.online_prefix([])
    )
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
    writer = TargetWriter(config.layout, TOKENIZER)
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
