"""The recipe `scenes`: planned and grounded scenes, mixed into streams."""

from __future__ import annotations

import functools
import random
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.sound_file import BadSound
from interject.training.curation.curation_settings import CurationSettings
from interject.training.curation.grounder import picked_sound
from interject.training.curation.scenario import EventRole
from interject.training.curation.synthesised_sound import sha256_of, source_of
from interject.training.dataset.problem import DatasetError
from interject.training.endpoints.failures import EndpointFailure
from interject.training.soundflow.cast import Cast
from interject.training.soundflow.composer_settings import ComposerSettings
from interject.training.soundflow.sound_check import UnusableSound
from interject.training.soundflow.sound_library import ClipRole, SoundClip, SoundMeaning
from interject.training.soundflow.stream_layout import StreamLayout
from interject.training.soundflow.stream_mixer import StreamMixer
from interject.training.soundflow.stream_script import (
    ScriptedSound,
    ScriptedSpeech,
    ScriptedTurn,
    StreamScript,
)
from interject.training.soundflow.telephone.codec import CodecMissing
from interject.training.speech.local_voices import random_local_voice
from interject.training.speech.utterance import SynthesisError
from interject.training.streams.ability import Ability
from interject.training.streams.span import SoundSource
from interject.training.streams.stream import TrainingStream
from interject.training.streams.stream_source import DiscardedStream

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from interject.training.curation.event_auditor import EventAudit
    from interject.training.curation.grounder import SoundPick
    from interject.training.curation.scenario import SubEvent
    from interject.training.curation.scene_record import PickedSound, SceneRecord
    from interject.training.soundflow.cast import VoicePicker
    from interject.training.sounds.waves import Rng, Wave

QUESTIONS = ("What have you heard?", "What happened here just now?", "What was all that?")
SCENE_TYPE = "scene"
KEPT_SOUNDS = 256
CURATION = CurationSettings()
DEFAULTS = ComposerSettings()


@dataclass(frozen=True, slots=True)
class SceneLibrary:
    """The sounds of one scene, each under a label of its own."""

    meanings: Mapping[str, SoundMeaning]
    clips: Mapping[str, SoundClip] = field(repr=False)

    def draw(self, label: str, rng: Rng) -> SoundClip:
        return self.clips[label]


@dataclass(frozen=True, slots=True)
class SceneSource:
    """A `StreamSource`. Scenes are taken in turn; what is random about a mix comes anew each time.

    With `question_share` somebody asks at the end what there was to hear.
    """

    folder: Path
    scenes: tuple[SceneRecord, ...]
    settings: ComposerSettings = DEFAULTS
    question_share: float = 0.3
    pick_voice: VoicePicker = random_local_voice

    def make(self, number: int, seed: int) -> TrainingStream:
        """
        :raises DiscardedStream: when nothing that matters is left of the scene.
        :raises DatasetError: when a voice, a server or a codec cannot be used.
        """
        try:
            return self._stream(number, seed)
        except DiscardedStream:
            raise
        except (SynthesisError, EndpointFailure, CodecMissing) as error:
            raise DatasetError(str(error)) from error

    def _stream(self, number: int, seed: int) -> TrainingStream:
        scene = self.scenes[number % len(self.scenes)]
        rng = np.random.default_rng((seed, number))
        library, script = self._library(scene), self._script(scene, rng)
        cast = Cast(self.pick_voice, random.Random(f"{seed} {number}"))
        laid_out = StreamLayout(self.settings, library, cast, rng).lay_out(script)
        mixer = StreamMixer(self.settings, library, rng, meant=script.labels, bed=script.bed)
        mix = mixer.mix(laid_out)
        checks = {check for sound in scene.sounds for check in sound.skipped}
        asks = any(isinstance(part, ScriptedSpeech) for part in script.turns[-1].parts)
        return TrainingStream(
            f"scenes-{number:08d}", Ability.AUDIO_UNDERSTANDING if asks else Ability.PROACTIVE,
            mix.sound, laid_out.turns, mix.spans, seed,
            skipped=tuple(sorted(checks | set(laid_out.skipped))), scene_type=SCENE_TYPE,
        )  # fmt: skip

    def _library(self, scene: SceneRecord) -> SceneLibrary:
        meanings, clips = {}, {}
        events = {event.name: event for event in scene.scenario.sub_events}
        for found in scene.mixable:
            event, label = events[found.event], label_of(scene, found.event)
            audit = scene.audits[found.event]
            role = ClipRole.BED if event.role is EventRole.AMBIENT else ClipRole.EVENT
            meanings[label] = SoundMeaning(
                label, event.name, role, audit.audit, audit.reply, audit.emotion
            )
            clips[label] = self._clip(label, found, event)
        return SceneLibrary(meanings, clips)

    def _clip(self, label: str, found: PickedSound, event: SubEvent) -> SoundClip:
        try:
            wave = _sound(self.folder, found.pick, event)
        except (BadSound, UnusableSound) as error:
            raise DiscardedStream("a recording is no longer what it was") from error
        if found.pick.file is None:
            source = source_of(found.pick.kind or "", wave)
        else:
            source = SoundSource(found.pick.file, found.licence, sha256_of(wave))
        return SoundClip(label, wave, source)

    def _script(self, scene: SceneRecord, rng: Rng) -> StreamScript:
        usable = {found.event for found in scene.mixable}
        events = [event for event in scene.scenario.in_order() if event.name in usable]
        if not events:
            raise DiscardedStream("no foreground of the scene has a sound that may be used")
        turns = [_turn(scene, event, scene.audits[event.name]) for event in events]
        beds = [e.name for e in scene.scenario.of_role(EventRole.AMBIENT) if e.name in usable]
        if rng.random() < self.question_share:
            question = QUESTIONS[int(rng.integers(len(QUESTIONS)))]
            heard = ", then ".join(event.name for event in events)
            answer = f"I heard {heard}{f', over {beds[0]}' if beds else ''}."
            turns.append(ScriptedTurn((ScriptedSpeech(question),), question, SCENE_TYPE, answer))
        return StreamScript(tuple(turns), label_of(scene, beds[0]) if beds else "")


def label_of(scene: SceneRecord, name: str) -> str:
    """Two events of one scene may be called almost the same."""
    place = [event.name for event in scene.scenario.sub_events].index(name)
    return f"{re.sub(r'[^a-z0-9]+', '_', name.lower()).strip('_')[:48]}_{place}"


def _turn(scene: SceneRecord, event: SubEvent, audit: EventAudit) -> ScriptedTurn:
    return ScriptedTurn(
        (ScriptedSound(label_of(scene, event.name)),), "", event.name, audit.reply, audit.emotion
    )


@functools.lru_cache(maxsize=KEPT_SOUNDS)
def _sound(folder: Path, pick: SoundPick, event: SubEvent) -> Wave:
    wave = picked_sound(pick, event, folder, CURATION)
    wave.setflags(write=False)
    return wave
