"""Plans by rules: no network, the same for the same seed, and plainer than a model's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.training.curation.scenario import (
    LEAST_EVENTS,
    MOST_CONSTRAINTS,
    MOST_EVENTS,
    ConstraintKind,
    EventRole,
    Scenario,
    SceneConstraint,
    ScenePlan,
    SubEvent,
)
from interject.training.curation.sound_index import terms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.training.curation.annotated_sound import AnnotatedSound
    from interject.training.sounds.waves import Rng

    LengthOf = Callable[[AnnotatedSound], float | None]

INDOOR, OUTDOOR = "indoors", "outdoors"
ROOM_TONE = "room tone"
MOST_FOREGROUND = 5
LONG_S = 8.0
"""What lasts longer than this can lie under a scene."""
GUESSED_S, MOST_EVENT_S = 2.0, 20.0
_AMBIENT = frozenset(
    terms(
        "ambience ambient atmosphere background rain wind traffic crowd street room forest river "
        "stream water sea ocean waves engine motor hum ventilation fan market restaurant cafe "
        "office station insects crickets noise static fire fireplace air conditioning murmur"
    )
)
_PLACES = {
    INDOOR: frozenset(
        terms(
            "kettle microwave keyboard typing telephone door doorbell knock dishes glass cup clock "
            "vacuum cleaner washing machine shower toilet television radio piano office kitchen "
            "room stairs printer alarm smoke fireplace oven sink drawer"
        )
    ),
    OUTDOOR: frozenset(
        terms(
            "rain wind thunder traffic car truck motorcycle siren bird birds forest river stream "
            "sea waves street train aeroplane helicopter horn tractor cow sheep rooster insects "
            "crickets construction chainsaw boat gravel"
        )
    ),
}
_CAUSES = tuple(
    (terms(first), terms(second))
    for first, second in (
        ("footsteps", "knock"), ("footsteps", "door"), ("footsteps", "doorbell"),
        ("doorbell", "door"), ("knock", "door"), ("crash", "crying"), ("glass", "crying"),
        ("car", "horn"), ("crash", "siren"), ("thunder", "rain"), ("kettle", "water"),
        ("smoke", "siren"), ("dishes", "glass"),
    )
)  # fmt: skip
_APART = tuple(
    (terms(first), terms(second))
    for first, second in (("music", "alarm"), ("telephone", "doorbell"), ("siren", "music"))
)


class RulePlanner:
    """`length_of` says how long a recording is, where that is known."""

    def __init__(self, length_of: LengthOf | None = None) -> None:
        self._length_of = length_of or (lambda _: None)

    def plan(self, bag: Sequence[AnnotatedSound], seed: int) -> ScenePlan:
        """Sounds of either place make a scene each, where there are enough of both."""
        rng = np.random.default_rng(seed)
        places = [_place(sound) for sound in bag]
        groups = {
            place: [sound for sound, where in zip(bag, places, strict=True) if where in (place, "")]
            for place in (INDOOR, OUTDOOR)
        }
        owned = {place: places.count(place) for place in groups}
        wanted = [place for place in groups if owned[place] >= LEAST_EVENTS - 1]
        if len(wanted) < len(groups):
            wanted = [max(groups, key=lambda place: owned[place])]
        return ScenePlan(scenes=tuple(self._scene(place, groups[place], rng) for place in wanted))

    def _scene(self, place: str, sounds: list[AnnotatedSound], rng: Rng) -> Scenario:
        mixed = [sounds[int(index)] for index in rng.permutation(len(sounds))][: MOST_EVENTS - 1]
        lengths = {sound.file: self._length_of(sound) for sound in mixed}
        beds = [sound for sound in mixed if _lasts(sound, lengths[sound.file])][:1]
        events = [sound for sound in mixed if sound not in beds]
        most = min(MOST_FOREGROUND, max(1, len(events) - 1))
        count = int(rng.integers(1, most + 1)) if events else 0
        named = _Names()
        planned = [
            _event(named(sound.name), role, lengths[sound.file], sound.caption or sound.name)
            for role, chosen in (
                (EventRole.FOREGROUND, events[:count]), (EventRole.BACKGROUND, events[count:]),
            )
            for sound in chosen
        ]  # fmt: skip
        planned += [_filler(named, place) for _ in range(LEAST_EVENTS - 1 - len(planned))]
        bed = beds[0] if beds else None
        ambience = _ambience(named, bed, planned)
        foreground = [event.name for event in planned if event.role is EventRole.FOREGROUND]
        under = bed.name if bed is not None else ROOM_TONE
        return Scenario(
            scenario=f"Somewhere {place}, over {under}: {', then '.join(foreground)}."[:400],
            sub_events=(*planned, ambience),
            constraints=tuple(_constraints(planned)),
        )


class _Names:
    """Each once."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        short = name.strip()[:70]
        count = self._seen[short] = self._seen.get(short, 0) + 1
        return short if count == 1 else self(f"{short} {count}")


def _place(sound: AnnotatedSound) -> str:
    words = set(terms(f"{sound.caption} {' '.join(sound.tags)}"))
    counts = {place: len(words & known) for place, known in _PLACES.items()}
    if counts[INDOOR] == counts[OUTDOOR]:
        return ""
    return max(counts, key=lambda place: counts[place])


def _lasts(sound: AnnotatedSound, length_s: float | None) -> bool:
    is_ambient = bool(_AMBIENT & set(terms(f"{sound.caption} {' '.join(sound.tags)}")))
    if length_s is None:
        return is_ambient
    return length_s >= (GUESSED_S if is_ambient else LONG_S)


def _event(name: str, role: EventRole, length_s: float | None, text: str) -> SubEvent:
    rough_s = min(MOST_EVENT_S, max(0.1, length_s or GUESSED_S))
    return SubEvent(
        name=name, role=role, rough_duration_s=round(rough_s, 2), brief_description=text[:400]
    )


def _filler(named: _Names, place: str) -> SubEvent:
    """A bag of too few sounds is filled up with what can be synthesised."""
    name = named("footsteps")
    text = f"footsteps on a hard floor, {place}"
    return _event(name, EventRole.FOREGROUND, GUESSED_S, text)


def _ambience(named: _Names, bed: AnnotatedSound | None, planned: list[SubEvent]) -> SubEvent:
    """As long as all of the scene."""
    one_by_one = sum(e.rough_duration_s for e in planned if e.role is EventRole.FOREGROUND)
    longest = max((e.rough_duration_s for e in planned), default=0.0)
    text = (bed.caption or bed.name) if bed is not None else "quiet steady noise of a room"
    return SubEvent(
        name=named(bed.name if bed is not None else ROOM_TONE),
        role=EventRole.AMBIENT,
        rough_duration_s=round(max(one_by_one, longest) + 1.0, 2),
        brief_description=text[:400],
    )


def _constraints(events: list[SubEvent]) -> list[SceneConstraint]:
    """What causes what comes first, where that is no circle: an event may be of several kinds."""
    words = {event.name: set(terms(f"{event.name} {event.brief_description}")) for event in events}
    found: list[SceneConstraint] = []
    for kind, pairs in ((ConstraintKind.ORDER, _CAUSES), (ConstraintKind.EXCLUSION, _APART)):
        for first, second in pairs:
            ones = [name for name, has in words.items() if set(first) <= has]
            others = [name for name, has in words.items() if set(second) <= has - set(first)]
            for one, other in zip(ones[:1], others[:1], strict=False):
                if one != other and not _follows(one, other, found):
                    found.append(SceneConstraint(kind=kind, first=one, second=other))
    return found[:MOST_CONSTRAINTS]


def _follows(name: str, other: str, found: list[SceneConstraint]) -> bool:
    """Whether `name` has to come after `other` already."""
    before = [rule.first for rule in found if rule.second == name]
    return other in before or any(_follows(first, other, found) for first in before)
