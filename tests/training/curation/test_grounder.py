from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.training.acoustics import background
from interject.training.curation.annotated_sound import AnnotatedSound, SoundCatalogue
from interject.training.curation.curation_settings import CurationSettings
from interject.training.curation.grounder import (
    SYNTHESIS,
    GroundedEvent,
    Grounder,
    MissingEvent,
    picked_sound,
)
from interject.training.curation.scenario import EventRole, Scenario, SubEvent
from interject.training.curation.sound_query import SoundQuery
from interject.training.curation.verifier import (
    CLEANLINESS,
    HEARD_IDENTITY,
    SoundVerdict,
    TagIdentity,
    Verifier,
    longest_gap_ms,
    snr_db,
)
from interject.training.sounds.catalogue import make_sound
from tests.training.curation.worlds import padded, write

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.sounds.waves import Wave

SETTINGS = CurationSettings()
RNG = np.random.default_rng(3)
TONE = (0.4 * np.sin(2 * np.pi * 500 * np.arange(16_000) / 16_000)).astype(np.float32)


def event(name: str, role: str = "fg", seconds: float = 1.0) -> SubEvent:
    return SubEvent(
        name=name, role=EventRole(role), rough_duration_s=seconds, brief_description=f"a {name}"
    )


def query(name: str, *tags: str) -> SoundQuery:
    return SoundQuery(
        query=f"one clear {name} close", fallback_caption=f"{name}.", accept_tags=tags or (name,)
    )


def verdict(
    wave: Wave, seconds: float = 1.0, role: str = "fg"
) -> tuple[SoundVerdict, tuple[str, ...]]:
    verifier = Verifier(SETTINGS)
    found = verifier.verify(event("tone", role, seconds), query("tone"), ("tone",), "", wave)
    assert set(found.skipped) <= {HEARD_IDENTITY, CLEANLINESS}
    return found.verdict, found.reasons


def test_a_clean_sound_of_the_planned_length_is_accepted() -> None:
    pulse = TONE * np.hanning(len(TONE)).astype(np.float32)
    assert verdict(pulse) == (SoundVerdict.ACCEPT, ())
    assert verdict(pulse, 2.0) == (SoundVerdict.ACCEPT, ())
    assert verdict(pulse, 0.5) == (SoundVerdict.ACCEPT, ())


@pytest.mark.parametrize(
    ("wave", "reason"),
    [
        (TONE[:7_000], "0.4 s long"),
        (np.zeros(16_000, np.float32), "silent"),
        (np.full(16_000, np.nan, np.float32), "are not numbers"),
        (np.ones(16_000, np.float32), "clipped"),
        (np.zeros(0, np.float32), "0.0 s long"),
    ],
)
def test_what_cannot_be_mended_is_rejected(wave: Wave, reason: str) -> None:
    found, reasons = verdict(wave)
    assert found is SoundVerdict.REJECT
    assert reason in reasons[0]


def test_what_can_be_mended_says_what_is_wrong() -> None:
    pulse = TONE * np.hanning(len(TONE)).astype(np.float32)
    gap = np.zeros(8_000, np.float32)
    assert verdict(np.tile(pulse, 3)) == (SoundVerdict.REPROCESS, ("3.0 s long",))
    broken = np.concatenate([pulse[4_000:12_000], gap, pulse[4_000:12_000]])
    assert verdict(broken, 1.5) == (SoundVerdict.REPROCESS, ("broken by silence",))
    noisy = pulse + RNG.normal(0, 0.2, len(pulse)).astype(np.float32)
    found, reasons = verdict(noisy)
    assert found is SoundVerdict.REPROCESS
    assert reasons[0].startswith("noisy (")
    found, reasons = verdict(np.concatenate([pulse, np.zeros(20_000, np.float32)]), 2.0)
    assert (found, reasons) == (SoundVerdict.REPROCESS, ("silent for 56%",))


def test_a_steady_tone_is_not_taken_for_noise() -> None:
    verifier, siren = Verifier(SETTINGS), make_sound("siren", np.random.default_rng(2))
    wanted = event("siren", seconds=len(siren) / 16_000)
    found = verifier.verify(wanted, query("siren"), ("siren",), "", siren)
    assert (found.verdict, found.reasons) == (SoundVerdict.ACCEPT, ())
    assert found.skipped == (HEARD_IDENTITY, CLEANLINESS)


def test_ambience_may_be_steady_and_of_any_length() -> None:
    bed = background(RNG, 16_000 * 3) * np.float32(0.1)
    assert verdict(bed, 60.0, "amb") == (SoundVerdict.ACCEPT, ())
    assert verdict(bed[:16_000], 60.0, "amb") == (SoundVerdict.REJECT, ("1.0 s long",))


def test_identity_by_tags_needs_all_words_of_one() -> None:
    check = TagIdentity()
    asked = event("x"), query("x", "dog bark", "woof")
    for tags, caption, same in (
        (("barking dogs",), "", True),
        (("dog",), "it barks", True),
        (("dog",), "asleep", False),
        (("bark",), "of a tree", False),
        ((), "Woof!", True),
        ((), "", False),
    ):
        assert check.is_same(*asked, tags, caption, TONE) is same


def test_the_noise_of_a_sound_is_measured() -> None:
    pulse = np.concatenate([np.zeros(16_000, np.float32), TONE])
    for level in (0.001, 0.01, 0.1):
        noise = RNG.normal(0, level, len(pulse)).astype(np.float32)
        expected = 10 * np.log10(np.mean(np.square(pulse)) / level**2)
        level_db, is_noise = snr_db(pulse + noise)
        assert level_db == pytest.approx(expected, abs=3.0)
        assert is_noise
    assert snr_db(np.zeros(16_000, np.float32)) == snr_db(np.zeros(0, np.float32)) == (99, False)
    assert not snr_db(TONE)[1]


@pytest.mark.parametrize(
    ("silent", "gap_ms"),
    [("", 0), ("..", 0), ("xx", 0), ("x..x", 40), ("..x...x..", 60), ("x.", 0)],
)
def test_only_silence_between_sounds_is_a_gap(silent: str, gap_ms: float) -> None:
    mask = np.array([letter == "." for letter in silent], np.bool_)
    assert longest_gap_ms(mask) == gap_ms


class Bench:
    """A catalogue of one's own making."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sounds: list[AnnotatedSound] = []

    def add(self, name: str, wave: Wave, *tags: str, caption: str = "") -> None:
        write(self.folder / name, wave)
        self.sounds.append(AnnotatedSound(file=name, tags=tags, caption=caption, licence="CC0"))

    def catalogue(self) -> SoundCatalogue:
        return SoundCatalogue(self.folder, tuple(self.sounds))

    def ground(self, wanted: SubEvent, asked: SoundQuery) -> GroundedEvent | MissingEvent:
        fillers = (event("room tone", "amb", 60.0), event("footsteps", "bg", 2.0))
        scene = Scenario(scenario="s", sub_events=(wanted, *fillers), constraints=())
        queries = {e.name: query(e.name) for e in fillers} | {wanted.name: asked}
        found = Grounder(self.catalogue(), SETTINGS).ground(
            scene, queries, np.random.default_rng(1)
        )
        results: list[GroundedEvent | MissingEvent] = [*found.events, *found.missing]
        return next(result for result in results if result.event is wanted)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_first_good_recording_is_taken(bench: Bench) -> None:
    bark = make_sound("bark", np.random.default_rng(1))
    bench.add("tree.flac", bark, "bark", caption="a tree")
    bench.add("dog.flac", bark, "dog", "bark")
    seconds = len(bark) / 16_000
    found = bench.ground(event("dog bark", seconds=seconds), query("dog bark"))
    assert isinstance(found, GroundedEvent)
    assert (found.source.name, found.source.licence) == ("dog.flac", "CC0")
    assert [(a.tried, a.verdict) for a in found.attempts] == [("dog.flac", SoundVerdict.ACCEPT)]
    assert not found.is_synthesised
    assert found.skipped == (HEARD_IDENTITY,)


def test_a_careless_recording_is_mended_once_and_comes_back_the_same(bench: Bench) -> None:
    bark = make_sound("laugh", np.random.default_rng(4))
    bench.add("dog.flac", padded(bark, RNG), "dog")
    wanted = event("dog", seconds=len(bark) / 16_000)
    found = bench.ground(wanted, query("dog"))
    assert isinstance(found, GroundedEvent)
    assert [(a.verdict, a.reprocessed) for a in found.attempts] == [
        (SoundVerdict.REPROCESS, False), (SoundVerdict.ACCEPT, True),
    ]  # fmt: skip
    assert len(found.wave) < len(bark) + 8_000
    again = picked_sound(found.pick, wanted, bench.folder, SETTINGS)
    assert np.array_equal(again, found.wave)


def test_after_three_rejects_a_sound_is_synthesised_and_says_so(bench: Bench) -> None:
    for number in range(5):
        bench.add(f"{number}.flac", TONE[:1_600], "dog", "bark")
    wanted = event("dog bark")
    found = bench.ground(wanted, query("dog bark", "bark"))
    assert isinstance(found, GroundedEvent)
    assert [a.tried for a in found.attempts if not a.reprocessed] == [
        "0.flac", "1.flac", "2.flac", SYNTHESIS,
    ]  # fmt: skip
    assert found.is_synthesised
    assert found.source.name == "interject synthesis, bark"
    assert 0.5 <= len(found.wave) / 16_000 <= 2.0
    assert np.array_equal(picked_sound(found.pick, wanted, bench.folder, SETTINGS), found.wave)


@pytest.mark.parametrize("name", ["whale song", "fire crackling"])
def test_what_nobody_has_or_can_make_is_missing(bench: Bench, name: str) -> None:
    bench.add("dog.flac", TONE, "dog")
    found = bench.ground(event(name), query(name))
    assert isinstance(found, MissingEvent)
    assert all(attempt.verdict is SoundVerdict.REJECT for attempt in found.attempts)


def test_a_file_that_is_no_sound_is_a_reject(bench: Bench) -> None:
    bench.add("dog.flac", TONE, "dog", "bark")
    (bench.folder / "dog.flac").write_bytes(b"no sound")
    found = bench.ground(event("dog bark"), query("dog bark", "bark"))
    assert found.attempts[0].reasons == ("is no sound that can be read, or is damaged",)
    assert isinstance(found, GroundedEvent)
    assert found.is_synthesised


def test_no_recording_is_heard_twice_in_a_scene(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.add("a.flac", TONE * np.hanning(16_000).astype(np.float32), "ping")
    events = (event("ping"), event("ping again"), event("room tone", "amb", 9.0))
    scene = Scenario(scenario="s", sub_events=events, constraints=())
    queries = {e.name: query(e.name, e.name.split()[0]) for e in events}
    found = Grounder(bench.catalogue(), SETTINGS).ground(scene, queries, np.random.default_rng(1))
    assert [e.source.name for e in found.events if not e.is_synthesised] == ["a.flac"]
    assert [m.event.name for m in found.missing] == ["ping again"]
    assert found.is_usable
    assert found.skipped == (HEARD_IDENTITY,)
