"""A script laid out in time: what begins at which sample, and what is answered in which chunk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import FRAME_SAMPLES, SAMPLE_RATE_HZ
from interject.training.soundflow.cast import AGENT, NAMES
from interject.training.soundflow.levels import power
from interject.training.soundflow.sound_check import UnusableSound
from interject.training.soundflow.sound_frames import in_samples
from interject.training.soundflow.stream_script import (
    AnswerRule,
    Onset,
    ScriptedSpeech,
    ScriptedTurn,
)
from interject.training.soundflow.stream_time_line import HeardSound, StreamTimeLine
from interject.training.soundflow.tapers import tapered
from interject.training.soundflow.tfjp import clean
from interject.training.soundflow.word_labels import Label, chunk_labels, segment_labels
from interject.training.sounds.waves import uniform
from interject.training.streams.span import Layer, TimedWord
from interject.training.streams.stream_source import DiscardedStream
from interject.training.streams.turn import StreamTurn, response_chunk

if TYPE_CHECKING:
    from interject.training.soundflow.cast import Cast
    from interject.training.soundflow.composer_settings import ComposerSettings
    from interject.training.soundflow.recording import Recording
    from interject.training.soundflow.sound_library import SoundLibrary
    from interject.training.soundflow.stream_script import ScriptedSound, StreamScript
    from interject.training.soundflow.stream_time_line import LaidOutStream
    from interject.training.soundflow.tfjp_settings import TfjpSettings
    from interject.training.sounds.waves import Rng, Wave
    from interject.training.speech.speech_voice import SpokenText

PART_GAP_S = (0.15, 0.6)
TAIL_S = (0.4, 1.2)
STOP_S = (0.1, 0.4)
"""How long the agent's voice goes on when somebody talks over it."""
TAPER_MS = 20.0
"""Of speech that is cut."""
AT_A_PLACE = "sounds"


@dataclass(slots=True)
class _Reply:
    """When the agent is speaking, and which of the sounds heard is its voice, if any is."""

    start: int
    end: int
    heard: int | None = None


class StreamLayout:
    """Draws what a script leaves open: gaps, levels, the decision lag, whether the agent hears
    itself.
    """

    def __init__(
        self, settings: ComposerSettings, library: SoundLibrary, cast: Cast, rng: Rng
    ) -> None:
        self._settings, self._library, self._cast, self._rng = settings, library, cast, rng
        lag_s = uniform(rng, *settings.labels.decision_lag_s)
        self._hears_itself = rng.random() < settings.own_voice.share
        self._own_db = uniform(rng, *settings.own_voice.level_db)
        self._speaker_db = [uniform(rng, *settings.layers.speaker_db) for _ in NAMES]
        begin = _samples(uniform(rng, *settings.pace.begin_s))
        self._line = StreamTimeLine(lag_s=lag_s, free=begin)
        self._skipped: set[str] = set()
        self._reply: _Reply | None = None

    def lay_out(self, script: StreamScript) -> LaidOutStream:
        for turn in script.turns:
            if self._line.turns and self._line.free > _samples(self._settings.pace.longest_s):
                break
            self._lay(turn)
        tail = _samples(uniform(self._rng, *TAIL_S))
        return self._line.finished(tail, tuple(sorted(self._skipped)))

    def _lay(self, scripted: ScriptedTurn) -> None:
        start = at = self._start(scripted)
        sound: HeardSound | None = None
        for part in scripted.parts:
            if sound is not None:
                at = sound.end + _samples(uniform(self._rng, *PART_GAP_S))
            sound = (
                self._speech(part, at)
                if isinstance(part, ScriptedSpeech)
                else self._event(part, at)
            )
            self._line.heard.append(sound)
        assert sound is not None, "a turn has a part"
        if scripted.cross_talk:
            self._talk_across(scripted.cross_talk, start, sound.end)
        for label in self._labels(scripted, start, sound):
            self._note(scripted, label)
        self._line.free = max(self._line.free, sound.end)
        if scripted.rule is AnswerRule.END and scripted.assistant:
            self._say(scripted.assistant)
        elif scripted.onset is not Onset.BACKCHANNEL:
            self._reply = None

    def _start(self, scripted: ScriptedTurn) -> int:
        rng, reply = self._rng, self._reply
        if not self._line.turns:
            return self._line.free
        free = self._line.free + _samples(uniform(rng, *self._settings.pace.gap_s))
        if reply is None:
            return free
        if scripted.onset is not Onset.AFTER:
            first, last = (
                -(-at // FRAME_SAMPLES) for at in (max(reply.start, self._line.free), reply.end)
            )
            slots = range(first + 1, last)
            if slots:
                start = int(slots[int(rng.integers(len(slots)))]) * FRAME_SAMPLES
                if scripted.onset is Onset.BARGE_IN:
                    self._stop_talking(start)
                return start
        waits = rng.random() < self._settings.pace.waits_share
        return (
            max(free, reply.end + free - self._line.free)
            if waits or reply.heard is not None
            else free
        )

    def _labels(self, scripted: ScriptedTurn, start: int, sound: HeardSound) -> list[Label]:
        """What is answered when, in seconds of the stream."""
        start_s, end_s = start / SAMPLE_RATE_HZ, sound.end / SAMPLE_RATE_HZ
        words = sound.span().words
        if scripted.rule is AnswerRule.CHUNKS:
            return chunk_labels(words, start_s, self._line.lag_s)
        if scripted.rule is AnswerRule.SEGMENTS:
            return segment_labels(words, scripted.segments, start_s, self._line.lag_s)
        chunk = None
        if scripted.assistant:
            chunk = response_chunk(end_s, decision_lag_s=self._line.lag_s)
        return [Label(start_s, end_s, scripted.user, scripted.assistant, chunk)]

    def _note(self, scripted: ScriptedTurn, label: Label) -> None:
        self._line.note(
            StreamTurn(
                label.start_s, label.end_s, label.user, label.assistant, scripted.emotion,
                scripted.scene_type, label.chunk, scripted.reference,
            )
        )  # fmt: skip

    def _speech(self, part: ScriptedSpeech, at: int) -> HeardSound:
        said = self._said(part.speaker, part.text, part.recording)
        wave, words = said.pcm, said.words
        if part.pause_chunks and part.pause_word < len(words) - 1:
            wave, words = with_pause(
                wave, words, part.pause_word, part.pause_chunks * FRAME_SAMPLES
            )
        return HeardSound(
            Layer.SPEECH, "speech", at, wave, self._speaker_db[part.speaker], NAMES[part.speaker],
            part.text, words, said.source,
        )  # fmt: skip

    def _said(self, speaker: int, text: str, recording: Recording | None = None) -> SpokenText:
        said = recording.say(text) if recording else self._cast.say(speaker, text)
        self._skipped.update(said.skipped)
        return said

    def _event(self, part: ScriptedSound, at: int) -> HeardSound:
        clip = self._library.draw(part.label, self._rng)
        wave = foreground(clip.wave, self._settings.tfjp, self._settings.layers.tfjp_keeps)
        level_db = uniform(self._rng, *self._settings.layers.foreground_db)
        return HeardSound(
            Layer.FOREGROUND, part.label, at, wave, level_db, AT_A_PLACE, source=clip.source
        )

    def _talk_across(self, talk: ScriptedSpeech, start: int, end: int) -> None:
        """From a chunk's begin on within the turn; where there is none, nobody does."""
        slots = range(start // FRAME_SAMPLES + 1, end // FRAME_SAMPLES)
        if not slots:
            return
        at = int(slots[int(self._rng.integers(len(slots)))]) * FRAME_SAMPLES
        sound = self._speech(talk, at)
        level_db = uniform(self._rng, *self._settings.overlaps.cross_talk_db)
        self._line.heard.append(replace(sound, label="cross-talk", level_db=level_db))

    def _say(self, text: str) -> None:
        """The reply is said aloud, and takes its time whether it is heard or not."""
        delay = _samples(uniform(self._rng, *self._settings.own_voice.delay_s))
        start = self._line.answered + delay
        if not self._hears_itself:
            length = _samples(len(text) / self._settings.pace.reply_chars_a_s)
            self._reply = _Reply(start, start + length)
            return
        said = self._said(AGENT, text)
        self._reply = _Reply(start, start + len(said.pcm), len(self._line.heard))
        self._line.heard.append(
            HeardSound(Layer.OWN_VOICE, "own voice", start, said.pcm, self._own_db, NAMES[AGENT],
                       text, said.words, said.source)
        )  # fmt: skip

    def _stop_talking(self, at: int) -> None:
        """The agent's voice ends a little after somebody talks over it."""
        reply, self._reply = self._reply, None
        if reply is None or reply.heard is None:
            return
        sound = self._line.heard[reply.heard]
        kept = at + _samples(uniform(self._rng, *STOP_S)) - sound.start
        wave = tapered(sound.wave[:kept], in_samples(TAPER_MS))
        words = tuple(word for word in sound.words if word.end_s * SAMPLE_RATE_HZ <= kept)
        text = " ".join(word.text for word in words)
        self._line.heard[reply.heard] = replace(sound, wave=wave, words=words, text=text)


def foreground(wave: Wave, settings: TfjpSettings, least_energy: float) -> Wave:
    """TFJP again, as published; a steady sound, which it takes for noise, only gets its tapers.

    :raises DiscardedStream: when the sound cannot be used.
    """
    try:
        cleaned = clean(wave, settings).wave
    except UnusableSound as exc:
        raise DiscardedStream("unusable sound") from exc
    energy = power(wave) * len(wave)
    if len(cleaned) and power(cleaned) * len(cleaned) >= least_energy * energy:
        return cleaned
    return tapered(wave, in_samples(settings.omega_ms))


def with_pause(
    wave: Wave, words: tuple[TimedWord, ...], word: int, samples: int
) -> tuple[Wave, tuple[TimedWord, ...]]:
    """Silence behind a word (from 0); what comes after is later by as much."""
    cut = min(len(wave), round(words[word].end_s * SAMPLE_RATE_HZ))
    edge = in_samples(TAPER_MS)
    silence = np.zeros(samples, np.float32)
    paused = np.concatenate((tapered(wave[:cut], edge), silence, tapered(wave[cut:], edge)))
    late_s = samples / SAMPLE_RATE_HZ
    moved = tuple(TimedWord(w.text, w.end_s + late_s) for w in words[word + 1 :])
    return paused, words[: word + 1] + moved


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE_HZ)
