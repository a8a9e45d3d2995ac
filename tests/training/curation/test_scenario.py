from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from interject.training.curation.scenario import Scenario, ScenePlan
from interject.training.curation.sound_query import SoundQuery


def event(name: str, role: str = "fg", seconds: float = 2.0) -> dict[str, Any]:
    return {
        "name": name, "role": role, "rough_duration_s": seconds, "brief_description": f"a {name}",
    }  # fmt: skip


def rule(kind: str, first: str, second: str) -> dict[str, str]:
    return {"kind": kind, "first": first, "second": second}


EVENTS = (event("knock"), event("bark", seconds=3), event("rain", "amb", 5))


def scenario(*events: dict[str, Any], rules: tuple[dict[str, str], ...] = ()) -> Scenario:
    content = {"scenario": "A dog hears a knock.", "sub_events": events, "constraints": rules}
    return Scenario.model_validate_json(json.dumps(content))


def test_foregrounds_follow_each_other_over_ambience_that_lasts_as_long() -> None:
    made = scenario(*EVENTS, event("car", "bg", 4.5))
    assert made.length_s == 5.0
    assert [found.name for found in made.in_order()] == ["knock", "bark"]


def test_an_order_constraint_turns_them_round() -> None:
    made = scenario(*EVENTS, rules=(rule("order", "bark", "knock"),))
    assert [found.name for found in made.in_order()] == ["bark", "knock"]


@pytest.mark.parametrize(
    ("events", "rules", "fault"),
    [
        (EVENTS[:2], (), "at least 3 items"),
        (tuple(event(f"e{n}") for n in range(16)), (), "at most 15 items"),
        ((*EVENTS, event("knock")), (), "a name of its own"),
        ((event("a", "bg"), event("b", "bg"), event("rain", "amb", 9)), (), "the role fg"),
        ((event("a"), event("b"), event("c")), (), "the role amb"),
        ((*EVENTS[:2], event("rain", "amb", 4.9)), (), "must last for all of the scene, 5 s"),
        ((*EVENTS, event("car", "bg", 9)), (), "must last for all of the scene, 9 s"),
        (EVENTS, (rule("order", "knock", "cat"),), "names what is no sub_event"),
        (EVENTS, (rule("exclusion", "knock", "knock"),), "two different sub_events"),
        (EVENTS, (rule("order", "knock", "bark"), rule("order", "bark", "knock")), "contradict"),
        ((*EVENTS, event("x", "main")), (), "'fg', 'bg' or 'amb'"),
        ((*EVENTS, event("x", seconds=0)), (), "greater than 0"),
        ((*EVENTS, event(" ")), (), "match pattern"),
    ],
)
def test_what_is_no_scene_says_why(events: Any, rules: Any, fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        scenario(*events, rules=rules)


@pytest.mark.parametrize("count", [0, 3])
def test_a_plan_has_one_scene_or_two(count: int) -> None:
    with pytest.raises(ValidationError, match=r"at (least|most)"):
        ScenePlan(scenes=(scenario(*EVENTS),) * count)


def test_a_query_has_four_to_twelve_words_and_its_caption_two_sentences() -> None:
    content = {
        "query": " dog  barking behind door", "fallback_caption": "A dog barks. It is 3.5 m away.",
        "accept_tags": ["Dog ", "bark"],
    }  # fmt: skip
    made = SoundQuery.model_validate_json(json.dumps(content))
    assert made.query == "dog barking behind door"
    assert made.accept_tags == ("dog", "bark")
    for field, value, fault in (
        ("query", "dog barking loudly", "has 3 words"),
        ("query", "a " * 13, "has 13 words"),
        ("fallback_caption", "One. Two. Three.", "has 3 sentences"),
        ("accept_tags", [], "at least 1 item"),
    ):
        with pytest.raises(ValidationError, match=fault):
            SoundQuery.model_validate_json(json.dumps({**content, field: value}))
