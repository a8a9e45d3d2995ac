from __future__ import annotations

import pickle
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.config.lists import plain
from interject.training.domain.domain_file import ANSWERED, FILE_NAME, OthersChoice, read_domain
from interject.training.domain.domain_scene import (
    IGNORED,
    NEAR,
    DomainSceneBuilder,
    busy_scene,
    known_scene,
    lone_scene,
    ordinary_scene,
)
from interject.training.domain.domain_source import DomainSource
from interject.training.domain.domain_stock import SMALL, read_material
from interject.training.domain.examination import examination_streams
from interject.training.domain.phrases import near_phrase
from interject.training.domain.recordings import UnusableRecordings
from interject.training.recordings.collection import write_index
from interject.training.speech.kokoro_speakers import HELD_OUT
from interject.training.speech.utterance import SynthesisError
from tests.fakes.kokoro import kokoro_folder
from tests.training.domain.conftest import whistle
from tests.training.recordings.test_collection import recording

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.domain.domain_file import DomainFile
    from interject.training.domain.domain_scene import DomainStock
    from interject.training.domain.domain_stock import DomainMaterial
    from interject.training.nano.scene import Happening, Scene

WORDINGS = ("open the gate", "please open the gate")


def test_streams_hold_the_domain_s_events_and_what_nano_knows(material: DomainMaterial) -> None:
    source = DomainSource(material)
    streams = [source.make(number, 1) for number in range(30)]
    replies = {turn.user: turn.assistant for stream in streams for turn in stream.turns}
    assert replies["kettle"] == "The water is boiling."
    assert replies["open-the-gate"] == "The gate is opening."
    assert len(replies) > 4
    labels = {span.label for stream in streams for span in stream.spans}
    assert {"near kettle", "near open-the-gate", "ignored"} <= labels
    assert not {"near kettle", "near open-the-gate", "ignored"} & replies.keys()


def test_events_stand_close_together_or_alone(material: DomainMaterial) -> None:
    stock = material.stock(held_out=False)
    rngs = [np.random.default_rng(seed) for seed in range(12)]
    busy = [busy_scene(stock, rng, 40, others=True) for rng in rngs]
    lone = [lone_scene(stock, rng, 40, others=True) for rng in rngs]
    for scenes in (busy, lone):
        heard = {h.key for scene in scenes for h in scene.happenings if h.reply is not None}
        assert {"kettle", "open-the-gate"} <= heard
    assert happenings(lone) < 0.8 * happenings(busy)


def test_what_nano_knows_and_what_is_ordinary_hold_nothing_of_the_domain(
    material: DomainMaterial,
) -> None:
    stock = material.stock(held_out=False)
    rngs = [np.random.default_rng(seed) for seed in range(10)]
    known = [h for rng in rngs for h in known_scene(stock, rng, 40).happenings]
    ordinary = [h for rng in rngs for h in ordinary_scene(stock, rng, 40).happenings]
    for happening in (*known, *ordinary):
        assert not happening.key.startswith((NEAR, IGNORED, "kettle", "open-the-gate"))
    assert any(happening.reply is not None for happening in known)
    assert all(happening.reply is None for happening in ordinary)


def test_a_sound_that_is_ordinary_to_nano_and_a_reaction_s_is_not_heard(
    material: DomainMaterial,
) -> None:
    """A doorbell of somebody else: whether to answer it nobody has said."""
    stock = material.stock(held_out=False)
    reaction = stock.reactions[0].model_copy(update={"name": "doorbell"})
    bell = replace(stock, reactions=(reaction,), recordings={"doorbell": ()}, bank=None)
    builder = DomainSceneBuilder(bell, np.random.default_rng(1), 20, others=True)
    before = builder._scene.sound.copy()
    builder.place("doorbell", np.ones(4_000, np.float32), 0.0, None)
    assert np.array_equal(builder._scene.sound, before)
    assert not builder._scene.happenings
    builder.place("clap", np.ones(4_000, np.float32), 0.0, None)
    assert not np.array_equal(builder._scene.sound, before)


def test_a_collection_is_ordinary_sound(folder: Path, domain: DomainFile, cache: Path) -> None:
    """To learn from are other recordings than to examine with."""
    place = folder / "collection"
    (place / "toys").mkdir(parents=True)
    lines = []
    for number, use in enumerate(("train", "evaluate")):
        file = f"toys/{use}.flac"
        (place / file).write_bytes(whistle(40 + number))
        lines.append(recording(file=file, use=use, label=f"toy_{use}", seconds=1.5))
    write_index(place, lines)
    ignored = domain.ignore.model_copy(update={"collection": "collection"})
    with_it = read_material(domain.model_copy(update={"ignore": ignored}), folder, cache, SMALL)
    learnt, kept = (with_it.stock(held_out=held_out).general.recorded for held_out in (False, True))
    assert learnt is not None
    assert learnt.has("toy_train")
    assert not learnt.has("toy_evaluate")
    assert kept is not None
    assert kept.has("toy_evaluate")
    assert not kept.has("toy_train")
    without = read_material(domain, folder, cache, SMALL)
    assert without.digest() != with_it.digest()
    (place / "toys" / "train.flac").unlink()
    with pytest.raises(UnusableRecordings, match="fetch toys again"):
        with_it.stock(held_out=False)


def test_half_of_the_phrases_are_in_natural_voices(
    folder: Path, domain: DomainFile, cache: Path
) -> None:
    kokoro_folder(folder / "voices")
    natural = domain.model_copy(update={"voices": "voices"})
    material = read_material(natural, folder, cache, SMALL)
    for held_out in (False, True):
        _, bank = material.speak(held_out=held_out)
        assert bank is not None
        speakers = [said.voice for _, said in bank.items()]
        by_kokoro = [name.removeprefix("kokoro ") for name in speakers if "kokoro" in name]
        assert 0.2 < len(by_kokoro) / len(speakers) < 0.8
        assert all((name in HELD_OUT) is held_out for name in by_kokoro)
    (folder / "voices" / "model.onnx").unlink()
    for path in cache.glob("phrases-*"):
        path.unlink()
    with pytest.raises(SynthesisError, match="holds no Kokoro-82M"):
        material.speak()


def test_a_stream_is_the_same_whoever_makes_it(material: DomainMaterial) -> None:
    source = DomainSource(material)
    first = source.make(4, 1)
    again = pickle.loads(pickle.dumps(source)).make(4, 1)
    assert first == again
    assert np.array_equal(first.sound, again.sound)
    assert len(pickle.dumps(source)) < 3_000_000


def test_nothing_held_out_is_learnt_from(material: DomainMaterial) -> None:
    learnt = material.stock(held_out=False).recordings["kettle"]
    kept = material.stock(held_out=True).recordings["kettle"]
    assert not {r.source.sha256 for r in learnt} & {r.source.sha256 for r in kept}
    first, again = (examination_streams(material).dense for _ in range(2))
    assert np.array_equal(first[0].sound, again[0].sound)


def test_what_is_forgotten_is_heard_and_not_answered(material: DomainMaterial) -> None:
    stock = material.stock(held_out=False)
    heard = {
        (happening.key, happening.reply is not None)
        for seed in range(40)
        for happening in scene(stock, seed, forget=frozenset({"smoke_alarm", "crash"}))
    }
    assert {("smoke_alarm", False), ("kettle", True)} <= heard
    assert ("smoke_alarm", True) not in heard


def test_all_that_nano_answers_can_be_forgotten(material: DomainMaterial) -> None:
    domain = material.domain.model_copy(update={"others": OthersChoice.FORGET})
    stock = replace(material, domain=domain).stock(held_out=False)
    heard = {
        (happening.key, happening.reply is not None)
        for seed in range(30)
        for happening in known_scene(stock, np.random.default_rng(seed), 40).happenings
    }
    assert not any(answered for _, answered in heard)
    assert len({key for key, _ in heard} & ANSWERED) > 10


def test_a_base_that_is_not_nano_is_taught_nothing_but_the_domain(
    material: DomainMaterial,
) -> None:
    stock = material.stock(held_out=False)
    for seed in range(10):
        builder = DomainSceneBuilder(stock, np.random.default_rng(seed), 20, others=False)
        answered = {h.key for h in builder.build().happenings if h.reply is not None}
        assert answered <= {"kettle", "open-the-gate"}


def test_another_base_is_seen_from_the_domain_s_folder(folder: Path, cache: Path) -> None:
    file = folder / FILE_NAME
    file.write_text(
        file.read_text().replace("base: nano", "base: ../models/mine").replace(": forget", ": keep")
    )
    material = read_material(read_domain(folder), folder, cache, SMALL)
    assert material.base == str(folder / "../models/mine")
    assert not material.keeps_nano


def test_what_is_near_a_phrase_is_none_unless_it_is_quoted() -> None:
    rng = random.Random(1)
    near = [near_phrase(WORDINGS, rng) for _ in range(300)]
    for text in near:
        words = plain(text).split()
        if "open the gate" in " ".join(words):
            assert len(words) >= 5, text
    assert len(set(near)) > 150


def happenings(scenes: list[Scene]) -> int:
    return sum(len(scene.happenings) for scene in scenes)


def scene(stock: DomainStock, seed: int, *, forget: frozenset[str]) -> list[Happening]:
    builder = DomainSceneBuilder(
        replace(stock, forget=forget), np.random.default_rng(seed), 40, others=True
    )
    return builder.build().happenings
