"""From a folder of annotated sounds to records of scenes: plan, refine, audit, ground."""

from __future__ import annotations

import functools
import itertools
import threading
from collections import deque
from concurrent.futures import Future, wait
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np

from interject.training.curation.scene_record import SceneRecord, scene_record
from interject.training.endpoints.failures import EndpointFailure, UnusableAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from interject.training.curation.annotated_sound import SoundCatalogue
    from interject.training.curation.curation_settings import CurationSettings
    from interject.training.curation.event_auditor import EventAuditor
    from interject.training.curation.grounder import Grounder
    from interject.training.curation.planner import ScenarioPlanner
    from interject.training.curation.refiner import EventRefiner
    from interject.training.curation.scenario import Scenario

BY_RULES = "rules"
LAST_S = 1.0
"""What is still being asked when it ends may take so long."""
MOST_USELESS = 5
"""So many bags in a row without a valid answer, and the model is no use at all."""


@dataclass(frozen=True, slots=True)
class SceneCurator:
    """`name` is the model's, or `rules`. Threads may share one."""

    catalogue: SoundCatalogue
    planner: ScenarioPlanner
    refiner: EventRefiner
    auditor: EventAuditor
    grounder: Grounder
    settings: CurationSettings
    name: str = BY_RULES

    def curate(self, number: int, seed: int) -> list[SceneRecord]:
        """The scenes of one bag, one or two.

        :raises UnusableAnswer: when a model gives no valid answer.
        :raises EndpointFailure: when its server cannot be used.
        """
        rng = np.random.default_rng((seed, number))
        bag = self.catalogue.bag(self.settings.bag, rng)
        plan = self.planner.plan(bag, int(rng.integers(2**31)))
        return [
            self._scene(scenario, number, part, seed) for part, scenario in enumerate(plan.scenes)
        ]

    def _scene(self, scenario: Scenario, number: int, part: int, seed: int) -> SceneRecord:
        events = scenario.sub_events
        queries = {event.name: self.refiner.refine(scenario, event) for event in events}
        audits = {event.name: self.auditor.audit(scenario, event) for event in events}
        rng = np.random.default_rng((seed, number, part))
        scene = self.grounder.ground(scenario, queries, rng)
        return scene_record(
            scene, queries, audits, number=number, part=part, seed=seed, planner=self.name
        )


def curated(
    curator: SceneCurator, numbers: Iterable[int], seed: int, *, parallel: int
) -> Generator[tuple[int, list[SceneRecord]], None, None]:
    """In order. A bag for which a model says nothing of use has no scenes.

    :raises EndpointFailure: when its server cannot be used, after all that came before; or when
        several bags in a row have no scenes.
    """
    waiting: deque[tuple[int, Future[list[SceneRecord]]]] = deque()
    queued: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
    left, useless = iter(numbers), 0
    for _ in range(parallel):
        threading.Thread(target=_work, args=(queued,), name="curation", daemon=True).start()
    try:
        while True:
            for number in itertools.islice(left, 2 * parallel - len(waiting)):
                job: Future[list[SceneRecord]] = Future()
                waiting.append((number, job))
                queued.put(functools.partial(_curate, curator, number, seed, job))
            if not waiting:
                return
            number, job = waiting[0]
            try:
                scenes, useless = job.result(), 0
            except UnusableAnswer as error:
                scenes, useless = [], useless + 1
                if useless >= MOST_USELESS:
                    raise EndpointFailure(f"{error} (for {useless} bags in a row)") from error
            waiting.popleft()
            yield number, scenes
    finally:
        for _ in range(parallel):
            queued.put(None)
        wait([job for _, job in waiting if not job.cancel()], timeout=LAST_S)


def _work(queued: SimpleQueue[Callable[[], None] | None]) -> None:
    """In a thread that no process waits for at its end: a server may take minutes to answer."""
    while (job := queued.get()) is not None:
        job()


def _curate(curator: SceneCurator, number: int, seed: int, job: Future[list[SceneRecord]]) -> None:
    if not job.set_running_or_notify_cancel():
        return
    try:
        job.set_result(curator.curate(number, seed))
    except Exception as error:
        job.set_exception(error)
