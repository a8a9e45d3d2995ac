"""Runs one `interject data plan`."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections import Counter
from typing import TYPE_CHECKING

from interject.cli.output.item_progress import item_progress
from interject.cli.process.failures import InputFailure, complain, one_line, printable
from interject.training.endpoints.answer_cache import AnswerCache
from interject.training.endpoints.call_budget import CallBudget
from interject.training.endpoints.chat_endpoint import ChatEndpoint
from interject.training.endpoints.failures import EndpointFailure
from interject.training.endpoints.http_endpoint import HttpEndpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.cli.data.plan_request import PlanRequest
    from interject.training.curation.scene_curator import SceneCurator
    from interject.training.curation.scene_record import SceneRecord


def plan_scenes(request: PlanRequest, *, as_json: bool) -> int:
    """:raises InputFailure: when it cannot go on; the scenes made so far are in the file.
    :raises SoundCatalogueError: when the folder of sounds cannot be used.
    """
    from interject.training.curation.scene_curator import curated

    budget = CallBudget(request.calls)
    empty = made = 0
    with _curator(request, budget) as curator:
        done = _done(request, curator.name)
        numbers = [number for number in range(request.count) if number not in done]
        try:
            with (
                open(request.out, "a", encoding="utf-8") as file,
                item_progress(len(numbers), sys.stderr) as progress,
            ):
                jobs = curated(curator, numbers, request.seed, parallel=request.parallel)
                with contextlib.closing(jobs):
                    for _, scenes in jobs:
                        empty += not scenes
                        made += len(scenes)
                        file.write("".join(f"{scene.model_dump_json()}\n" for scene in scenes))
                        file.flush()
                        progress()
        except (EndpointFailure, OSError) as error:
            raise InputFailure(f"{one_line(error)}; {made} scenes are kept, go on later") from error
    if empty:
        complain(f"{empty} bags have no scene: the model gave no valid answer; ask again later")
    _show(request, budget, as_json=as_json)
    return 0


@contextlib.contextmanager
def _curator(request: PlanRequest, budget: CallBudget) -> Iterator[SceneCurator]:
    from interject.training.curation.annotated_sound import open_catalogue
    from interject.training.curation.curators import model_curator, rule_curator

    catalogue = open_catalogue(request.sounds)
    if request.endpoint is None:
        yield rule_curator(catalogue)
        return
    with HttpEndpoint(request.endpoint, budget=budget) as endpoint:
        chat = ChatEndpoint(endpoint, AnswerCache(request.cache))
        yield model_curator(catalogue, chat, hears=request.hears)


def _done(request: PlanRequest, planner: str) -> set[int]:
    """What another run has written; a line that it was killed in goes.

    :raises InputFailure: when the file is of another plan.
    """
    from interject.training.curation.scene_record import read_scenes

    if not request.out.exists():
        return set()
    with request.out.open("r+b") as file:
        data = file.read()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            file.truncate(whole)
    scenes = read_scenes(request.out)
    if any((scene.seed, scene.planner) != (request.seed, planner) for scene in scenes):
        raise InputFailure(
            f"--out {printable(str(request.out))}: holds scenes of another seed or planner; "
            "give a new file"
        )
    return {scene.number for scene in scenes}


def _show(request: PlanRequest, budget: CallBudget, *, as_json: bool) -> None:
    from interject.training.curation.scene_record import read_scenes

    counts = _counts(read_scenes(request.out))
    if as_json:
        sys.stdout.write(json.dumps({**counts, "calls": budget.spent}) + os.linesep)
        return
    calls = f"; {budget.spent} calls" if request.endpoint is not None else ""
    sys.stdout.write(
        f"{printable(str(request.out))}: {counts['scenes']} scenes, {counts['usable']} usable; "
        f"{counts['events']} events: {counts['recorded']} recorded (of these "
        f"{counts['reprocessed']} mended), {counts['synthesised']} synthesised, "
        f"{counts['missing']} missing; {counts['respond']} to respond to, "
        f"{counts['borderline']} borderline{calls}\n"
    )


def _counts(scenes: list[SceneRecord]) -> dict[str, int]:
    found: Counter[str] = Counter(scenes=len(scenes))
    for scene in scenes:
        found["usable"] += scene.is_usable
        found["events"] += len(scene.scenario.sub_events)
        found["missing"] += len(scene.missing)
        for sound in scene.sounds:
            found["synthesised" if sound.pick.file is None else "recorded"] += 1
            found["reprocessed"] += sound.pick.file is not None and sound.pick.reprocessed
        for audit in scene.audits.values():
            found[audit.audit.label.value] += 1
    names = ("scenes", "usable", "events", "recorded", "reprocessed", "synthesised", "missing",
             "respond", "borderline")  # fmt: skip
    return {name: found[name] for name in names}
