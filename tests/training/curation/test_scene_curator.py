from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.training.curation.annotated_sound import open_catalogue
from interject.training.curation.curators import model_curator, rule_curator
from interject.training.curation.event_auditor import RuleAuditor
from interject.training.curation.scenario import EventRole, Scenario, SubEvent
from interject.training.curation.scene_curator import MOST_USELESS, SceneCurator, curated
from interject.training.curation.verifier import HEARD_IDENTITY
from interject.training.endpoints.chat_endpoint import ChatEndpoint
from interject.training.endpoints.failures import EndpointFailure, UnusableAnswer
from interject.training.endpoints.http_endpoint import HttpEndpoint
from interject.training.endpoints.retry_schedule import RetrySchedule
from interject.training.endpoints.settings import EndpointSettings
from interject.training.soundflow.silence_audit import AuditLabel
from tests.fakes.model_server import ModelServer, Received, Scripted, said, serving
from tests.training.curation.worlds import model_answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from interject.training.curation.annotated_sound import AnnotatedSound
    from interject.training.curation.scenario import ScenePlan
    from interject.training.curation.scene_record import SceneRecord


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with serving(ModelServer(respond=model_answer)) as running:
        yield running


@contextlib.contextmanager
def by_model(server: ModelServer, folder: Path, *, hears: bool = False) -> Iterator[SceneCurator]:
    settings = EndpointSettings(base_url=server.url, model="planner-1", answer_timeout_s=2.0)
    with HttpEndpoint(settings, schedule=RetrySchedule(())) as endpoint:
        yield model_curator(open_catalogue(folder), ChatEndpoint(endpoint), hears=hears)


def by_rules(folder: Path) -> SceneCurator:
    return rule_curator(open_catalogue(folder))


def asked_for(request: Received) -> str:
    return str(request.json["response_format"]["json_schema"]["name"])


def test_a_model_plays_all_roles(server: ModelServer, sounds_folder: Path) -> None:
    with by_model(server, sounds_folder) as curator:
        (scene,) = curator.curate(7, 3)
    assert (scene.number, scene.part, scene.seed, scene.planner) == (7, 0, 3, "planner-1")
    assert {sound.event: sound.pick.file for sound in scene.sounds} == {
        "bark": "bark/clean.flac", "siren": None, "traffic": "street_traffic/long.flac",
    }  # fmt: skip
    kinds = [asked_for(request) for request in server.received]
    assert kinds.count("SoundQuery") == kinds.count("EventAudit") == 3
    plan = server.received[0].json["messages"][1]["content"]
    assert '"tags": ["' in plan
    assert "Variation" in plan
    assert all(sound.skipped[0] == HEARD_IDENTITY for sound in scene.sounds)


def test_schemas_are_as_strict_servers_want_them(server: ModelServer, sounds_folder: Path) -> None:
    with by_model(server, sounds_folder) as curator:
        curator.curate(0, 0)

    def check(schema: object) -> None:
        if isinstance(schema, dict):
            assert "default" not in schema
            if isinstance(schema.get("properties"), dict):
                assert sorted(schema["required"]) == sorted(schema["properties"])
                assert schema["additionalProperties"] is False
        for part in schema.values() if isinstance(schema, dict) else ():
            check(part)

    for request in server.received:
        check(request.json["response_format"]["json_schema"]["schema"])


def test_a_model_that_hears_gets_the_sound(server: ModelServer, sounds_folder: Path) -> None:
    with by_model(server, sounds_folder, hears=True) as curator:
        (scene,) = curator.curate(0, 0)
    assert HEARD_IDENTITY not in {check for sound in scene.sounds for check in sound.skipped}
    request = next(r for r in server.received if asked_for(r) == "IdentityAnswer")
    text, sound = request.json["messages"][1]["content"]
    assert text["type"] == "text"
    assert sound["input_audio"]["format"] == "wav"
    assert sound["input_audio"]["data"].startswith("UklGR")


def test_a_model_that_recognises_nothing_leaves_synthesis_unused(
    server: ModelServer, sounds_folder: Path
) -> None:
    def respond(request: Received) -> Scripted:
        if asked_for(request) == "IdentityAnswer":
            return said('{"is_same": false, "reason": "no"}')
        return model_answer(request)

    server.respond = respond
    with by_model(server, sounds_folder) as curator:
        (scene,) = curator.curate(0, 0)
    assert scene.sounds == ()
    assert not scene.is_usable
    assert {absent.event for absent in scene.missing} == {"bark", "siren", "traffic"}


def test_a_bag_with_a_useless_answer_has_no_scene_and_the_others_do(
    server: ModelServer, sounds_folder: Path
) -> None:
    plans = 0

    def respond(request: Received) -> Scripted:
        nonlocal plans
        plans += asked_for(request) == "ScenePlan"
        return (
            said("no")
            if asked_for(request) == "ScenePlan" and plans <= 3
            else model_answer(request)
        )

    server.respond = respond
    with by_model(server, sounds_folder) as curator:
        found = dict(curated(curator, range(3), 0, parallel=1))
    assert [len(found[number]) for number in range(3)] == [0, 1, 1]


def test_a_model_that_is_no_use_at_all_ends_it(server: ModelServer, sounds_folder: Path) -> None:
    server.respond = lambda _: said("{}")
    with by_model(server, sounds_folder) as curator:
        jobs = curated(curator, range(99), 0, parallel=2)
        for _ in range(MOST_USELESS - 1):
            assert next(jobs)[1] == []
        with pytest.raises(EndpointFailure, match=r"no valid ScenePlan .*\(for 5 bags in a row\)"):
            next(jobs)
    assert len(server.received) <= 3 * (MOST_USELESS + 4)


def test_what_came_before_a_failure_is_given_out(server: ModelServer, sounds_folder: Path) -> None:
    plans = 0

    def respond(request: Received) -> Scripted:
        nonlocal plans
        plans += asked_for(request) == "ScenePlan"
        return model_answer(request) if plans <= 2 else Scripted(status=500)

    server.respond = respond
    found: list[list[SceneRecord]] = []
    with (
        by_model(server, sounds_folder) as curator,
        pytest.raises(EndpointFailure, match="answered 500"),
    ):
        found.extend(scenes for _, scenes in curated(curator, range(9), 0, parallel=1))
    assert len(found) == 2


class StuckPlanner:
    """Plans of one seed fail, as soon as another is being made, which never ends."""

    def __init__(self, failing: int) -> None:
        self._failing = failing
        self.stuck, self.released = threading.Event(), threading.Event()

    def plan(self, bag: Sequence[AnnotatedSound], seed: int) -> ScenePlan:
        if seed != self._failing:
            self.stuck.set()
            self.released.wait(50)
            raise UnusableAnswer("released")
        assert self.stuck.wait(10)
        raise EndpointFailure("the server is gone")


@pytest.mark.timeout(20)
def test_a_failure_waits_for_no_answer_that_takes_minutes(sounds_folder: Path) -> None:
    curator, rng = by_rules(sounds_folder), np.random.default_rng((3, 0))
    curator.catalogue.bag(curator.settings.bag, rng)
    planner = StuckPlanner(failing=int(rng.integers(2**31)))
    with pytest.raises(EndpointFailure, match="the server is gone"):
        list(curated(replace(curator, planner=planner), range(9), 3, parallel=2))
    planner.released.set()


def test_rules_give_the_same_scenes_however_many_threads(sounds_folder: Path) -> None:
    curator = by_rules(sounds_folder)
    one, two = (list(curated(curator, range(2), 5, parallel=count)) for count in (1, 2))
    assert one == two
    assert [number for number, _ in one] == list(range(2))
    scenes = [scene for _, found in one for scene in found]
    assert sum(scene.is_usable for scene in scenes) >= len(scenes) - 1
    again = type(scenes[0]).model_validate_json(scenes[0].model_dump_json())
    assert again == scenes[0]


@pytest.mark.parametrize(
    ("name", "label", "reply"),
    [
        ("smoke alarm", AuditLabel.RESPOND, "smoke alarm"),
        ("shattering glass", AuditLabel.RESPOND, "glass break"),
        ("baby crying", AuditLabel.RESPOND, "crying"),
        ("explosion", AuditLabel.RESPOND, "explosion"),
        ("clinking glass", AuditLabel.BORDERLINE, ""),
        ("alarm clock", AuditLabel.BORDERLINE, ""),
        ("fireplace", AuditLabel.SILENT, ""),
        ("dog barking", AuditLabel.SILENT, ""),
    ],
)
def test_rules_audit_by_words(name: str, label: AuditLabel, reply: str) -> None:
    event = SubEvent(
        name=name, role=EventRole.FOREGROUND, rough_duration_s=1, brief_description=f"the {name}"
    )
    bed = event.model_copy(update={"name": "room", "role": EventRole.AMBIENT})
    other = event.model_copy(update={"name": "steps", "role": EventRole.BACKGROUND})
    scene = Scenario(scenario="x", sub_events=(event, other, bed), constraints=())
    found = RuleAuditor().audit(scene, event)
    assert found.audit.label is label
    assert reply in found.reply
    assert json.loads(found.model_dump_json())["audit"]["label"] == label.value
