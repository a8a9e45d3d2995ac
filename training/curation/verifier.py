"""Whether a sound is what was looked for, and clean enough."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Protocol

import numpy as np
from pydantic import Field

from interject.config.strict import StrictModel
from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.curation.scenario import EventRole
from interject.training.curation.sound_index import terms
from interject.training.endpoints.chat_endpoint import Question
from interject.training.soundflow.noise_profile import noise_profile
from interject.training.soundflow.silence_cut import silent_frames
from interject.training.soundflow.sound_check import UnusableSound, checked
from interject.training.soundflow.tfjp_settings import TfjpSettings
from interject.training.speech import vocoder
from interject.training.speech.recogniser import wav_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from interject.training.curation.curation_settings import CurationSettings
    from interject.training.curation.scenario import SubEvent
    from interject.training.curation.sound_query import SoundQuery
    from interject.training.endpoints.chat_endpoint import ChatEndpoint
    from interject.training.sounds.waves import Wave

HEARD_IDENTITY = "identity by ear"
"""What stands in `skipped` where only annotations were compared."""
CLEANLINESS = "cleanliness"
TFJP = TfjpSettings()
_BAND_BINS, _LEAST_FLATNESS = 8, 0.65
_NO_NOISE_DB = 99.0
_LEAST_POWER = 1e-10
"""A quieter sound than -100 dB is silence."""


class SoundVerdict(StrEnum):
    """What becomes of a sound. TFJP may mend what is to be reprocessed, once."""

    ACCEPT = "accept"
    REPROCESS = "reprocess"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Verification:
    """`reasons` are short, in the order of the checks; `skipped` names checks nobody made."""

    verdict: SoundVerdict
    reasons: tuple[str, ...] = ()
    skipped: tuple[str, ...] = (HEARD_IDENTITY,)


class IdentityCheck(Protocol):
    """Tells whether a sound is the event, by its annotation or by its sound."""

    skipped: tuple[str, ...]

    def is_same(self, event: SubEvent, query: SoundQuery, tags: Sequence[str], caption: str,
                wave: Wave) -> bool: ...  # fmt: skip


class TagIdentity:
    """A tag or the caption holds all words of an accepted tag. Nobody listens."""

    skipped: tuple[str, ...] = (HEARD_IDENTITY,)

    def is_same(self, event: SubEvent, query: SoundQuery, tags: Sequence[str], caption: str,
                wave: Wave) -> bool:  # fmt: skip
        known = set(terms(f"{' '.join(tags)} {caption}"))
        wanted = [set(terms(tag)) for tag in query.accept_tags]
        return any(words and words <= known for words in wanted)


class IdentityAnswer(StrictModel):
    """Whether a sound is the event, and why."""

    is_same: bool
    reason: Annotated[str, Field(max_length=400)]


_ROLE = "You check recordings for a data set of sounds."
_TASK = """Is this recording the event? Say no where another sound is meant, or several are mixed.
Event: {name}: {description}
Accepted tags: {accept}
Tags of the recording: {tags}
Caption of the recording: {caption}
"""


class ModelIdentity:
    """A language model reads the annotation; one that can hear gets the sound, too."""

    def __init__(self, chat: ChatEndpoint, *, hears: bool = False) -> None:
        self._chat, self._hears = chat, hears
        self.skipped: tuple[str, ...] = () if hears else (HEARD_IDENTITY,)

    def is_same(self, event: SubEvent, query: SoundQuery, tags: Sequence[str], caption: str,
                wave: Wave) -> bool:  # fmt: skip
        """:raises UnusableAnswer: when the model gives no valid answer.
        :raises EndpointFailure: when the server cannot be used.
        """
        text = _TASK.format(
            name=event.name, description=event.brief_description,
            accept=", ".join(query.accept_tags), tags=", ".join(tags), caption=caption,
        )  # fmt: skip
        sound = wav_file(wave) if self._hears else b""
        return self._chat.ask(Question(_ROLE, text, sound), IdentityAnswer).is_same


@dataclass(frozen=True, slots=True)
class Verifier:
    """Cleanliness is asked of foregrounds, and only where what is quietest in them is noise: the
    noise profile of a steady tone, as of a siren, is the tone itself.
    """

    settings: CurationSettings
    identity: IdentityCheck = field(default_factory=TagIdentity)

    def verify(self, event: SubEvent, query: SoundQuery, tags: Sequence[str], caption: str,
               wave: Wave) -> Verification:  # fmt: skip
        """What is no such sound at all is rejected; what is too long, noisy or broken by silence
        may be mended.
        """
        skipped = self.identity.skipped
        try:
            sound = checked(wave)
        except UnusableSound as error:
            return Verification(SoundVerdict.REJECT, (str(error),), skipped)
        if not self._is_long_enough(event, sound):
            return Verification(SoundVerdict.REJECT, (_length(sound),), skipped)
        if not np.any(np.square(sound) > _LEAST_POWER):
            return Verification(SoundVerdict.REJECT, ("silent",), skipped)
        if not self.identity.is_same(event, query, tags, caption, sound):
            return Verification(SoundVerdict.REJECT, ("another sound",), skipped)
        if event.role is EventRole.AMBIENT:
            return Verification(SoundVerdict.ACCEPT, (), skipped)
        level_db, is_noise = snr_db(sound)
        is_noisy = event.role is EventRole.FOREGROUND and level_db < self.settings.least_snr_db
        if is_noisy and not is_noise:
            skipped = (*skipped, CLEANLINESS)
        faults = [f"noisy ({level_db:.0f} dB)"] if is_noisy and is_noise else []
        reasons = (*faults, *self._faults(event, sound))
        verdict = SoundVerdict.REPROCESS if reasons else SoundVerdict.ACCEPT
        return Verification(verdict, reasons, skipped)

    def _is_long_enough(self, event: SubEvent, wave: Wave) -> bool:
        seconds = len(wave) / SAMPLE_RATE_HZ
        if event.role is EventRole.AMBIENT:
            return seconds >= self.settings.least_ambience_s
        return seconds >= self.settings.least_length * event.rough_duration_s

    def _faults(self, event: SubEvent, wave: Wave) -> Iterator[str]:
        settings = self.settings
        if len(wave) / SAMPLE_RATE_HZ > settings.most_length * event.rough_duration_s:
            yield _length(wave)
        silence = silent_frames(wave, TFJP)
        share = float(silence.mean())
        if share > settings.most_silence:
            yield f"silent for {share:.0%}"
        if longest_gap_ms(silence) > settings.most_gap_ms:
            yield "broken by silence"


def snr_db(wave: Wave) -> tuple[float, bool]:
    """The mean power over that of the noise profile, the quietest 5 % of the frames; and whether
    that is noise, or has neighbouring bins that differ as those of a tone do.
    """
    magnitudes = np.abs(vocoder.analyse(wave))
    profile = np.square(noise_profile(magnitudes, TFJP), dtype=np.float64)
    noise = float(profile.sum())
    if noise <= 0:
        return _NO_NOISE_DB, False
    power = float(np.mean(np.sum(np.square(magnitudes, dtype=np.float64), axis=1)))
    value = 10 * float(np.log10(max(power - noise, noise * 1e-3) / noise))
    return value, _flatness(profile) >= _LEAST_FLATNESS


def _flatness(power: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """Geometric over arithmetic mean in bands of eight bins, weighted by their power: noise of any
    colour has 0.75 and more, tones have 0.5 and less.
    """
    bands = (
        power[1 : 1 + (len(power) - 1) // _BAND_BINS * _BAND_BINS].reshape(-1, _BAND_BINS) + 1e-20
    )
    means = bands.mean(axis=1)
    return float(np.exp(np.log(bands).mean(axis=1)).sum() / means.sum())


def longest_gap_ms(silent: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    """Of silence between two parts that sound."""
    edges = np.flatnonzero(np.diff(silent, prepend=False, append=False))
    starts, ends = edges[::2], edges[1::2]
    inside = (starts > 0) & (ends < len(silent))
    return float(np.max(ends[inside] - starts[inside], initial=0)) * TFJP.omega_ms


def _length(wave: Wave) -> str:
    return f"{len(wave) / SAMPLE_RATE_HZ:.1f} s long"
