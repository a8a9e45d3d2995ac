"""Whole clips: longer windows, the offline layout, one answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch
from transformers import WhisperFeatureExtractor

from interject.model_runtime.checkpoint import Model, load_checkpoint
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.offline import embed_clip
from interject.model_runtime.protocol import (
    Closed,
    EndReason,
    ReplyDelta,
    ReplyEnded,
    RuntimeFailure,
    Sampling,
    SessionOptions,
)
from interject.model_runtime.rounding import assert_same, feature_terms, tower_terms
from tests.model_runtime.reference import (
    DECODER,
    TOWER,
    litgpt_tensors,
    reference_decoder,
    reference_tower,
    write_released,
)
from tests.model_runtime.worlds import byte_tokenizer, noise, small_layout

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor
    from transformers import Qwen2ForCausalLM
    from transformers.models.qwen2_5_omni.modeling_qwen2_5_omni import Qwen2_5OmniAudioEncoder

    from interject.model_runtime.protocol import Event

pytestmark = pytest.mark.numerics
SHAPE = replace(DECODER, context=256)
REPLY_TOKENS = 12
Both = tuple["Qwen2_5OmniAudioEncoder", "Qwen2ForCausalLM", Model]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    """The libraries' own tower and decoder, and ours with the same weights."""
    tower, decoder = reference_tower(TOWER), reference_decoder(SHAPE)
    directory: Path = tmp_path_factory.mktemp("offline") / "released"
    tensors = litgpt_tensors(decoder, SHAPE)
    write_released(directory, tower.state_dict(), tensors, decoder_shape=SHAPE)
    model = load_checkpoint(directory)
    layout = replace(small_layout(), banned=(), emotion_slot=False)
    config = replace(model.config, layout=layout)
    return tower, decoder, replace(model, config=config, tokenizer=byte_tokenizer())


def clip(seconds: float) -> Tensor:
    return torch.from_numpy(noise(seconds, seed=3)).float() / 32768.0


def reference_embeddings(tower: Qwen2_5OmniAudioEncoder, sound: Tensor) -> Tensor:
    """Whisper's features of the clip, padded to whole chunks, through windows of 2 s."""
    padded = torch.nn.functional.pad(sound, (0, -len(sound) % 6400))
    mel = WhisperFeatureExtractor(feature_size=128)(
        padded.numpy(), sampling_rate=16_000, padding="do_not_pad", return_tensors="pt"
    )["input_features"][0]
    hidden: Tensor = tower(mel, feature_lens=torch.tensor([mel.shape[1]])).last_hidden_state
    return hidden


@pytest.mark.parametrize("seconds", [0.001, 0.4, 1.9, 2.0, 2.3, 5.2])
@torch.inference_mode()
def test_embeddings_of_a_clip_equal_transformers(both: Both, seconds: float) -> None:
    tower, _, model = both
    sound = clip(seconds)
    embeddings = embed_clip(model, sound)
    assert embeddings.shape == (10 * -(-len(sound) // 6400), TOWER.output)
    wanted = reference_embeddings(tower, sound)
    columns = 2 * 10 * model.config.offline_window_chunks
    terms = feature_terms(model.config.features) + tower_terms(TOWER, columns=columns)
    assert_same(embeddings, wanted, terms=terms)


def ask(model: Model, sound: Tensor, question: str) -> list[Event]:
    options = SessionOptions(
        session_id="clip",
        system_prompt="be brief",
        max_reply_tokens=REPLY_TOKENS,
        sampling=Sampling(repetition_window=0),
    )
    events: list[Event] = []
    engine = Engine(model, slots=1)
    engine.open_clip(options, sound, question, events.append)
    while engine.step():
        pass
    assert engine.kv_cache.free_slots == 1
    return events


@torch.inference_mode()
def test_an_answer_equals_that_of_transformers(both: Both) -> None:
    tower, decoder, model = both
    sound, question = clip(2.3), "what is this?"
    layout = model.config.layout
    encode = byte_tokenizer().encode
    prompt = layout.offline_prompt(encode("be brief").ids, encode(question).ids, audio_slots=60)
    ids = torch.tensor(prompt)
    rows = decoder.get_input_embeddings()(ids)
    rows[ids == layout.offline_audio_slot] = reference_embeddings(tower, sound)
    wanted: list[int] = []
    for _ in range(REPLY_TOKENS):
        token = int(decoder(inputs_embeds=rows[None]).logits[0, -1].argmax())
        if token == layout.text_end:
            break
        wanted.append(token)
        rows = torch.cat((rows, decoder.get_input_embeddings()(torch.tensor([token]))))
    events = ask(model, sound, question)
    drawn = [i for event in events if isinstance(event, ReplyDelta) for i in event.token_ids]
    assert drawn == wanted
    ended = next(event for event in events if isinstance(event, ReplyEnded))
    cut = len(wanted) == REPLY_TOKENS
    assert ended.reason is (EndReason.MAX_TOKENS if cut else EndReason.COMPLETE)
    assert isinstance(events[-1], Closed)


def test_a_clip_that_does_not_fit_is_refused(both: Both) -> None:
    with pytest.raises(RuntimeFailure, match=r"lasts 30\.0 s, this model takes at most [0-9.]+ s"):
        ask(both[2], clip(30.0), "what is this?")


@pytest.mark.parametrize("seconds", [1.0, 30.0])
def test_a_question_that_does_not_fit_is_refused_as_such(both: Both, seconds: float) -> None:
    with pytest.raises(
        RuntimeFailure, match=r"the question has 9999 tokens, this model takes \d+ "
    ):
        ask(both[2], clip(seconds), "x" * 9_999)


def test_an_empty_clip_is_refused(both: Both) -> None:
    with pytest.raises(RuntimeFailure, match="the clip holds no sound"):
        ask(both[2], torch.zeros(0), "what is this?")
