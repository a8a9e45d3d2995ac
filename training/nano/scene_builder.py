"""Composing a stream: what happens when, mixed into one sound.

It is long because all that can happen in a stream is here.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interject.model_runtime.network.architecture import TOWER_EMBEDDINGS
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    LOOKAHEAD_SAMPLES,
    SAMPLE_RATE_HZ,
    Emotion,
)
from interject.training.acoustics import channel, colour_and_place, decibels, stretch
from interject.training.nano.language import (
    COUNTABLE,
    HELP,
    INTENTS,
    NUMBERS,
    RESPOND_REPLIES,
    count_confirmation,
    count_reply,
    sound_reply,
)
from interject.training.nano.recorded_stock import RECORDED_TALK, SPEECH_RMS
from interject.training.nano.scene import (
    DECISION_LAG_S,
    RECORDED_SPEEDS,
    SLOT_S,
    Happening,
    Scene,
    Stock,
    Style,
    WantedReply,
    audible_samples,
)
from interject.training.nano.speech_bank import NEAR_MISS, OWN, UNRELATED, SpeechBank
from interject.training.soundflow.telephone.g711 import random_line, through_g711_line
from interject.training.sounds.alarming import ALARMING
from interject.training.sounds.catalogue import CLASSES
from interject.training.sounds.counted import COUNTED
from interject.training.sounds.ordinary import ORDINARY
from interject.training.sounds.unnamed import UNNAMED
from interject.training.sounds.waves import Rng, Wave, uniform
from interject.training.speech.phones import UNKNOWN_PHONE
from interject.training.speech.utterance import PHONE_STEP_S, Utterance

_RECORDED_TALK = 0.5
"""Of the share of recordings: near misses and the agent's own sentences are needed as well."""
SOUND_LEVEL_DB = (-16.0, 8.0)
_ODD_SPEEDS = (0.75, 1.45)
"""Children, cartoons and giants seldom ask anything of an agent."""
_MISTAKABLE = ("footsteps", "clap", "telephone", "microwave", "doorbell", "keyboard")
_INTENTS = {request.key: request for request in (*INTENTS, HELP)}


class SceneBuilder:
    """Lays happenings one after the other on a time line."""

    def __init__(self, stock: Stock, rng: Rng, chunks: int, style: Style) -> None:
        self._stock, self._rng, self._style = stock, rng, style
        count = chunks * FRAME_SAMPLES + LOOKAHEAD_SAMPLES
        self._limit = chunks * FRAME_SAMPLES - int(0.2 * SAMPLE_RATE_HZ)
        slots = chunks * TOWER_EMBEDDINGS
        self._scene = Scene(
            np.zeros(count, np.float32), [], np.zeros(slots, np.int8),
            np.zeros((slots, len(CLASSES)), np.uint8),
        )  # fmt: skip
        self._at = int(uniform(rng, 0.1, 1.5) * SAMPLE_RATE_HZ)
        self._level_db = uniform(rng, -12, 4)
        self._room = rng.random() < 0.6
        self._counting: str | None = None
        self._count = 0
        self._last_sound: str | None = None
        self._full = False

    def build(self) -> Scene:
        if self._style is Style.COUNT:
            self._instruct_count()
        while not self._full:
            self.step()
        self._finish()
        return self._scene

    def step(self) -> None:
        """One thing more, or a few that belong together."""
        if self._style is Style.UNRELATED:
            self.unrelated_step()
        elif self._style is Style.COUNT:
            self._count_step()
        else:
            self.mixed_step()

    def build_clip(self) -> tuple[Scene, Happening, str]:
        """One thing alone, early in the stream, and the words of it when it is speech."""
        self._stock = replace(self._stock, shares=replace(self._stock.shares, echo=0.0))
        self._at = int(uniform(self._rng, 0.05, 0.5) * SAMPLE_RATE_HZ)
        if self._rng.random() < 0.5:
            self._request(str(self._rng.choice([request.key for request in INTENTS])))
        else:
            self._sound(str(self._rng.choice(CLASSES)), None)
        self._finish()
        words = " ".join(word for word, _ in self._scene.words)
        return self._scene, self._scene.happenings[0], words

    def unrelated_step(self) -> None:
        self._talk() if self._rng.random() < 0.6 else self._ordinary()

    def mixed_step(self) -> None:
        choice = self._rng.random()
        if choice < 0.32:
            self._request(str(self._rng.choice([request.key for request in INTENTS])))
        elif choice < 0.37:
            self._request(HELP.key)
        elif choice < 0.55:
            self._alarming()
        elif choice < 0.66:
            self._ordinary()
        elif choice < 0.85:
            self._talk()
        elif choice < 0.90:
            for _ in range(int(self._rng.integers(1, 4))):
                self._counted(str(self._rng.choice(COUNTABLE)))
        elif choice < 0.96:
            self._ask_sound()
        else:
            self._instruct_count()

    def _count_step(self) -> None:
        choice = self._rng.random()
        if choice < 0.72:
            self._counted(self._counting or str(self._rng.choice(COUNTABLE)))
        elif choice < 0.82:
            self._counted(str(self._rng.choice(COUNTABLE)))
        elif choice < 0.87:
            self._sound(str(self._rng.choice(_MISTAKABLE)), None)
        elif choice < 0.91:
            self._ordinary()
        elif choice < 0.97:
            self._talk()
        else:
            self.mixed_step()

    def _talk(self) -> None:
        choice, shares = self._rng.random(), self._stock.shares
        if self._is_recorded(_RECORDED_TALK) and self.overhear(short=False):
            return
        if choice < shares.near_miss:
            self.speak(NEAR_MISS, None)
        elif choice < shares.near_miss + shares.own:
            self.speak(str(self._rng.choice(self._stock.bank.own)), None)
        else:
            self.speak(UNRELATED, None)
        if self._rng.random() < 0.4:
            self._at -= int(uniform(self._rng, 0.0, 0.25) * SAMPLE_RATE_HZ)

    def _request(self, key: str) -> None:
        request = _INTENTS[key]
        self.speak(key, WantedReply(request.reply, request.emotion, key))

    def _echo(self, reply: WantedReply | None) -> None:
        """What the agent said may come back from a loudspeaker."""
        if reply is None:
            return
        share, key = self._stock.shares.echo, OWN + reply.text
        if share and self._rng.random() < share and key in self._stock.bank.groups:
            self.speak(key, None)

    def _ask_sound(self) -> None:
        if self._last_sound is None or self._rng.random() < 0.3:
            kinds = [kind for kind in CLASSES if kind not in ALARMING]
            if not self._sound(str(self._rng.choice(kinds)), None):
                return
        if self._last_sound is not None:
            reply = WantedReply(sound_reply(self._last_sound), Emotion.NORMAL, "what_sound")
            self.speak("what_sound", reply)

    def _instruct_count(self) -> None:
        kind = str(self._rng.choice(COUNTABLE))
        key = f"count_{kind}"
        if self.speak(key, WantedReply(count_confirmation(kind), Emotion.NORMAL, key)):
            self._counting, self._count = kind, 0

    def _counted(self, kind: str) -> None:
        reply = None
        if kind == self._counting:
            if self._count >= len(NUMBERS):
                self._full = True
                return
            reply = WantedReply(count_reply(self._count + 1), Emotion.NORMAL, "number")
        if self._sound(kind, reply) and reply:
            self._count += 1

    def _alarming(self) -> None:
        share = self._stock.shares.alarms
        if share < 1 and self._rng.random() >= share:
            self._ordinary()
            return
        kind = str(self._rng.choice(list(ALARMING)))
        text, emotion = RESPOND_REPLIES[kind]
        self._sound(kind, WantedReply(text, emotion, kind))

    def _ordinary(self) -> None:
        if self._is_recorded() and self._recorded_ordinary():
            return
        stock = self._stock
        if UNNAMED in stock.sounds and self._rng.random() < stock.shares.unnamed:
            self._sound(UNNAMED, None)
            return
        kind = str(self._rng.choice(list(ORDINARY)))
        if self._rng.random() < 0.15:
            kind = str(self._rng.choice([k for k in COUNTED if k != self._counting]))
        self._sound(kind, None)

    def _is_recorded(self, part: float = 1.0) -> bool:
        """Without recordings nothing is drawn: such a stock's streams stay what they were."""
        stock = self._stock
        return stock.recorded is not None and self._rng.random() < stock.shares.recorded * part

    def _recorded_ordinary(self) -> bool:
        recorded = self._stock.recorded
        drawn = recorded and recorded.ordinary(self._rng, without=self._counting)
        if not drawn:
            return False
        label, wave = drawn
        self._hear(label, stretch(wave, uniform(self._rng, *RECORDED_SPEEDS)), None)
        return True

    def overhear(self, *, short: bool) -> bool:
        """Somebody recorded who asks nothing. False: there is nobody."""
        recorded, share = self._stock.recorded, self._stock.shares.recorded
        wave = recorded.talk(self._rng, short=short) if recorded and share else None
        if wave is None:
            return False
        wave = stretch(wave, uniform(self._rng, *_ODD_SPEEDS))
        if self._rng.random() < self._stock.shares.shouted:
            wave = self._shouted(wave)
        start = self.place(RECORDED_TALK, wave, uniform(self._rng, -8, 6), None)
        if start is not None:
            low, high = (int(at / SAMPLE_RATE_HZ / SLOT_S) for at in (start, start + len(wave)))
            self._scene.phones[low : high + 1] = UNKNOWN_PHONE
        return True

    def speak(self, key: str, reply: WantedReply | None, bank: SpeechBank | None = None) -> bool:
        """What the stock's bank, or another, has under this key. False: the stream is full."""
        rng = self._rng
        utterance = bank.draw(key, rng) if bank else self._stock.utterance(key, rng)
        return self._say(key, utterance, reply)

    def _say(self, key: str, utterance: Utterance, reply: WantedReply | None) -> bool:
        rng, shouted = self._rng, self._stock.shares.shouted
        speeds = _speeds(utterance.voice)
        odd = self._stock.shares.odd
        if reply is None and odd and rng.random() < odd:
            speeds = _ODD_SPEEDS
        factor = uniform(rng, *speeds) if rng.random() < 0.7 else 1.0
        wave: Wave = utterance.pcm.astype(np.float32) / np.float32(32_768)
        rms = float(np.sqrt(np.mean(wave**2))) + 1e-6
        wave *= np.float32(SPEECH_RMS / rms)
        if factor != 1.0:
            wave = stretch(wave, factor)
        if key == HELP.key or (shouted and reply is None and rng.random() < shouted):
            wave = self._shouted(wave)
        start = self.place(key, wave, uniform(rng, -8, 6), reply)
        if start is None:
            return False
        self._mark_speech(utterance, start, factor)
        self._echo(reply)
        return True

    def _shouted(self, wave: Wave) -> Wave:
        rng = self._rng
        loud: Wave = np.tanh(wave * uniform(rng, 1, 8)).astype(np.float32)
        loud *= np.float32(SPEECH_RMS * uniform(rng, 1, 2) / (np.sqrt(np.mean(loud**2)) + 1e-6))
        return loud

    def play(
        self,
        key: str,
        wave: Wave,
        reply: WantedReply | None,
        level_db: tuple[float, float] = SOUND_LEVEL_DB,
    ) -> tuple[int, int] | None:
        """A sound at a little other speed and some level: where it begins and ends, in samples.

        None: the stream is full.
        """
        played = stretch(wave, uniform(self._rng, 0.85, 1.18)) * np.float32(0.5)
        start = self.place(key, played, uniform(self._rng, *level_db), reply)
        return None if start is None else (start, self._scene.happenings[-1].end)

    def _sound(self, kind: str, reply: WantedReply | None) -> bool:
        return self._hear(kind, self._stock.sound(kind, self._rng), reply)

    def _hear(self, label: str, wave: Wave, reply: WantedReply | None) -> bool:
        """A sound of a class, or one that has none."""
        heard = self.play(label, wave, reply)
        if heard is None:
            return False
        if label in CLASSES:
            low, high = (int(at / SAMPLE_RATE_HZ / SLOT_S) for at in heard)
            self._scene.active[low : high + 1, CLASSES.index(label)] = 1
        self._last_sound = label if label in CLASSES else None
        self._echo(reply)
        return True

    def place(self, key: str, wave: Wave, level_db: float, reply: WantedReply | None) -> int | None:
        """Mix a sound in at the current moment; None when the stream is over first."""
        rng, scene = self._rng, self._scene
        start, end = self._at, self._at + len(wave)
        if end + int(DECISION_LAG_S * SAMPLE_RATE_HZ) >= self._limit:
            self._full = True
            return None
        rooms = self._stock.rooms
        room = rooms[int(rng.integers(len(rooms)))] if self._room and rng.random() < 0.8 else None
        wet = colour_and_place(wave, room, rng) if rng.random() < 0.85 else wave
        dry_rms = float(np.sqrt(np.mean(wave**2))) + 1e-6
        wet = wet * (dry_rms / (float(np.sqrt(np.mean(wet[: len(wave)] ** 2))) + 1e-6))
        stop = min(len(scene.sound), start + len(wet))
        scene.sound[start:stop] += wet[: stop - start] * decibels(level_db + self._level_db)
        heard = audible_samples(wave) if key in ALARMING else len(wave)
        scene.happenings.append(Happening(key, start, start + heard, reply))
        self._at = end + int(self.gap_s() * SAMPLE_RATE_HZ)
        return start

    def gap_s(self) -> float:
        """Between two things."""
        dense = self._style is not Style.MIXED
        return min(0.42 + float(self._rng.exponential(0.5 if dense else 0.7)), 4.0)

    def _mark_speech(self, utterance: Utterance, start: int, factor: float) -> None:
        scene = self._scene
        length_s = len(utterance.pcm) / factor / SAMPLE_RATE_HZ
        first = int(start / SAMPLE_RATE_HZ / SLOT_S)
        last = min(int((start / SAMPLE_RATE_HZ + length_s) / SLOT_S) + 1, len(scene.phones))
        centres_s = (np.arange(first, last) + 0.5) * SLOT_S - start / SAMPLE_RATE_HZ
        index = np.clip(
            (centres_s * factor / PHONE_STEP_S).astype(int), 0, len(utterance.phones) - 1
        )
        scene.phones[first:last] = utterance.phones[index]
        scene.words += [(word, int(start + end / factor)) for word, end in utterance.word_ends]

    def _finish(self) -> None:
        """Add what lies under everything, then the channel."""
        rng, scene, shares = self._rng, self._scene, self._stock.shares
        scene.sound += self.beneath(len(scene.sound)) * decibels(self._level_db)
        if rng.random() < 0.3:
            self._underlay(decibels(self._level_db - uniform(rng, 12, 28)))
        through_line = shares.line and rng.random() < shares.line
        scene.sound *= decibels(uniform(rng, -14, 6))
        if through_line:
            scene.sound = through_g711_line(scene.sound, random_line(rng), rng)
        else:
            scene.sound = channel(scene.sound, rng)
        scene.sound = (np.round(scene.sound * 32_767) / 32_768).astype(np.float32)

    def beneath(self, count: int) -> Wave:
        """The background, at its level beside speech of 0 dB."""
        rng, recorded = self._rng, self._stock.recorded
        if recorded and recorded.backgrounds and self._is_recorded():
            return recorded.background(rng, count) * SPEECH_RMS * decibels(-uniform(rng, 5, 30))
        if rng.random() >= 0.92:
            return np.zeros(count, np.float32)
        level = SPEECH_RMS * decibels(-uniform(rng, 8, 45))
        return self._stock.background(rng, count) * level

    def _underlay(self, level: np.float32) -> None:
        """A quiet, lasting sound, or far talk, under the whole stream."""
        rng, sound = self._rng, self._scene.sound
        kind = str(rng.choice(["engine", "rain", "music", "water", "talk"]))
        at = 0
        while at < len(sound):
            wave: Wave
            if kind == "talk":
                wave = self._stock.bank.draw(UNRELATED, rng).pcm.astype(np.float32) / np.float32(
                    32_768
                )
            else:
                wave = self._stock.sound(kind, rng) * np.float32(0.3)
            stop = min(len(sound), at + len(wave))
            sound[at:stop] += wave[: stop - at] * level
            at = stop


def _speeds(voice: str) -> tuple[float, float]:
    """flite has men's voices only; faster playing makes shorter vocal tracts of them."""
    return (0.85, 1.3) if voice.startswith("flite") else (0.88, 1.14)
