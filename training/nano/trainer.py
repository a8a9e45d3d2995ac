"""One training run: a budget of minutes, a schedule by time, checkpoints to go on from."""

from __future__ import annotations

import json
import logging
import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from interject.model_runtime.checkpoint import Model, random_model, save_native
from interject.training.fine_tuning.failure import TrainingFailure
from interject.training.nano.batch_maker import Order
from interject.training.nano.losses import AuxiliaryHeads, Losses, compute_losses
from interject.training.nano.optimiser import make_optimisers
from interject.training.nano.stop_signals import TrainingSignals

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tokenizers import Tokenizer

    from interject.model_runtime.network.architecture import ModelConfig
    from interject.training.nano.batch import PaddedBatch
    from interject.training.nano.batch_loader import BatchLoader
    from interject.training.nano.recipe import NanoSettings

STATE_FILE, CURVE_FILE, MODEL_FOLDER = "state.pt", "curve.jsonl", "model"
_FINAL_AUXILIARY = 0.15
_CPU = torch.device("cpu")
_log = logging.getLogger(__name__)


class NanoTrainer:
    """Time spent counts only while it trains; a run that goes on starts where it was saved.

    `products` is the type in which products are computed; None: float32.
    """

    def __init__(
        self,
        config: ModelConfig,
        tokenizer: Tokenizer,
        settings: NanoSettings,
        folder: Path,
        *,
        device: torch.device = _CPU,
        products: torch.dtype | None = torch.bfloat16,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.config, self.settings, self.folder = config, settings, folder
        self._tokenizer, self._clock = tokenizer, clock
        self._device, self._products = device, products
        torch.manual_seed(settings.seed)
        model = random_model(config, seed=settings.seed)
        self.tower, self.decoder = model.tower.train(), model.decoder.train()
        _initialise(self.tower)
        _initialise(self.decoder)
        self.heads = AuxiliaryHeads(config.decoder.width)
        self._modules = nn.ModuleDict(
            {"tower": self.tower, "decoder": self.decoder, "heads": self.heads}
        ).to(device)
        self._optimisers = make_optimisers(self._modules.values(), settings)
        self._rates = [[group["lr"] for group in o.param_groups] for o in self._optimisers]
        self._average = {n: p.detach().clone() for n, p in self._modules.named_parameters()}
        self.step, self.spent_s, self.heard_s = 0, 0.0, 0.0

    @property
    def progress(self) -> float:
        """Share of the steps or the time that is spent, 0 to 1."""
        if self.settings.steps is not None:
            return min(1.0, self.step / self.settings.steps)
        return min(1.0, self.spent_s / (self.settings.minutes * 60))

    def run(
        self,
        loader: BatchLoader,
        report: Callable[[str], None],
        signals: TrainingSignals | None = None,
    ) -> Model:
        """Train until the time is spent; returns the averaged model.

        :raises StoppedBySignal: behind a step, when the run is saved.
        """
        signals = signals or TrainingSignals()
        saved_at = self._clock()
        try:
            for ahead in range(loader.ahead):
                loader.order(self.order(self.step + ahead))
            while self.progress < 1.0:
                began = self._clock()
                batch = loader.take(self.config.features, self._device)
                waited_s = self._clock() - began
                loader.order(self.order(self.step + loader.ahead))
                with signals.whole():
                    losses = self.learn(batch)
                    self.spent_s += self._clock() - began
                    self.heard_s += batch.seconds
                    self._note(losses, self._clock() - began, waited_s, report)
                if self._clock() - saved_at > self.settings.checkpoint_s:
                    self.save()
                    saved_at = self._clock()
        except KeyboardInterrupt:
            self.save()
            _log.info("saved behind step %d: --resume goes on from there", self.step)
            raise
        self.save()
        return self.averaged()

    def train_for(self, seconds: float) -> None:
        """From now on, beside what was spent before a checkpoint that it goes on from."""
        self.settings = replace(self.settings, minutes=(self.spent_s + seconds) / 60)

    def learn(self, batch: PaddedBatch) -> Losses:
        """One step on one batch."""
        self._set_rates()
        first = self.settings.auxiliary_weight
        auxiliary = first + (_FINAL_AUXILIARY - first) * min(1.0, self.progress / 0.8)
        products = self._products
        with torch.autocast(self._device.type, products, enabled=products is not None):
            losses = compute_losses(
                self.tower, self.decoder, self.heads, self.config.layout, batch, self.settings,
                auxiliary,
            )  # fmt: skip
        losses.total.backward()
        norm = nn.utils.clip_grad_norm_(self._modules.parameters(), 1.0)
        for optimiser in self._optimisers:
            if norm.isfinite():
                optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self._follow()
        self.step += 1
        return losses

    def averaged(self) -> Model:
        """The model whose weights are the moving average."""
        model = random_model(self.config, tokenizer=self._tokenizer)
        for name, module in (("tower", model.tower), ("decoder", model.decoder)):
            own = {n: self._average[f"{name}.{n}"] for n, _ in module.named_parameters()}
            module.load_state_dict(own, strict=False)
        return model

    def save(self) -> None:
        """Everything that a run needs to go on, and the averaged model beside it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "modules": self._modules.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self._optimisers],
            "average": self._average,
            "step": self.step,
            "spent_s": self.spent_s,
            "heard_s": self.heard_s,
        }
        partial = self.folder / (STATE_FILE + ".part")
        torch.save(state, partial)
        partial.rename(self.folder / STATE_FILE)
        save_native(self.averaged(), self.folder / MODEL_FOLDER, dtype=torch.bfloat16)

    def start_from(self, folder: Path) -> bool:
        """Begin with the weights of another run; False when there is none.

        A head that names the words of the language is new where the language is; so is what puts
        embeddings together where that run had nothing of the kind.
        """
        state = self._read(folder)
        if state is None:
            return False
        own = self._modules.state_dict()
        if not own.keys() >= state["modules"].keys():
            raise TrainingFailure(f"{folder} put embeddings together: give this run its --grouping")
        for weights in (state["modules"], state["average"]):
            for name, mine in own.items():
                other = weights.get(name)
                if other is None or (name.startswith("heads.") and other.shape != mine.shape):
                    weights[name] = mine.clone()
        self._load(state)
        return True

    def start_from_model(self, model: Model) -> None:
        """Begin with the weights of a model; the auxiliary heads, which none has, stay new.

        :raises TrainingFailure: when it has another shape.
        """
        if replace(model.config, name=self.config.name) != self.config:
            raise TrainingFailure(f"{model.config.name} has another shape than this recipe's model")
        for module, other in ((self.tower, model.tower), (self.decoder, model.decoder)):
            module.load_state_dict(dict(other.named_parameters()), strict=False)
        self._average = {n: p.detach().clone() for n, p in self._modules.named_parameters()}

    def resume(self) -> bool:
        """Go on from the last checkpoint; False when there is none."""
        state = self._read(self.folder)
        if state is None:
            return False
        self._load(state)
        for optimiser, saved in zip(self._optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.step, self.spent_s = state["step"], state["spent_s"]
        self.heard_s = state["heard_s"]
        self._cut_curve()
        return True

    def _read(self, folder: Path) -> dict[str, Any] | None:
        path = folder / STATE_FILE
        if not path.is_file():
            return None
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location=self._device)
        return state

    def _load(self, state: dict[str, Any]) -> None:
        self._modules.load_state_dict(state["modules"])
        self._average = state["average"]

    def _cut_curve(self) -> None:
        """Drop the lines of steps that were lost with the killed process."""
        path = self.folder / CURVE_FILE
        if path.is_file():
            lines = path.read_text().splitlines(keepends=True)
            path.write_text("".join(x for x in lines if json.loads(x)["step"] <= self.step))

    def order(self, step: int) -> Order:
        """What that step learns from, as far as can be said now."""
        short, long = orders(self.settings, step)
        return short if self.progress < 1.0 - self.settings.long_share else long

    def _set_rates(self) -> None:
        settings, left = self.settings, 1.0 - self.progress
        factor = min(1.0, left / settings.decay_share, (self.step + 1) / settings.warm_up_steps)
        for optimiser, rates in zip(self._optimisers, self._rates, strict=True):
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * max(factor, 0.01)

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(self.settings.average_decay, (self.step + 1) / (self.step + 10))
        averages = [self._average[name] for name, _ in self._modules.named_parameters()]
        torch._foreach_lerp_(averages, list(self._modules.parameters()), 1 - decay)

    def _note(
        self, losses: Losses, took_s: float, waited_s: float, report: Callable[[str], None]
    ) -> None:
        numbers: dict[str, Any] = {key: round(value, 4) for key, value in losses.numbers().items()}
        if not math.isfinite(numbers["total"]):
            _log.error("the loss of step %d is not finite, it was left out", self.step)
        line = {"step": self.step, "minutes": round(self.spent_s / 60, 2), "s": round(took_s, 2),
                "waited_s": round(waited_s, 2), **numbers}  # fmt: skip
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / CURVE_FILE).open("a") as file:
            file.write(json.dumps(line) + "\n")
        parts = " ".join(f"{key} {value}" for key, value in line.items())
        report(f"{self.progress:5.1%} {parts} heard {self.heard_s / 3600:.1f} h")


def orders(settings: NanoSettings, step: int = 0) -> tuple[Order, Order]:
    """Of short streams, and of long ones."""
    return (
        Order(step, settings.short_streams, settings.short_chunks),
        Order(step, settings.long_streams, settings.long_chunks),
    )


def _initialise(module: nn.Module) -> None:
    """Small normal weights; what ends a residual branch begins at a third of that. What puts
    embeddings together stays the identity.
    """
    for name, parameter in module.named_parameters():
        if parameter.ndim == 2 and not name.startswith("grouping."):
            ends = name.endswith(("out.weight", "down.weight"))
            nn.init.normal_(
                parameter, std=0.02 / 3 if ends else 0.04 if "embedding" not in name else 0.3
            )
