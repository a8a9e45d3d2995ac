"""The examination goes on with what it has heard, and stops at once."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.checkpoint import load_checkpoint
from interject.model_runtime.device_choice import DeviceChoice
from interject.model_runtime.protocol import FRAME_SAMPLES, LOOKAHEAD_SAMPLES
from interject.model_runtime.resolved_device import resolve_device
from interject.training.domain.domain_run import learn_domain
from interject.training.domain.examination import chosen_threshold, examination_streams, examine
from interject.training.domain.examiner import Examiner
from interject.training.domain.work_watch import WorkStopped, WorkWatch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from interject.training.domain.domain_stock import DomainMaterial
    from interject.training.domain.examination import ExaminationStreams
    from interject.training.nano.scene import Scene

NANO = load_checkpoint("nano")


class Watch:
    """Counts what is advanced."""

    def __init__(self) -> None:
        self.done = 0

    def part(self, name: str, total: int | None) -> None:
        del name, total

    def advanced(self, count: int) -> None:
        self.done += count

    def note(self, text: str) -> None:
        del text


def stopping_after(checks: int) -> Callable[[], bool]:
    left = itertools.count(1)
    return lambda: next(left) > checks


def short(scenes: tuple[Scene, ...]) -> tuple[Scene, ...]:
    """The first ten chunks of each."""
    samples = 10 * FRAME_SAMPLES
    return tuple(
        replace(
            scene,
            sound=scene.sound[: samples + LOOKAHEAD_SAMPLES],
            happenings=[h for h in scene.happenings if h.end < samples],
        )
        for scene in scenes
    )


@pytest.fixture
def streams(material: DomainMaterial) -> ExaminationStreams:
    return examination_streams(material)


def test_it_stops_within_a_chunk_and_goes_on_with_what_it_heard(
    streams: ExaminationStreams, tmp_path: Path
) -> None:
    scenes, told = short(streams.ordinary), Watch()
    stopped = Examiner(NANO, tmp_path, WorkWatch(told, stopping_after(15)), at_once=1)
    with pytest.raises(WorkStopped):
        stopped.play(scenes, 0.5)
    assert told.done == 1, "ten chunks of the first stream, five of the second"
    (kept,) = tmp_path.glob("*.jsonl")
    with kept.open("a") as file:
        file.write('\n{"id": "half a li')
    checks = itertools.count()
    again = Examiner(NANO, tmp_path, WorkWatch(Watch(), lambda: next(checks) < 0), at_once=1)
    heard = again.play(scenes, 0.5)
    assert next(checks) == 10 * (len(scenes) - 1)
    alone = Examiner(NANO, tmp_path / "other", WorkWatch(Watch()), at_once=1)
    assert [h.heard for h in heard] == [h.heard for h in alone.play(scenes, 0.5)]
    assert [h.id for h in heard] == [h.id for h in again.play(scenes, 0.5)]


def test_the_threshold_is_chosen_on_streams_that_are_not_reported(
    streams: ExaminationStreams, tmp_path: Path
) -> None:
    """What another threshold brings is heard anew: a reply changes what comes after it."""
    examiner = Examiner(NANO, tmp_path, WorkWatch(Watch()))
    few = replace(streams, ordinary=short(streams.ordinary), calm=short(streams.calm))
    chosen_threshold(examiner, few, 5.0, 0.5)
    examined = examine(examiner, few, ["kettle", "open-the-gate"], 0.9)
    played = {
        path.stem.rpartition("-")[2]: len(path.read_text().strip().splitlines())
        for path in tmp_path.glob("*.jsonl")
    }
    assert played == {"0.5": len(few.calm), "0.9": len(few.dense) + len(few.ordinary)}
    assert examined.ordinary_hours == pytest.approx(len(few.ordinary) * 4 / 3_600)
    wanted = examined.reactions["kettle"].wanted + examined.reactions["open-the-gate"].wanted
    assert wanted > 0


def test_a_signal_while_speaking_ends_the_work(folder: Path) -> None:
    watch = Watch()
    outcome = learn_domain(
        folder, resolve_device(DeviceChoice("cpu")), watch, stop=stopping_after(3)
    )
    assert outcome.report is None
    assert not list(folder.glob("work/speech/*.npz"))
