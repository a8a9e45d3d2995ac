"""Streams of recordings and natural voices, with pauses between them as one would hear them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    LOOKAHEAD_SAMPLES,
    SAMPLE_RATE_HZ,
    Emotion,
)
from interject.training.domain.recordings import around_event
from interject.training.nano.language import (
    COUNTABLE,
    HELP,
    INTENTS,
    RESPOND_REPLIES,
    count_confirmation,
)
from interject.training.nano.recorded_stock import UNCLEAR
from interject.training.nano.scene import Happening, Scene, WantedReply
from interject.training.recordings.recording import RecordingKind, RecordingUse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from interject.training.nano.speech_bank import SpeechBank
    from interject.training.recordings.collection import RecordingCollection
    from interject.training.recordings.recording import CollectedRecording
    from interject.training.sounds.waves import Rng, Wave

ASKS = "asks"
"""The label of speech that asks something of a model."""
STREAM_S = 60.0
LONGEST_SOUND_S, LONGEST_BACKGROUND_S = 12.0, 20.0
TALK = ("unrelated", "near_miss", "isolated")
_PAUSE_S = (0.5, 3.0)
_LEVEL_DB, _LEVEL_SPREAD_DB = -24.0, 4.0
_ROOM_DB = -66.0
_BEFORE_S, _AFTER_S = (1.0, 1.8), 2.0
_SEED = 95_001


@dataclass(frozen=True, slots=True)
class PlayedSound:
    """One sound of a stream: of which source or voice, what it is, and what should be said."""

    source: str
    key: str
    wave: Wave = field(repr=False)
    reply: WantedReply | None = None


def request_replies() -> dict[str, WantedReply]:
    """What answers a request at once, by what it asks; "what was that" depends on the past."""
    wanted = {r.key: WantedReply(r.reply, r.emotion, r.key) for r in (*INTENTS, HELP)}
    for kind in COUNTABLE:
        key = f"count_{kind}"
        wanted[key] = WantedReply(count_confirmation(kind), Emotion.NORMAL, key)
    return wanted


def speech_sounds(collection: RecordingCollection, minutes: float | None) -> Iterator[PlayedSound]:
    """Speech that asks nothing, of all sources for about so many minutes in all: a source that has
    little is taken whole.
    """
    by_source: dict[str, list[CollectedRecording]] = defaultdict(list)
    for one in collection.select(use=RecordingUse.EVALUATE, kind=RecordingKind.SPEECH):
        if one.label != ASKS:
            by_source[one.source].append(one)
    shares = _shares({s: sum(r.seconds for r in known) for s, known in by_source.items()}, minutes)
    for source, known in sorted(by_source.items()):
        left_s = shares[source]
        for number in np.random.default_rng(_SEED).permutation(len(known)):
            if left_s <= 0:
                break
            left_s -= known[number].seconds
            yield PlayedSound(source, known[number].label, collection.read(known[number]))


def _shares(seconds: dict[str, float], minutes: float | None) -> dict[str, float]:
    """The same for each source, and what small ones leave over for the others."""
    left_s = sum(seconds.values()) if minutes is None else minutes * 60
    shares: dict[str, float] = {}
    for number, (source, has_s) in enumerate(sorted(seconds.items(), key=lambda known: known[1])):
        shares[source] = min(has_s, left_s / (len(seconds) - number))
        left_s -= shares[source]
    return shares


def ordinary_sounds(collection: RecordingCollection, *, unclear: bool) -> Iterator[PlayedSound]:
    """Sounds and backgrounds that are of no class that is answered."""
    for known in collection.select(use=RecordingUse.EVALUATE):
        if known.kind is RecordingKind.SPEECH or known.label in RESPOND_REPLIES:
            continue
        if (known.label in UNCLEAR) is not unclear:
            continue
        is_background = known.kind is RecordingKind.BACKGROUND
        longest_s = LONGEST_BACKGROUND_S if is_background else LONGEST_SOUND_S
        wave = collection.read(known)[: int(longest_s * SAMPLE_RATE_HZ)]
        yield PlayedSound(known.source, known.label, wave)


def answered_sounds(collection: RecordingCollection) -> Iterator[PlayedSound]:
    """Recordings of a class that is answered, without the silence around them."""
    for known in collection.select(use=RecordingUse.EVALUATE, kind=RecordingKind.SOUND):
        if known.label not in RESPOND_REPLIES:
            continue
        wave = around_event(collection.read(known))[: int(LONGEST_SOUND_S * SAMPLE_RATE_HZ)]
        text, emotion = RESPOND_REPLIES[known.label]
        reply = WantedReply(text, emotion, known.label)
        yield PlayedSound(known.file, known.label, wave, reply)


def request_sounds(bank: SpeechBank, most: int) -> list[PlayedSound]:
    """The same ones for every model, as many of each voice and wording as chance gives."""
    wanted = request_replies()
    known = [(key, said) for key, said in bank.items() if key in wanted]
    order = np.random.default_rng(_SEED).permutation(len(known))[:most]
    return [
        PlayedSound(said.voice, key, said.pcm.astype(np.float32) / 32_768, wanted[key])
        for key, said in (known[number] for number in sorted(order))
    ]


def talk_sounds(bank: SpeechBank, most: int) -> list[PlayedSound]:
    known = [(key, said) for key, said in bank.items() if key in TALK]
    order = np.random.default_rng(_SEED).permutation(len(known))[:most]
    return [
        PlayedSound(known[n][0], known[n][0], known[n][1].pcm.astype(np.float32) / 32_768)
        for n in sorted(order)
    ]


def backgrounds(collection: RecordingCollection) -> list[Wave]:
    """Of what is used to evaluate: backgrounds, and meetings."""
    known = collection.select(use=RecordingUse.EVALUATE, kind=RecordingKind.BACKGROUND)
    known += collection.select(use=RecordingUse.EVALUATE, label="meeting")
    return [collection.read(one) for one in known]


def streams(sounds: Iterable[PlayedSound]) -> Iterator[Scene]:
    """One sound after the other, each stream of one source and about a minute long."""
    rng = np.random.default_rng(_SEED)
    waiting: list[PlayedSound] = []
    for sound in sounds:
        if waiting and (waiting[0].source != sound.source or _seconds(waiting) > STREAM_S):
            yield _scene(waiting, rng)
            waiting = []
        waiting.append(sound)
    if waiting:
        yield _scene(waiting, rng)


def alone(
    sounds: Sequence[PlayedSound], under: Sequence[Wave] = (), snr_db: float = 0.0
) -> Iterator[Scene]:
    """Each in a stream of its own, over a background where there are some."""
    for number, sound in enumerate(sounds):
        rng = np.random.default_rng((_SEED, number))
        scene = _scene([sound], rng)
        if under:
            _underlay(scene, under[int(rng.integers(len(under)))], snr_db, rng)
        yield scene


def _seconds(sounds: Sequence[PlayedSound]) -> float:
    return sum(len(sound.wave) for sound in sounds) / SAMPLE_RATE_HZ


def _scene(sounds: Sequence[PlayedSound], rng: Rng) -> Scene:
    happenings: list[Happening] = []
    waves: list[tuple[int, Wave]] = []
    at = int(rng.uniform(*_BEFORE_S) * SAMPLE_RATE_HZ)
    for sound in sounds:
        played = _levelled(sound.wave, rng)
        happenings.append(Happening(sound.key, at, at + len(played), sound.reply))
        waves.append((at, played))
        at += len(played) + int(rng.uniform(*_PAUSE_S) * SAMPLE_RATE_HZ)
    length = happenings[-1].end + int(_AFTER_S * SAMPLE_RATE_HZ)
    chunks = -(-length // FRAME_SAMPLES)
    room = rng.standard_normal(chunks * FRAME_SAMPLES + LOOKAHEAD_SAMPLES) * _amplitude(_ROOM_DB)
    heard = room.astype(np.float32)
    for start, wave in waves:
        heard[start : start + len(wave)] += wave
    return Scene(heard, happenings, np.zeros(0, np.int8), np.zeros((0, 0), np.uint8))


def _levelled(wave: Wave, rng: Rng) -> Wave:
    """As loud as somebody in the room, give or take; never clipped."""
    wanted = _amplitude(_LEVEL_DB + float(rng.uniform(-1, 1)) * _LEVEL_SPREAD_DB)
    factor = wanted / max(_active_level(wave), 1e-6)
    peak = float(np.abs(wave).max(initial=1e-6))
    scaled: Wave = (wave * min(factor, 0.95 / peak)).astype(np.float32)
    return scaled


def _active_level(wave: Wave) -> float:
    """Root mean square of the 20 ms frames within 30 dB of the loudest."""
    if len(wave) < 320:
        return float(np.sqrt(np.mean(wave**2)))
    powers = np.mean(wave[: len(wave) // 320 * 320].reshape(-1, 320) ** 2, axis=1)
    return float(np.sqrt(powers[powers >= powers.max() / 1_000].mean()))


def _underlay(scene: Scene, background: Wave, snr_db: float, rng: Rng) -> None:
    """The background goes on for the whole stream, from anywhere in it."""
    (only,) = scene.happenings
    speech = _active_level(scene.sound[only.start : only.end])
    moved = np.roll(background, int(rng.integers(len(background))))
    level = _active_level(background)
    factor = speech * _amplitude(-snr_db) / max(level, 1e-6)
    scene.sound += np.resize(moved, len(scene.sound)) * np.float32(factor)


def _amplitude(decibels: float) -> float:
    return float(10 ** (decibels / 20))
