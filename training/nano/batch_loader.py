"""Batches, made by a process of their own while the model trains.

A batch depends only on the seed, its step and its length, so a run that was killed goes on with
the same ones.
"""

from __future__ import annotations

import multiprocessing
import queue
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from interject.training.nano.batch import PaddedBatch, collate
from interject.training.nano.language import INTENTS, SOUND_NAMES
from interject.training.nano.random_scene import make_scene
from interject.training.nano.scene import Scene, Stock, Style, WantedReply
from interject.training.nano.scene_builder import SceneBuilder
from interject.training.nano.targets import Target, TargetWriter, TypedRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.queues import Queue

    from tokenizers import Tokenizer

    from interject.model_runtime.network.architecture import ModelConfig
    from interject.training.sounds.waves import Rng

ASK_SOUND = "What sound is this?"
TRANSCRIBE = "Transcribe the speech."
_ALIVE_CHECK_S = 2.0
_END_S = 5.0
_TYPED_SHARE, _OFFLINE_SHARE = 0.05, 0.05


@dataclass(frozen=True, slots=True)
class Order:
    """Which batch is wanted."""

    step: int
    streams: int
    chunks: int


class BatchMaker:
    """Makes any batch of a run."""

    def __init__(self, stock: Stock, config: ModelConfig, tokenizer: Tokenizer, seed: int) -> None:
        self._stock, self._config, self._seed = stock, config, seed
        self._writer = TargetWriter(config.layout, tokenizer)

    def make(self, order: Order) -> PaddedBatch:
        rows = [self._row(order, row) for row in range(order.streams)]
        return collate([s for s, _ in rows], [t for _, t in rows], self._config.features)

    def _row(self, order: Order, row: int) -> tuple[Scene, Target]:
        rng = np.random.default_rng((self._seed, order.step, row))
        if rng.random() < _OFFLINE_SHARE:
            return self._clip(rng, order.chunks)
        scene = make_scene(self._stock, rng, order.chunks)
        typed = self._typed(rng, order.chunks) if rng.random() < _TYPED_SHARE else None
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


def _serve(
    make: Callable[[Order], PaddedBatch], orders: Queue[Order], made: Queue[PaddedBatch]
) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the trainer's own handler came with the fork
    torch.set_num_threads(1)
    trainer = multiprocessing.parent_process()
    while trainer is None or trainer.is_alive():
        try:
            order = orders.get(timeout=_ALIVE_CHECK_S)
        except queue.Empty:
            continue
        made.put(make(order))


class BatchLoader:
    """Keeps `ahead` orders in the works; ends with its trainer, or when it is closed."""

    def __init__(self, maker: BatchMaker, *, ahead: int = 3) -> None:
        context = multiprocessing.get_context("fork")
        self.ahead = ahead
        self._orders: Queue[Order] = context.Queue()
        self._made: Queue[PaddedBatch] = context.Queue()
        self._process = context.Process(
            target=_serve, args=(maker.make, self._orders, self._made), daemon=True
        )
        self._process.start()

    def order(self, order: Order) -> None:
        self._orders.put(order)

    def take(self) -> PaddedBatch:
        """Waits as long as the process lives: on a busy machine a batch can take minutes.

        :raises queue.Empty: when the process has ended.
        """
        while True:
            try:
                return self._made.get(timeout=_ALIVE_CHECK_S)
            except queue.Empty:
                if not self._process.is_alive():
                    raise

    def close(self) -> None:
        self._process.terminate()
        self._process.join(_END_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
