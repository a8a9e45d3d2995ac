"""Any stream of any batch of a run: it depends on the seed, the step, the row and the length alone,
so a run that was killed goes on with the same ones, however many processes make them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from interject.model_runtime.protocol import FRAME_SAMPLES, LOOKAHEAD_SAMPLES
from interject.training.nano.batch import PaddedBatch, StreamRow, collate, sound_of
from interject.training.nano.language import INTENTS, SOUND_NAMES
from interject.training.nano.random_scene import make_scene
from interject.training.nano.scene import Scene, Stock, Style, WantedReply
from interject.training.nano.scene_builder import SceneBuilder
from interject.training.nano.targets import Target, TargetWriter, TypedRequest

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from interject.model_runtime.network.architecture import ModelConfig
    from interject.training.sounds.waves import Rng
    from interject.training.speech.utterance import Pcm

ASK_SOUND = "What sound is this?"
TRANSCRIBE = "Transcribe the speech."
_TYPED_SHARE, _OFFLINE_SHARE = 0.05, 0.05


@dataclass(frozen=True, slots=True)
class Order:
    """Which batch is wanted."""

    step: int
    streams: int
    chunks: int

    @property
    def samples(self) -> int:
        """Of a stream."""
        return self.chunks * FRAME_SAMPLES + LOOKAHEAD_SAMPLES


class BatchMaker:
    """Makes the streams of a run."""

    def __init__(self, stock: Stock, config: ModelConfig, tokenizer: Tokenizer, seed: int) -> None:
        self._stock, self._config, self._seed = stock, config, seed
        self._writer = TargetWriter(config, tokenizer)

    def make(self, order: Order) -> PaddedBatch:
        """A whole batch, in this process, on the CPU."""
        made = [self.stream(order, row) for row in range(order.streams)]
        sound = torch.from_numpy(np.stack([pcm for _, pcm in made]))
        return collate([r for r, _ in made], sound, self._config.features, torch.device("cpu"))

    def stream(self, order: Order, row: int) -> tuple[StreamRow, Pcm]:
        """One of a batch, and its sound."""
        rng = np.random.default_rng((self._seed, order.step, row))
        scene, target = self._scene(rng, order.chunks)
        return StreamRow(target, scene.phones, scene.active), sound_of(scene)

    def _scene(self, rng: Rng, chunks: int) -> tuple[Scene, Target]:
        if rng.random() < _OFFLINE_SHARE:
            return self._clip(rng, chunks)
        scene = make_scene(self._stock, rng, chunks)
        typed = self._typed(rng, chunks) if rng.random() < _TYPED_SHARE else None
        return scene, self._writer.online(scene, self._writer.prefix(rng), typed)

    def _typed(self, rng: Rng, chunks: int) -> TypedRequest:
        request = INTENTS[int(rng.integers(len(INTENTS)))]
        text = request.wordings[int(rng.integers(len(request.wordings)))]
        if rng.random() < 0.6:
            text = text.capitalize() + "?"
        return TypedRequest(
            int(rng.integers(1, chunks)),
            text,
            WantedReply(request.reply, request.emotion, request.key),
        )

    def _clip(self, rng: Rng, chunks: int) -> tuple[Scene, Target]:
        scene, heard, words = SceneBuilder(self._stock, rng, chunks, Style.MIXED).build_clip()
        used = min(chunks, -(-(heard.end + int(rng.integers(800, 9_000))) // 6_400))
        if words:
            return scene, self._writer.offline(scene, used, TRANSCRIBE, words)
        name = SOUND_NAMES[heard.key].capitalize() + "."
        return scene, self._writer.offline(scene, used, ASK_SOUND, name)
