from __future__ import annotations

import pickle
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.model_runtime.protocol import Emotion
from interject.training.curation.event_auditor import EventAudit
from interject.training.curation.scenario import ConstraintKind, EventRole, SceneConstraint
from interject.training.curation.scene_recipe import ScenesSettings, scene_source
from interject.training.curation.scene_record import SceneFileError, SceneRecord, read_scenes
from interject.training.curation.scene_source import SceneSource, label_of
from interject.training.curation.verifier import HEARD_IDENTITY
from interject.training.dataset.recipes import ScenesRecipe
from interject.training.soundflow.silence_audit import AuditLabel, RespondCriterion, SilenceAudit
from interject.training.streams.ability import Ability
from interject.training.streams.span import Layer
from interject.training.streams.stream_source import DiscardedStream
from tests.training.curation.test_scene_curator import by_rules

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def scenes(sounds_folder: Path) -> list[SceneRecord]:
    curator = by_rules(sounds_folder)
    return [scene for number in range(4) for scene in curator.curate(number, 2) if scene.is_usable]


@pytest.fixture
def source(sounds_folder: Path, scenes: list[SceneRecord]) -> SceneSource:
    return SceneSource(sounds_folder, tuple(scenes))


def test_a_scene_becomes_a_stream_with_its_events_in_order(
    source: SceneSource, scenes: list[SceneRecord]
) -> None:
    for number, scene in enumerate(scenes):
        stream = source.make(number, 1)
        having = {sound.event for sound in scene.sounds}
        usable = {n for n in having if scene.audits[n].audit.label is not AuditLabel.BORDERLINE}
        expected = [e.name for e in scene.scenario.in_order() if e.name in usable]
        heard = [span for span in stream.spans if span.layer is Layer.FOREGROUND]
        assert [span.label for span in heard] == [label_of(scene, name) for name in expected]
        assert all(span.source is not None for span in heard)
        assert HEARD_IDENTITY in stream.skipped
        for turn, name in zip(stream.turns, expected, strict=False):
            assert turn.assistant == scene.audits[name].reply
            assert turn.is_silent is (scene.audits[name].audit.label is AuditLabel.SILENT)


def test_the_same_numbers_give_the_same_stream_in_any_process(source: SceneSource) -> None:
    first = source.make(1, 7)
    source.make(0, 7)
    again: SceneSource = pickle.loads(pickle.dumps(source))
    assert np.array_equal(again.make(1, 7).sound, first.sound)
    assert again.make(1, 7) == first
    assert not np.array_equal(source.make(1, 8).sound[:1_000], first.sound[:1_000])


def test_somebody_may_ask_at_the_end(sounds_folder: Path, scenes: list[SceneRecord]) -> None:
    source = SceneSource(sounds_folder, tuple(scenes), question_share=1.0)
    stream = source.make(0, 1)
    assert stream.ability is Ability.AUDIO_UNDERSTANDING
    assert stream.turns[-1].assistant.startswith("I heard ")
    assert "asr" in stream.skipped
    never = SceneSource(sounds_folder, tuple(scenes), question_share=0.0).make(0, 1)
    assert never.ability is Ability.PROACTIVE


def test_what_is_borderline_is_left_out_and_nothing_left_is_no_stream(
    sounds_folder: Path, scenes: list[SceneRecord]
) -> None:
    argued = SilenceAudit(label=AuditLabel.BORDERLINE, criterion=RespondCriterion.SAFETY_CRITICAL)
    audit = EventAudit(audit=argued, reply="", emotion=Emotion.NORMAL)
    scene = scenes[0].model_copy(update={"audits": dict.fromkeys(scenes[0].audits, audit)})
    with pytest.raises(DiscardedStream, match="no foreground of the scene"):
        SceneSource(sounds_folder, (scene,)).make(0, 1)


def test_a_background_that_excludes_something_is_not_mixed_in(
    sounds_folder: Path, scenes: list[SceneRecord]
) -> None:
    scene = next(s for s in scenes if s.scenario.of_role(EventRole.BACKGROUND))
    fg = scene.scenario.of_role(EventRole.FOREGROUND)[0].name
    bg = scene.scenario.of_role(EventRole.BACKGROUND)[0].name
    rule = SceneConstraint(kind=ConstraintKind.EXCLUSION, first=fg, second=bg)
    scenario = scene.scenario.model_copy(update={"constraints": (rule,)})
    apart = scene.model_copy(update={"scenario": scenario})
    for number in range(3):
        spans = SceneSource(sounds_folder, (apart,)).make(number, 1).spans
        assert label_of(scene, bg) not in {span.label for span in spans}


def test_a_recording_that_has_gone_discards_the_stream(
    sounds_folder: Path, scenes: list[SceneRecord], tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(sounds_folder, folder)
    for path in folder.rglob("*.flac"):
        path.write_bytes(b"gone")
    with pytest.raises(DiscardedStream, match="no longer what it was"):
        SceneSource(folder, tuple(scenes)).make(0, 1)


def test_a_file_of_scenes_names_line_and_field(
    sounds_folder: Path, scenes: list[SceneRecord], tmp_path: Path
) -> None:
    path, good = tmp_path / "scenes.jsonl", scenes[0].model_dump_json()
    path.write_text(f"{good}\n\n{good}\n")
    assert read_scenes(path) == [scenes[0]] * 2
    recipe = ScenesRecipe.model_validate(
        {"settings": {"sounds": str(sounds_folder), "scenes": str(path)}}
    )
    assert recipe.source().make(0, 1).duration_s > 1
    for text, fault in (
        (f"{good}\n{{", "line 2: Invalid JSON"),
        (good.replace('"role":"fg"', '"role":"x"', 1), "line 1, field scenario.sub_events.0.role"),
        (good.replace('"queries":{', '"queries":{"x":{},', 1), "line 1, field queries.x"),
        (good.replace('"seed":2', '"seed":-2', 1), "line 1, field seed"),
    ):
        path.write_text(text)
        with pytest.raises(SceneFileError, match=fault):
            read_scenes(path)
    path.write_text("\n")
    for missing, fault in ((path, "holds no scene with a sound"), (tmp_path / "no", "cannot be")):
        settings = ScenesSettings(sounds=str(sounds_folder), scenes=str(missing))
        with pytest.raises(SceneFileError, match=fault):
            scene_source(settings)
