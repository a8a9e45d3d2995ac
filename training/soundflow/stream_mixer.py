"""What was laid out, mixed into one sound: rooms, layers, noise, and the line it came by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.acoustics import colour_and_place
from interject.training.soundflow.crossfade import tiled
from interject.training.soundflow.gap_texture import GapTexture
from interject.training.soundflow.levels import (
    active_samples,
    at_level,
    audible,
    power,
    within_scale,
)
from interject.training.soundflow.silence_audit import AuditLabel
from interject.training.soundflow.simulated_room import SimulatedRoom, in_room
from interject.training.soundflow.sound_library import ClipRole, labels_of
from interject.training.soundflow.stream_noise import (
    NoiseTrack,
    in_gaps,
    layer_spans,
    noise_track,
    weighted,
)
from interject.training.soundflow.stream_time_line import HeardSound
from interject.training.soundflow.telephone.line import SimulatedLine, through_line
from interject.training.sounds.waves import uniform
from interject.training.streams.span import Layer, StreamSpan

if TYPE_CHECKING:
    from interject.training.soundflow.composer_settings import ComposerSettings
    from interject.training.soundflow.silence_cut import Mask
    from interject.training.soundflow.sound_library import SoundClip, SoundLibrary
    from interject.training.soundflow.stream_time_line import LaidOutStream
    from interject.training.sounds.waves import Rng, Wave

SIGNAL = (Layer.SPEECH, Layer.FOREGROUND)
EVENT_LIKE, AMBIENT_LIKE = "event-like noise", "ambient noise"


@dataclass(frozen=True, slots=True)
class StreamMix:
    """`sound` is what comes out of the line. `layers` are what the microphone hears, one track a
    layer but noise, `noises` the two noise tracks before anything is done to them in the gaps;
    `bed` is noise and ambience as it was mixed in. `active` is where speech or foreground sounds.
    """

    sound: Wave = field(repr=False)
    layers: dict[Layer, Wave] = field(repr=False)
    noises: tuple[NoiseTrack, NoiseTrack]
    bed: Wave = field(repr=False)
    active: Mask = field(repr=False)
    texture: GapTexture
    line: SimulatedLine | None
    spans: tuple[StreamSpan, ...] = field(repr=False)

    @property
    def signal(self) -> Wave:
        wave: Wave = np.sum([self.layers[layer] for layer in SIGNAL], axis=0)
        return wave


class StreamMixer:
    """`meant` are the labels that mean something in this stream: they are heard where the script
    says, and nowhere else. `bed` is the ambience that it talks about, or empty: that goes on in
    the gaps.
    """

    def __init__(
        self, settings: ComposerSettings, library: SoundLibrary, rng: Rng, *, meant: set[str],
        bed: str = "",
    ) -> None:  # fmt: skip
        self._settings, self._library, self._rng, self._bed = settings, library, rng, bed
        self._events = [
            label for label in labels_of(library, ClipRole.EVENT, AuditLabel.SILENT)
            if label not in meant
        ]  # fmt: skip
        self._beds = [
            label for label in labels_of(library, ClipRole.BED, AuditLabel.SILENT)
            if not bed or label not in meant
        ]  # fmt: skip
        self._speech_db = uniform(rng, *settings.layers.speech_dbfs)

    def mix(self, laid_out: LaidOutStream) -> StreamMix:
        count, rng = laid_out.samples, self._rng
        heard = [*laid_out.heard, *self._background(count)]
        layers = self._layers(heard, count)
        active = active_samples(
            ((sound.start, sound.end) for sound in heard if sound.layer in SIGNAL), count
        )
        signal_power = power(layers[Layer.SPEECH] + layers[Layer.FOREGROUND], active)
        noises = self._noises(active, signal_power)
        ambient, ambient_spans = self._ambient(count)
        layers[Layer.AMBIENT] = ambient
        texture = weighted(self._settings.noise.gap_textures, rng)
        if self._bed:
            texture = GapTexture.PUBLISHED
        bed = in_gaps(
            noises[0].wave + noises[1].wave + ambient, active, texture, signal_power,
            self._settings.noise, rng,
        )  # fmt: skip
        sound = layers[Layer.SPEECH] + layers[Layer.FOREGROUND] + layers[Layer.BACKGROUND]
        sound = self._colour(sound + layers[Layer.OWN_VOICE] + bed)
        line = self._line()
        if line is not None:
            sound = through_line(within_scale(sound), line, rng)
        spans = [sound.span() for sound in heard] + ambient_spans
        return StreamMix(
            within_scale(sound), layers, noises, bed, active, texture, line,
            (*spans, *noises[0].spans, *noises[1].spans),
        )  # fmt: skip

    def _layers(self, heard: list[HeardSound], count: int) -> dict[Layer, Wave]:
        rng, settings = self._rng, self._settings.room
        room = None
        if rng.random() < settings.share:
            room = SimulatedRoom.random(rng, settings.reverberation_s)
        tracks: dict[Layer, Wave] = {
            layer: np.zeros(count, np.float32) for layer in Layer if layer != Layer.NOISE
        }
        responses: dict[str, Wave] = {}
        for sound in heard:
            wave = at_level(audible(sound.wave), self._speech_db + sound.level_db)
            if room is not None:
                if sound.place not in responses:
                    responses[sound.place] = room.response(rng)
                wave = in_room(wave, responses[sound.place])
            last = min(count, sound.start + len(wave))
            tracks[sound.layer][sound.start : last] += wave[: last - sound.start]
        return tracks

    def _background(self, count: int) -> list[HeardSound]:
        """Ordinary events by the way, at random offsets, with the published gains."""
        layers, rng = self._settings.layers, self._rng
        minutes = count / SAMPLE_RATE_HZ / 60
        found: list[HeardSound] = []
        if not self._events:
            return found
        for number in range(int(rng.poisson(minutes * uniform(rng, *layers.background_a_minute)))):
            label = self._events[int(rng.integers(len(self._events)))]
            clip = self._library.draw(label, rng)
            wave = clip.wave[:count]
            start = int(rng.integers(count - len(wave) + 1))
            found.append(
                HeardSound(Layer.BACKGROUND, label, start, wave, self._gain_db(),
                           f"background {number}", source=clip.source)
            )  # fmt: skip
        return found

    def _gain_db(self) -> float:
        layers = self._settings.layers
        return layers.reference_db + float(self._rng.choice(layers.gains_db))

    def _ambient(self, count: int) -> tuple[Wave, list[StreamSpan]]:
        """One bed under the whole stream, from a random offset within it on."""
        rng, settings = self._rng, self._settings
        options = self._ambiences
        if not options or not (self._bed or rng.random() < settings.layers.ambient_share):
            return np.zeros(count, np.float32), []
        label = options[int(rng.integers(len(options)))]
        clips = self._clips(label)
        fade = round(settings.noise.crossfade_s * SAMPLE_RATE_HZ)
        offset = int(rng.integers(max(1, len(clips[0].wave))))
        made = tiled([clip.wave for clip in clips], count, fade, offset=offset)
        wave = at_level(audible(made.wave), self._speech_db + self._gain_db())
        return wave, layer_spans(made.pieces, clips, Layer.AMBIENT, label)

    def _noises(self, active: Mask, signal_power: float) -> tuple[NoiseTrack, NoiseTrack]:
        noise, rng = self._settings.noise, self._rng
        snrs_db = (
            uniform(rng, *noise.snr1_db),
            uniform(rng, *noise.snr2_db) + noise.snr2_more_db,
        )
        made = []
        for options, name, snr_db in zip(
            (self._events or self._beds, self._ambiences or self._events),
            (EVENT_LIKE, AMBIENT_LIKE), snrs_db, strict=True,
        ):  # fmt: skip
            if not options:
                made.append(NoiseTrack(np.zeros(len(active), np.float32), snr_db))
                continue
            label = options[int(rng.integers(len(options)))]
            clips = self._clips(label)
            made.append(
                noise_track(clips, f"{name}: {label}", signal_power=signal_power, active=active,
                            snr_db=snr_db, fade_s=noise.crossfade_s, rng=rng)
            )  # fmt: skip
        return made[0], made[1]

    @property
    def _ambiences(self) -> list[str]:
        """Nothing else may be taken for the one that is talked about."""
        return [self._bed] if self._bed else self._beds

    def _clips(self, label: str) -> list[SoundClip]:
        """Several where they are short, so that what is repeated is not one of them."""
        settings, found = self._settings.noise, [self._library.draw(label, self._rng)]
        while (
            len(found) < settings.clips
            and sum(len(clip.wave) for clip in found) < settings.enough_s * SAMPLE_RATE_HZ
        ):
            found.append(self._library.draw(label, self._rng))
        return found

    def _colour(self, sound: Wave) -> Wave:
        strength_db = self._settings.room.colour_db
        if not strength_db:
            return sound
        coloured = colour_and_place(sound, None, self._rng, strength_db=strength_db)
        return coloured[: len(sound)]

    def _line(self) -> SimulatedLine | None:
        rng, settings = self._rng, self._settings.telephone
        if rng.random() >= settings.share:
            return None
        is_lossy = rng.random() < settings.lossy_share
        return SimulatedLine(
            weighted(settings.codecs, rng), settings.low_hz, settings.high_hz,
            uniform(rng, *settings.loss) if is_lossy else 0.0,
            uniform(rng, *settings.burst_packets),
        )  # fmt: skip
