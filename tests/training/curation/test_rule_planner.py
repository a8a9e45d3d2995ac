from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.training.curation.annotated_sound import AnnotatedSound, open_catalogue
from interject.training.curation.refiner import RuleRefiner
from interject.training.curation.rule_planner import ROOM_TONE, RulePlanner
from interject.training.curation.scenario import ConstraintKind, EventRole

if TYPE_CHECKING:
    from pathlib import Path


def sounds(*names: str) -> list[AnnotatedSound]:
    return [
        AnnotatedSound(file=f"{n}.wav", tags=(name,), caption=f"the sound of {name}", licence="CC0")
        for n, name in enumerate(names)
    ]


def test_a_seed_always_gives_the_same_plan_and_every_plan_is_valid(sounds_folder: Path) -> None:
    catalogue = open_catalogue(sounds_folder)
    planner, plans = RulePlanner(catalogue.length_s), []
    for seed in range(25):
        bag = catalogue.bag(12, np.random.default_rng(seed))
        plans.append(planner.plan(bag, seed))
        assert planner.plan(bag, seed) == plans[-1]
        for scene, event in ((s, e) for s in plans[-1].scenes for e in s.sub_events):
            assert RuleRefiner().refine(scene, event).accept_tags
    assert len({scene.scenario for plan in plans for scene in plan.scenes}) > 20


def test_sounds_of_two_places_make_two_scenes() -> None:
    bag = sounds("kettle", "keyboard", "microwave", "car horn", "tractor", "thunder", "laugh")
    indoors, outdoors = RulePlanner().plan(bag, 1).scenes
    names = [{event.name for event in scene.sub_events} for scene in (indoors, outdoors)]
    assert {"kettle", "keyboard", "microwave"} <= names[0]
    assert {"car horn", "tractor", "thunder"} <= names[1]
    assert not names[0] & {"tractor", "thunder"}
    assert "indoors" in indoors.scenario
    assert "outdoors" in outdoors.scenario


def test_what_lasts_lies_under_the_scene() -> None:
    (scene,) = RulePlanner().plan(sounds("rain", "car horn", "tractor"), 1).scenes
    (bed,) = scene.of_role(EventRole.AMBIENT)
    assert bed.name == "rain"
    assert bed.rough_duration_s >= scene.length_s


def test_a_recording_that_is_short_is_no_ambience() -> None:
    (scene,) = RulePlanner(lambda _: 0.5).plan(sounds("rain", "car horn", "tractor"), 1).scenes
    assert scene.of_role(EventRole.AMBIENT)[0].name == ROOM_TONE
    assert {event.rough_duration_s for event in scene.of_role(EventRole.FOREGROUND)} == {0.5}


@pytest.mark.parametrize("names", [(), ("bark",), ("bark", "bark", "bark"), ("rain",)])
def test_a_poor_bag_is_filled_up(names: tuple[str, ...]) -> None:
    for seed in range(5):
        (scene,) = RulePlanner().plan(sounds(*names), seed).scenes
        assert len(scene.sub_events) >= 3


def test_what_causes_what_comes_first() -> None:
    bag = sounds("glass", "crying", "kettle", "footsteps", "doorbell")
    for seed in range(8):
        (scene,) = RulePlanner().plan(bag, seed).scenes
        pairs = {
            (rule.first, rule.second)
            for rule in scene.constraints
            if rule.kind is ConstraintKind.ORDER
        }
        assert {("glass", "crying"), ("footsteps", "doorbell")} <= pairs
        order = [event.name for event in scene.in_order()]
        if {"glass", "crying"} <= set(order):
            assert order.index("glass") < order.index("crying")


def test_events_of_several_kinds_make_no_circle() -> None:
    words = ("footsteps", "knock", "door", "doorbell", "crash", "crying", "glass")
    for first, second in itertools.permutations(words, 2):
        bag = sounds(f"{first} {second}", f"{second} {first}", *words)
        assert RulePlanner().plan(bag, 1).scenes


@pytest.mark.parametrize(
    "caption", ["", "a. b! c? d. e.", "x" * 2_000, "word " * 400, "...", "\N{GRINNING FACE} ok"]
)
def test_any_annotation_can_be_refined(caption: str) -> None:
    bag = [AnnotatedSound(file="a.wav", tags=("t" * 80,), caption=caption, licence="x")]
    for scene in RulePlanner().plan(bag, 1).scenes:
        for event in scene.sub_events:
            query = RuleRefiner().refine(scene, event)
            assert 4 <= len(query.query.split()) <= 12
