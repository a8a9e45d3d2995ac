"""Makes the models of Core-Cocktail's table: tuned, merged, tuned again."""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.model_runtime.checkpoint import resolve
from interject.model_runtime.device_choice import DeviceChoice
from interject.model_runtime.resolved_device import resolve_device
from interject.training.domain.domain_file import NANO
from interject.training.domain.domain_run import (
    CONTROL_WEIGHT,
    LATE_SHARE,
    STREAMS_A_STEP,
    WHOLE,
    make_streams,
)
from interject.training.domain.work_watch import WorkStopped
from interject.training.fine_tuning.process_group import ProcessGroup
from interject.training.fine_tuning.run import CACHE_NAME, TrainingEvents, train
from interject.training.fine_tuning.saved_model import MODEL_NAME
from interject.training.fine_tuning.settings import OptimiserSettings, TrainingRun, WatchSettings
from interject.training.fine_tuning.stages import TrainingStage
from interject.training.merging.core_cocktail import merge

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.cocktail_domain import CocktailDomain
    from interject.training.domain.domain_stock import DomainMaterial
    from interject.training.domain.work_watch import WorkWatch
    from interject.training.fine_tuning.trainer import StepReport

HIGH = float(WHOLE["learning_rate"])
FINAL_SHARE = 0.1
"""Of a phase's rate, at the end of its cosine; of phase 1's rate, at the beginning of phase 2."""


class CocktailTold:
    """A line for each part of the work, one for some steps of it."""

    def part(self, name: str, total: int | None) -> None:
        del total
        self.say(name)

    def advanced(self, count: int) -> None:
        """The notes say enough."""

    def note(self, text: str) -> None:
        self.say(text)

    def stepped(self, report: StepReport) -> None:
        if report.step % 20 == 0:
            self.say(f"step {report.step}, loss {report.loss:.3f}, {report.took_s:.2f} s")

    def say(self, text: str) -> None:
        sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
        sys.stderr.flush()


@dataclass(frozen=True, slots=True)
class CocktailKitchen:
    """Makes each model once, and those before it that it needs. The tower is not trained: all runs
    share what it makes of each stream.
    """

    folder: Path
    domain: CocktailDomain
    high_steps: int
    low_steps: int
    watch: WorkWatch
    told: CocktailTold

    def base(self) -> Path:
        return resolve(NANO)

    def high(self) -> Path:
        return self._tuned("high", self.base(), HIGH, self.high_steps, self.domain.alone)

    def low(self) -> Path:
        return self._tuned("low", self.base(), HIGH * FINAL_SHARE, self._all, self.domain.alone)

    def merged(self, alpha: float) -> Path:
        target = self.folder / "merged" / f"alpha-{alpha:g}"
        if not target.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            merge(self.high(), self.base(), target, alpha=alpha)
        return target

    def cocktail(self, alpha: float) -> Path:
        name, rate = f"alpha-{alpha:g}-low", HIGH * FINAL_SHARE
        begun = self.merged(alpha)
        return self._tuned(name, begun, rate, self.low_steps, self.domain.alone, seed=2)

    def among(self) -> Path:
        return self._tuned("among", self.base(), HIGH, self._all, self.domain.among)

    @property
    def _all(self) -> int:
        return self.high_steps + self.low_steps

    def _tuned(
        self,
        name: str,
        base: Path,
        rate: float,
        steps: int,
        material: DomainMaterial,
        *,
        seed: int = 1,
    ) -> Path:
        out = self.folder / "runs" / name
        if (out / MODEL_NAME).is_dir():
            return out / MODEL_NAME
        out.mkdir(parents=True, exist_ok=True)
        (self.folder / CACHE_NAME).mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):
            (out / CACHE_NAME).symlink_to((self.folder / CACHE_NAME).resolve())
        data = make_streams(material, self.folder / "data" / material.digest(), self.watch, 1)
        self.told.part(f"training {name}: {steps} steps at {rate:g}", None)
        run = TrainingRun(
            model=str(base),
            data=str(data.folder),
            out=str(out),
            stage=TrainingStage.INSTRUCTION,
            learning_rate=rate,
            optimiser=OptimiserSettings(final_share=FINAL_SHARE),
            steps=steps,
            streams_per_step=STREAMS_A_STEP,
            streams_per_device=STREAMS_A_STEP,
            checkpoint_steps=40,
            keep_checkpoints=1,
            control_weight=CONTROL_WEIGHT,
            late_share=LATE_SHARE,
            save_dtype="float32",
            seed=seed,
            watch=WatchSettings(held_out_share=0.0, tensorboard=False),
        )
        outcome = train(
            run,
            data,
            resolve_device(DeviceChoice("cpu")),
            ProcessGroup(),
            events=TrainingEvents(stepped=self.told.stepped),
            stop=self.watch.stop,
        )
        if outcome.model is None:
            raise WorkStopped
        return outcome.model
