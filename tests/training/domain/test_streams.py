from __future__ import annotations

import pickle
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from interject.config.lists import plain
from interject.training.domain.domain_file import FILE_NAME, read_domain
from interject.training.domain.domain_scene import DomainSceneBuilder
from interject.training.domain.domain_source import DomainSource
from interject.training.domain.domain_stock import SMALL, read_material
from interject.training.domain.examination import examination_streams
from interject.training.domain.phrases import near_phrase

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.domain.domain_scene import DomainStock
    from interject.training.domain.domain_stock import DomainMaterial
    from interject.training.nano.scene import Happening

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
    file.write_text(file.read_text().replace("base: nano", "base: ../models/mine"))
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


def scene(stock: DomainStock, seed: int, *, forget: frozenset[str]) -> list[Happening]:
    builder = DomainSceneBuilder(
        replace(stock, forget=forget), np.random.default_rng(seed), 40, others=True
    )
    return builder.build().happenings
