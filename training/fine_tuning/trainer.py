"""One training run: passes, steps, checkpoints to go on from."""

from __future__ import annotations

import contextlib
import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)

from interject.training.fine_tuning.failure import TrainingFailure
from interject.training.fine_tuning.schedule import rate_share
from interject.training.fine_tuning.trained_weights import trained

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from interject.training.fine_tuning.data_order import DataOrder
    from interject.training.fine_tuning.process_group import ProcessGroup
    from interject.training.fine_tuning.run_checkpoints import RunCheckpoints
    from interject.training.fine_tuning.settings import TrainingRun
    from interject.training.fine_tuning.training_data import TrainingData
    from interject.training.sequences.packed_model import PackedModel
    from interject.training.sequences.packing import PackedBatch

_MOST_NAMED = 16
_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True, ignore_frozen_params=True)


@dataclass(frozen=True, slots=True)
class StepReport:
    """`step` counts from 0; losses are means over what teaches in the whole step."""

    step: int
    progress: float
    loss: float
    text_loss: float
    control_loss: float
    gradient_norm: float
    learning_rate: float
    positions: int
    took_s: float

    def numbers(self) -> dict[str, float]:
        names = (
            "loss", "text_loss", "control_loss", "gradient_norm", "learning_rate", "positions",
            "took_s",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}


class FineTuner:
    """Changes the trainable weights of `model` in place, step by step.

    The same in every process of a group: each computes its passes, and all take the same step.
    """

    def __init__(
        self,
        run: TrainingRun,
        model: PackedModel,
        optimiser: torch.optim.Optimizer,
        data: TrainingData,
        order: DataOrder,
        group: ProcessGroup,
        checkpoints: RunCheckpoints,
        *,
        clock: Callable[[], float],
        passed: Callable[[int, int], None],
    ) -> None:
        self._run, self._model, self._optimiser = run, model, optimiser
        self._data, self._order, self._group = data, order, group
        self._checkpoints, self._clock, self._passed = checkpoints, clock, passed
        self._device = next(model.parameters()).device
        self.step, self.spent_s = 0, 0.0
        self._random = self._random_state()

    @property
    def progress(self) -> float:
        """0 to 1, by steps or by time, whichever is further. The first process's clock counts."""
        run = self._run
        by_time = self.spent_s / (run.minutes * 60) if run.minutes is not None else 0.0
        by_steps = self.step / run.all_steps if run.minutes is None or run.steps else 0.0
        return self._group.told(min(1.0, max(by_time, by_steps)))

    def steps(self, stop: Callable[[], bool]) -> Iterator[StepReport]:
        """Train until the run is over or `stop` says so; a report a step. A step that is stopped
        between two passes is not taken.

        :raises TrainingFailure: when a loss is not finite; the weights are those before that step.
        """
        with ThreadPoolExecutor(1) as reader:
            batches = self._ahead(reader)
            try:
                while self.progress < 1.0:
                    report = self._learn(batches, stop)
                    if report is None:
                        return
                    yield report
            finally:
                batches.close()

    @contextlib.contextmanager
    def rescued(self) -> Iterator[None]:
        """What cannot be read, inside, costs no step that was taken. One of several processes
        cannot save alone, and the others know nothing of it.
        """
        try:
            yield
        except TrainingFailure:
            raise
        except Exception:
            if self._group.world == 1:
                self.save()
            raise

    def save(self) -> None:
        """As it was behind the last step.

        :raises TrainingFailure: when the disk takes no more.
        """
        state = self._state()
        if self._group.leads:
            self._checkpoints.save(self.step, state)

    def resume(self) -> bool:
        """Go on from the newest checkpoint; False when there is none."""
        state = self._checkpoints.load()
        if state is None:
            return False
        model_options = StateDictOptions(full_state_dict=True, strict=False)
        set_model_state_dict(self._model, state["weights"], options=model_options)
        set_optimizer_state_dict(
            self._model, self._optimiser, state["optimiser"],
            options=StateDictOptions(full_state_dict=True, ignore_frozen_params=True),
        )  # fmt: skip
        self.step, self.spent_s = state["step"], state["spent_s"]
        self._random = state["random"]
        self._restore_random_state()
        return True

    def weights(self) -> dict[str, torch.Tensor]:
        """The trained ones, whole, on the host of the first process."""
        return get_model_state_dict(self._model, options=_WHOLE)  # type: ignore[return-value]

    def _state(self) -> dict[str, Any]:
        return {
            "weights": self.weights(),
            "optimiser": get_optimizer_state_dict(self._model, self._optimiser, options=_WHOLE),
            "step": self.step,
            "spent_s": self.spent_s,
            "random": self._random,
        }

    def _random_state(self) -> dict[str, torch.Tensor]:
        states = {"cpu": torch.get_rng_state()}
        if self._device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self._device)
        return states

    def _restore_random_state(self) -> None:
        torch.set_rng_state(self._random["cpu"])
        if self._device.type == "cuda" and "cuda" in self._random:
            torch.cuda.set_rng_state(self._random["cuda"], self._device)

    def _ahead(self, reader: ThreadPoolExecutor) -> Generator[tuple[PackedBatch, int]]:
        """Batches from this step on, and how many of its step follow; the next is being read while
        one is computed.
        """
        passes = (
            (names, len(step) - index)
            for number in itertools.count(self.step)
            for step in [self._order.passes(number, self._group.rank)]
            for index, names in enumerate(step, 1)
        )
        coming = ((reader.submit(self._data.batch, names), left) for names, left in passes)
        ahead = next(coming)
        while True:
            batch, left = ahead
            ahead = next(coming)
            yield batch.result(), left

    def _learn(
        self, batches: Iterator[tuple[PackedBatch, int]], stop: Callable[[], bool]
    ) -> StepReport | None:
        """A step; None: it was stopped, and nothing is changed."""
        began = self._clock()
        progress = self.progress
        sums, seen, broken = [0.0] * 4, 0, []
        left = 1
        while left:
            if self._group.sums([float(stop())])[0]:
                self._optimiser.zero_grad(set_to_none=True)
                self._restore_random_state()
                return None
            batch, left = next(batches)
            parts = self._pass(batch)
            self._passed(self.step, left)
            sums = [a + b for a, b in zip(sums, parts, strict=True)]
            seen += len(batch.ids)
            if not all(map(_is_finite, parts)):
                broken.append(_listed(batch.stream_ids))
        text, control, texts, controls, positions = self._group.sums([*sums, seen])
        norm = self._prepare(texts + controls)
        self._check(text + control, norm, broken)
        rate = self._run.rate * rate_share(progress, self._run.optimiser)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        took_s = self._clock() - began
        self.spent_s += took_s
        self.step += 1
        self._random = self._random_state()
        return StepReport(
            step=self.step - 1,
            progress=self.progress,
            loss=(text + self._run.control_weight * control) / (texts + controls),
            text_loss=text / max(1, texts),
            control_loss=control / max(1, controls),
            gradient_norm=norm,
            learning_rate=rate,
            positions=int(positions),
            took_s=took_s,
        )

    def _pass(self, batch: PackedBatch) -> list[float]:
        """Adds the gradients of a batch's sums; returns the sums, and over how many labels."""
        loss = self._model(batch)
        loss.weighted(self._run.control_weight).backward()
        text, control = float(loss.text.detach()), float(loss.control.detach())
        return [text, control, loss.text_count, loss.control_count]

    def _prepare(self, labels: float) -> float:
        """Gradients of the mean over the whole step, clipped; returns their norm before that.

        FSDP has taken their mean over the processes.
        """
        parameters = [p for _, p in trained(self._model)]
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad.mul_(self._group.world / labels)
        norm: Any = nn.utils.clip_grad_norm_(parameters, self._run.optimiser.clip)
        return float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm)

    def _check(self, loss: float, norm: float, broken: list[str]) -> None:
        if _is_finite(loss) and _is_finite(norm):
            return
        self._optimiser.zero_grad(set_to_none=True)
        streams = "; ".join(self._group.gathered(broken)) or _listed(self._order.streams(self.step))
        kept = self._checkpoints.newest()
        raise TrainingFailure(
            f"step {self.step}: the {'gradient' if _is_finite(loss) else 'loss'} is not finite in "
            f"the batch of the streams {streams}; stopped there, "
            + (f"the last good checkpoint is {kept}" if kept else "nothing was saved before")
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _is_finite(value: float) -> bool:
    return abs(value) < float("inf")
