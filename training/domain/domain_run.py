"""From a domain's folder to its model, profile and report."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from interject.model_runtime.checkpoint import load_checkpoint
from interject.training.dataset.build import build
from interject.training.dataset.build_watch import BuildWatch
from interject.training.dataset.dataset import Dataset
from interject.training.dataset.manifest import BuildSettings
from interject.training.domain.domain_file import read_domain
from interject.training.domain.domain_source import DomainSource
from interject.training.domain.domain_stock import GENERAL, read_material
from interject.training.domain.examination import chosen_threshold, examination_streams, examine
from interject.training.domain.profile_file import write_profile
from interject.training.domain.report import DomainReport
from interject.training.fine_tuning.process_group import ProcessGroup
from interject.training.fine_tuning.run import TrainingEvents, train
from interject.training.fine_tuning.saved_model import replace_folder
from interject.training.fine_tuning.settings import LoraSettings, TrainingRun, WatchSettings
from interject.training.fine_tuning.stages import TrainablePart, TrainingStage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.resolved_device import ResolvedDevice
    from interject.training.domain.domain_stock import DomainMaterial, GeneralShare
    from interject.training.domain.examination import ExaminedModel
    from interject.training.fine_tuning.trainer import StepReport

WORK, MODEL, PROFILE = "work", "model", "profile.yaml"
BASE_THRESHOLD = 0.5
WHOLE: dict[str, Any] = {
    "method": "full",
    "trains": (TrainablePart.TOWER, TrainablePart.ADAPTER, TrainablePart.DECODER),
    "learning_rate": 5e-4,
}
"""For nano, which is small."""
ADAPTED: dict[str, Any] = {
    "method": "lora",
    "lora": LoraSettings(save="merged"),
    "learning_rate": 1e-4,
}
"""For any other base. An adapter would look for its base where the run lies."""
STREAMS_A_STEP = 8


class Told(Protocol):
    """Who watches: a part of the work begins, a step of it is done."""

    def part(self, name: str, total: int | None) -> None: ...

    def advanced(self, count: int) -> None: ...

    def note(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class DomainOutcome:
    """`report` is None when the work was stopped: it goes on where it was."""

    report: DomainReport | None
    folder: Path


def learn_domain(
    folder: Path,
    resolved: ResolvedDevice,
    told: Told,
    *,
    workers: int = 1,
    stop: Callable[[], bool] = lambda: False,
    general: GeneralShare = GENERAL,
) -> DomainOutcome:
    """Data, training, examination, report. What a stopped one has done is not done again; what
    another file or other recordings were made into stays beside it.

    :raises YamlFileError: when the domain's file cannot be used.
    :raises UnusableRecordings: when recordings cannot.
    :raises SynthesisError: when a synthesiser is missing.
    :raises DatasetError: when data of other settings are there.
    :raises TrainingFailure: when training ends in one.
    """
    domain, work = read_domain(folder), folder / WORK
    told.part("recordings", None)
    material = read_material(domain, folder, work / "speech", general)
    made = work / material.digest()
    data = _data(material, made / "data", told, workers, stop)
    if data is None:
        return DomainOutcome(None, folder)
    learnt = _learnt(material, data, made / "run", resolved, told, stop)
    if learnt is None:
        return DomainOutcome(None, folder)
    report = _examined(material, folder, *learnt, resolved, told)
    report.write(folder)
    write_profile(folder / PROFILE, domain, report.learnt.threshold)
    return DomainOutcome(report, folder)


def _data(
    material: DomainMaterial, folder: Path, told: Told, workers: int, stop: Callable[[], bool]
) -> Dataset | None:
    size = material.domain.size
    told.part("speech", None)
    material.speak(told=told.note)
    told.part("streams", size.streams)
    settings = BuildSettings(
        recipe="domain", settings=material.fingerprint(), seed=size.seed, count=size.streams
    )
    watch = BuildWatch(told.advanced, told=told.note, is_stopped=stop)
    outcome = build(DomainSource(material), settings, folder, workers=workers, watch=watch)
    return None if outcome.manifest is None else Dataset(folder)


def _learnt(
    material: DomainMaterial,
    data: Dataset,
    out: Path,
    resolved: ResolvedDevice,
    told: Told,
    stop: Callable[[], bool],
) -> tuple[Path, int] | None:
    """The model's folder, and after how many steps."""
    size = material.domain.size
    run = TrainingRun(
        model=material.base,
        data=str(data.folder),
        out=str(out),
        stage=TrainingStage.INSTRUCTION,
        minutes=size.minutes,
        streams_per_step=STREAMS_A_STEP,
        streams_per_device=STREAMS_A_STEP,
        checkpoint_steps=20,
        seed=size.seed,
        watch=WatchSettings(held_out_share=0.0, tensorboard=False),
        **(WHOLE if material.keeps_nano else ADAPTED),
    )
    told.part("training", 1_000)
    done = 0

    def stepped(report: StepReport) -> None:
        nonlocal done
        now = round(report.progress * 1_000)
        told.advanced(now - done)
        done = now
        told.note(f"step {report.step}, loss {report.loss:.3f}")

    outcome = train(
        run, data, resolved, ProcessGroup(), events=TrainingEvents(stepped=stepped), stop=stop
    )
    return None if outcome.model is None else (outcome.model, outcome.steps)


def _examined(
    material: DomainMaterial,
    folder: Path,
    saved: Path,
    steps: int,
    resolved: ResolvedDevice,
    told: Told,
) -> DomainReport:
    domain = material.domain
    told.part("examination speech", None)
    streams = examination_streams(material, told.note)
    told.part("examination", 3 * len(streams))
    names = [reaction.name for reaction in domain.react]

    def heard(model: Model, threshold: float) -> ExaminedModel:
        return examine(model, streams, names, threshold, told.advanced)

    base = heard(load_checkpoint(material.base, device=resolved.device), BASE_THRESHOLD)
    model = load_checkpoint(saved, device=resolved.device)
    threshold = chosen_threshold(heard(model, BASE_THRESHOLD), domain.size.false_an_hour)
    learnt = heard(model, threshold)
    replace_folder(folder / MODEL, lambda part: shutil.copytree(saved, part))
    return DomainReport(material, base, learnt, steps, domain.size.minutes)
