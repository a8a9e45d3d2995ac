"""nano trained twice on the same streams, step by step: the decoder reads an embedding of each
40 ms, or one of 200 ms.

`python -m benchmarks.grouping --out DIR --minutes 60 --cache DIR --recordings DIR --speech FILE`.
Both begin with the weights that ship. The models lie in DIR/1 and DIR/5, what each step cost in
DIR/steps.json.
"""

from __future__ import annotations

import argparse
import json
import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.checkpoint import resolve
from interject.model_runtime.checkpoint.native import read_tokenizer
from interject.model_runtime.network.architecture import UNGROUPED
from interject.training.nano.batch_loader import BatchLoader
from interject.training.nano.batch_maker import BatchMaker
from interject.training.nano.options import NanoOptions
from interject.training.nano.recipe import nano_config
from interject.training.nano.tokenizer import train_tokenizer
from interject.training.nano.train import open_stock, run_settings, starting_model
from interject.training.nano.trainer import NanoTrainer, orders

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from interject.training.nano.batch import PaddedBatch

COMPARED = (UNGROUPED, 5)
SAVED_EVERY_S = 240.0
TOLD_EVERY = 10
NANO = Path("nano")
STEPS_FILE = "steps.json"


def grouped(batch: PaddedBatch, grouping: int) -> PaddedBatch:
    """A batch for a decoder that reads so many embeddings as one: of each run of them the first
    position is left, what stood behind moves up.
    """
    streams, length = batch.ids.shape
    keep = torch.ones(streams, length, dtype=torch.bool)
    kept = batch.audio_at[:, ::grouping]
    keep.scatter_(1, batch.audio_at, False).scatter_(1, kept, True)
    places = keep.cumsum(1) - 1
    decided = places.gather(1, batch.decision_at.clamp(min=0))
    return replace(
        batch,
        ids=batch.ids[keep].view(streams, -1),
        labels=batch.labels[keep].view(streams, -1),
        audio_at=places.gather(1, kept),
        decision_at=decided.where(batch.decision_at >= 0, -1),
    )


@dataclass
class Cost:
    """Processor time of a model's steps, forward to update, and its last losses."""

    steps_s: list[float] = field(default_factory=list)
    losses: dict[str, float] = field(default_factory=dict)

    def mean(self) -> dict[str, float]:
        """With the losses, for the file."""
        return {"step_cpu_s": round(sum(self.steps_s) / max(1, len(self.steps_s)), 3)} | self.losses


class Pair:
    """Two trainers that are shown every batch, one after the other."""

    def __init__(self, options: NanoOptions, tokenizer: Tokenizer) -> None:
        self.settings = run_settings(options, is_card=False)
        self.trainers: dict[int, NanoTrainer] = {}
        for grouping in COMPARED:
            config = nano_config(tokenizer.get_vocab_size(), grouping=grouping)
            trainer = NanoTrainer(config, tokenizer, self.settings, options.out / str(grouping))
            trainer.start_from_model(starting_model(NANO, config))
            self.trainers[grouping] = trainer
        self.costs = {grouping: Cost() for grouping in COMPARED}
        self._out = options.out

    @property
    def first(self) -> NanoTrainer:
        """Whose streams they are."""
        return self.trainers[UNGROUPED]

    def learn(self, batch: PaddedBatch, spent_s: float) -> None:
        """`spent_s` of the time for both: it rules the schedule of either."""
        for grouping, trainer in self.trainers.items():
            mine = grouped(batch, grouping)
            trainer.spent_s = spent_s
            begun = time.process_time()
            losses = trainer.learn(mine)
            cost = self.costs[grouping]
            cost.steps_s.append(time.process_time() - begun)
            cost.losses = {name: round(value, 4) for name, value in losses.numbers().items()}
            trainer.heard_s += batch.seconds

    def told(self) -> dict[str, object]:
        """What both have learnt from so far, and at what cost."""
        return {
            "steps": self.first.step,
            "heard_h": round(self.first.heard_s / 3_600, 2),
            "of_grouping": {str(grouping): cost.mean() for grouping, cost in self.costs.items()},
        }

    def save(self) -> None:
        for trainer in self.trainers.values():
            trainer.save()
        (self._out / STEPS_FILE).write_text(json.dumps(self.told(), indent=1) + "\n")


def train(options: NanoOptions) -> Pair:
    """For so many minutes, without the making of the stock."""
    torch.set_num_threads(options.threads)
    tokenizer = read_tokenizer(resolve(NANO)) or train_tokenizer()
    pair = Pair(options, tokenizer)
    maker = BatchMaker(open_stock(options, None, 1), pair.first.config, tokenizer, options.seed)
    with closing(BatchLoader(maker, *orders(pair.settings), processes=1)) as loader:
        begun = saved = time.monotonic()
        for ahead in range(loader.ahead):
            loader.order(pair.first.order(ahead))
        while pair.first.progress < 1.0:
            batch = loader.take(pair.first.config.features, torch.device("cpu"))
            loader.order(pair.first.order(pair.first.step + loader.ahead))
            pair.learn(batch, time.monotonic() - begun)
            if pair.first.step % TOLD_EVERY == 0:
                print(f"{pair.first.progress:.0%}: {pair.told()}", flush=True)
            if time.monotonic() - saved > SAVED_EVERY_S:
                pair.save()
                saved = time.monotonic()
    pair.save()
    return pair


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cache", type=Path, help="where the speech is kept; OUT when left out")
    parser.add_argument("--speech", type=Path, action="append", default=[])
    parser.add_argument("--recordings", type=Path)
    parser.add_argument("--hard", type=Path)
    given = vars(parser.parse_args())
    train(NanoOptions(**given | {"speech": tuple(given["speech"]), "start": NANO, "threads": 1}))


if __name__ == "__main__":
    main()
