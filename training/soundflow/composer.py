"""Streams of all seven abilities, from sounds, voices and texts."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from interject.training.soundflow.cast import Cast
from interject.training.soundflow.composer_settings import ComposerSettings
from interject.training.soundflow.history_reviewer import RuleReviewer
from interject.training.soundflow.mix_ins import mixed_in
from interject.training.soundflow.overlap import overlapping
from interject.training.soundflow.script_writer import ScriptWriter
from interject.training.soundflow.silence_audit import AuditLabel
from interject.training.soundflow.sound_library import ClipRole, labels_of
from interject.training.soundflow.stream_layout import StreamLayout
from interject.training.soundflow.stream_mixer import StreamMixer
from interject.training.soundflow.stream_noise import weighted
from interject.training.streams.ability import Ability
from interject.training.streams.stream import TrainingStream

if TYPE_CHECKING:
    from interject.training.soundflow.cast import VoicePicker
    from interject.training.soundflow.history_reviewer import HistoryReviewer
    from interject.training.soundflow.sound_library import SoundLibrary
    from interject.training.soundflow.stream_mixer import StreamMix
    from interject.training.soundflow.texts.text_set import TextSet

DEFAULTS, BY_RULES = ComposerSettings(), RuleReviewer()


class UnfitSounds(ValueError):
    """A library lacks what the settings ask for; the message says what to annotate."""


@dataclass(frozen=True, slots=True)
class Composition:
    """A stream, and what it was mixed of."""

    stream: TrainingStream
    mix: StreamMix = field(repr=False)


@dataclass(frozen=True, slots=True)
class Composer:
    """A `StreamSource`. Each stream has a generator of its own: none depends on another.

    :raises UnfitSounds: when there are too few kinds of sounds for the settings.
    """

    library: SoundLibrary
    pick_voice: VoicePicker
    texts: TextSet
    settings: ComposerSettings = DEFAULTS
    reviewer: HistoryReviewer = BY_RULES

    def __post_init__(self) -> None:
        abilities, mix_ins = self.settings.abilities, self.settings.mix_ins
        wanted = [(ClipRole.EVENT, AuditLabel.SILENT, "ordinary event (role event, audit silent)")]
        if abilities.get(Ability.PROACTIVE) or mix_ins.proactive:
            wanted.append((ClipRole.EVENT, AuditLabel.RESPOND, "alarm (role event, audit respond)"))
        if abilities.get(Ability.ENVIRONMENT_AGENT):
            wanted.append((ClipRole.BED, AuditLabel.SILENT, "lasting sound (role bed)"))
        for role, label, name in wanted:
            if not labels_of(self.library, role, label):
                raise UnfitSounds(
                    f"the sounds hold no {name}: annotate one, add the synthesised ones "
                    "(synthesis: true), or take what needs it out of abilities and mix_ins"
                )

    def make(self, number: int, seed: int) -> TrainingStream:
        """
        :raises DiscardedStream: when a sound or a word of it cannot be used.
        :raises SynthesisError: when a voice cannot speak.
        :raises CodecMissing: when this PyAV lacks a codec of the settings.
        :raises EndpointFailure: when a server of the settings cannot be used.
        """
        return self.compose(number, seed).stream

    def compose(self, number: int, seed: int) -> Composition:
        """As `make`, with the tracks that it was mixed of."""
        rng = np.random.default_rng((seed, number))
        settings = self.settings
        ability = weighted(settings.abilities, rng)
        texts = replace(self.texts, recorded_share=settings.speech.recorded_share)
        writer = ScriptWriter(self.library, texts, rng)
        rounds = int(rng.integers(settings.pace.rounds[0], settings.pace.rounds[1] + 1))
        script = writer.write(ability, rounds)
        script = mixed_in(script, ability, settings.mix_ins, writer, rng, self.reviewer)
        script = overlapping(script, ability, settings.overlaps, texts, rng)
        cast = Cast(self.pick_voice, random.Random(f"{seed} {number}"))
        laid_out = StreamLayout(settings, self.library, cast, rng).lay_out(script)
        mixer = StreamMixer(settings, self.library, rng, meant=script.labels, bed=script.bed)
        mix = mixer.mix(laid_out)
        stream = TrainingStream(
            f"soundflow-{number:08d}", ability, mix.sound, laid_out.turns, mix.spans, seed,
            skipped=laid_out.skipped,
        )  # fmt: skip
        return Composition(stream, mix)
