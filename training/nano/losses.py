"""The dual loss of the paper, and auxiliary ones that make a small model hear sooner.

Control positions choose between two tokens only, as the engine does. The auxiliary heads name
phones and sounds every 40 ms from the tower, and the words and sounds that just ended from the
decoder; they are thrown away after training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from interject.training.nano.targets import word_vocabulary
from interject.training.sequences.hearing import short_attention
from interject.training.sounds.catalogue import CLASSES
from interject.training.speech.phones import PHONES

if TYPE_CHECKING:
    from interject.model_runtime.network.decoder import Decoder
    from interject.model_runtime.network.encoder import AudioTower
    from interject.model_runtime.network.layout import TokenLayout
    from interject.training.nano.batch import PaddedBatch
    from interject.training.nano.recipe import NanoSettings

_POSITIVE = 4.0
_RARE = -4.0


class AuxiliaryHeads(nn.Module):
    """Linear readers of tower output and decoder state, for training only."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.phones = nn.Linear(width, len(PHONES))
        self.active = nn.Linear(width, len(CLASSES))
        self.recent_sounds = nn.Linear(width, len(CLASSES))
        self.recent_words = nn.Linear(width, len(word_vocabulary()))
        for head in (self.active, self.recent_sounds, self.recent_words):
            nn.init.constant_(head.bias, _RARE)


@dataclass(frozen=True, slots=True)
class Losses:
    """`total` is weighted, the parts are not."""

    total: Tensor
    control: Tensor
    text: Tensor
    phone: Tensor
    sound: Tensor
    word: Tensor

    def numbers(self) -> dict[str, float]:
        """Waits for the device, once."""
        names = ("total", "control", "text", "phone", "sound", "word")
        values = torch.stack([getattr(self, name).detach().float() for name in names]).tolist()
        return dict(zip(names, values, strict=True))


def run_model(tower: AudioTower, decoder: Decoder, batch: PaddedBatch) -> tuple[Tensor, Tensor]:
    """Teacher forcing: embeddings of the sound every 40 ms [B, slots, d], from which the decoder's
    may be grouped, and hidden states [B, T, d].
    """
    rows, width = len(batch.ids), decoder.shape.width
    with short_attention(batch.mel.device):
        states = tower.encode(batch.mel.to(tower.proj.weight.dtype))
    sound = tower.proj(states)
    heard = tower.grouped(sound).reshape(rows, -1, width)
    text = decoder.embed(batch.ids)
    where = batch.audio_at[..., None].expand(-1, -1, text.shape[-1])
    mixed = text.scatter(1, where, heard.to(text.dtype))
    return sound.reshape(rows, -1, width), decoder.forward_train(mixed)


def decision_logits(
    decoder: Decoder, layout: TokenLayout, hidden: Tensor, batch: PaddedBatch
) -> Tensor:
    """log-odds of responding at every chunk [B, chunks], float32."""
    states = _at(hidden, batch.decision_at.clamp(min=0))
    pair = torch.tensor([layout.keep_silence, layout.text_begin], device=hidden.device)
    logits = decoder.logits(states, pair).float()
    return logits[..., 1] - logits[..., 0]


def compute_losses(
    tower: AudioTower,
    decoder: Decoder,
    heads: AuxiliaryHeads,
    layout: TokenLayout,
    batch: PaddedBatch,
    settings: NanoSettings,
    auxiliary: float,
) -> Losses:
    """`auxiliary` scales the auxiliary losses: 1 at first, less at the end."""
    sound, hidden = run_model(tower, decoder, batch)
    online = (batch.decision_at >= 0).float()
    odds = decision_logits(decoder, layout, hidden, batch)
    weights = online * torch.where(batch.respond > 0, settings.respond_weight, 1.0)
    control = functional.binary_cross_entropy_with_logits(odds, batch.respond, reduction="none")
    control = (control * weights).sum() / weights.sum().clamp(min=1)
    wanted = batch.labels >= 0
    text = _mean_choice(decoder.logits(hidden[wanted]), batch.labels[wanted])
    spoken = batch.phones >= 0
    phone = _mean_choice(heads.phones(sound[spoken]), batch.phones[spoken])
    states = _at(hidden, batch.decision_at.clamp(min=0))
    heard = _many(heads.active(sound), batch.active) + _many(
        heads.recent_sounds(states), batch.recent_sounds, online
    )
    word = _many(heads.recent_words(states), batch.recent_words, online)
    side = (
        settings.phone_weight * phone + settings.sound_weight * heard + settings.word_weight * word
    )
    total = settings.control_weight * control + settings.text_weight * text + auxiliary * side
    return Losses(total, control, text, phone, heard, word)


def _mean_choice(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy; zero, not NaN, where a batch has nothing to learn from."""
    loss = functional.cross_entropy(logits.float(), truth, reduction="sum")
    return loss / (truth >= 0).sum().clamp(min=1)


def _at(hidden: Tensor, positions: Tensor) -> Tensor:
    return hidden.gather(1, positions[..., None].expand(-1, -1, hidden.shape[-1]))


def _many(logits: Tensor, truth: Tensor, rows: Tensor | None = None) -> Tensor:
    """Many yes-or-no questions at once; a rare yes weighs more."""
    weight = torch.full((), _POSITIVE, device=truth.device)
    loss = functional.binary_cross_entropy_with_logits(
        logits.float(), truth, pos_weight=weight, reduction="none"
    ).sum(-1)
    if rows is None:
        return loss.mean() / 4
    return (loss * rows).sum() / rows.sum().clamp(min=1) / 4
