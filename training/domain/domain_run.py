"""From a domain's folder to its model, profile and report."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interject.model_runtime.checkpoint import load_checkpoint
from interject.training.dataset.build import build
from interject.training.dataset.build_watch import BuildWatch
from interject.training.dataset.dataset import Dataset
from interject.training.dataset.manifest import BuildSettings
from interject.training.domain.domain_file import read_domain
from interject.training.domain.domain_source import DomainSource
from interject.training.domain.domain_stock import GENERAL, read_material
from interject.training.domain.examination import chosen_threshold, examination_streams, examine
from interject.training.domain.examiner import AT_ONCE, Examiner
from interject.training.domain.profile_file import write_profile
from interject.training.domain.report import DomainReport
from interject.training.domain.work_watch import Told, WorkStopped, WorkWatch
from interject.training.fine_tuning.process_group import ProcessGroup
from interject.training.fine_tuning.run import TrainingEvents, train
from interject.training.fine_tuning.saved_model import replace_folder
from interject.training.fine_tuning.settings import LoraSettings, TrainingRun, WatchSettings
from interject.training.fine_tuning.stages import TrainablePart, TrainingStage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from interject.model_runtime.resolved_device import ResolvedDevice
    from interject.training.domain.domain_stock import DomainMaterial, GeneralShare
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
STREAMS_A_STEP, CONTROL_WEIGHT, LATE_SHARE = 8, 4.0, 0.3


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
    watch = WorkWatch(told, stop)
    told.part("recordings", None)
    material = read_material(domain, folder, work / "speech", general)
    made = work / material.digest()
    try:
        data = make_streams(material, made / "data", watch, workers)
        learnt = _learnt(material, data, made / "run", resolved, watch)
        report = _examined(material, folder, made / "played", *learnt, resolved, watch)
    except WorkStopped:
        return DomainOutcome(None, folder)
    report.write(folder)
    write_profile(folder / PROFILE, domain, report.learnt.threshold)
    return DomainOutcome(report, folder)


def make_streams(material: DomainMaterial, folder: Path, watch: WorkWatch, workers: int) -> Dataset:
    """What is there already is not made again.

    :raises WorkStopped: when it was to stop.
    """
    size, told = material.domain.size, watch.told
    told.part("speech", None)
    material.speak(watch=watch)
    told.part("streams", size.streams)
    settings = BuildSettings(
        recipe="domain", settings=material.fingerprint(), seed=size.seed, count=size.streams
    )
    building = BuildWatch(told.advanced, told=told.note, is_stopped=watch.stop)
    outcome = build(DomainSource(material), settings, folder, workers=workers, watch=building)
    if outcome.manifest is None:
        raise WorkStopped
    return Dataset(folder)


def _learnt(
    material: DomainMaterial,
    data: Dataset,
    out: Path,
    resolved: ResolvedDevice,
    watch: WorkWatch,
) -> tuple[Path, int]:
    """The model's folder, and after how many steps."""
    size, told = material.domain.size, watch.told
    run = TrainingRun(
        model=material.base,
        data=str(data.folder),
        out=str(out),
        stage=TrainingStage.INSTRUCTION,
        minutes=size.minutes,
        streams_per_step=STREAMS_A_STEP,
        streams_per_device=STREAMS_A_STEP,
        checkpoint_steps=60,
        control_weight=CONTROL_WEIGHT,
        late_share=LATE_SHARE,
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
        run, data, resolved, ProcessGroup(), events=TrainingEvents(stepped=stepped),
        stop=watch.stop,
    )  # fmt: skip
    if outcome.model is None:
        raise WorkStopped
    return outcome.model, outcome.steps


def _examined(
    material: DomainMaterial,
    folder: Path,
    played: Path,
    saved: Path,
    steps: int,
    resolved: ResolvedDevice,
    watch: WorkWatch,
) -> DomainReport:
    domain, told = material.domain, watch.told
    told.part("examination speech", None)
    streams = examination_streams(material, watch)
    told.part("examination", 2 * len(streams.dense + streams.ordinary) + len(streams.calm))
    names = [reaction.name for reaction in domain.react]

    def examiner(model: str | Path) -> Examiner:
        loaded = load_checkpoint(model, device=resolved.device)
        return Examiner(loaded, played, watch, AT_ONCE if material.keeps_nano else 1)

    base = examine(examiner(material.base), streams, names, BASE_THRESHOLD)
    learner = examiner(saved)
    threshold = chosen_threshold(learner, streams, domain.size.false_an_hour, BASE_THRESHOLD)
    learnt = examine(learner, streams, names, threshold)
    replace_folder(folder / MODEL, lambda part: shutil.copytree(saved, part))
    return DomainReport(material, base, learnt, steps, domain.size.minutes)
