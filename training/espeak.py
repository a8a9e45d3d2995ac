"""espeak-ng in this process: speech with the times of its words and phonemes."""

from __future__ import annotations

import ctypes
from typing import Any, ClassVar

import numpy as np

from interject.training.phones import UNKNOWN_PHONE, phone_id
from interject.training.utterance import SynthesisError, Utterance, trimmed


class _Id(ctypes.Union):
    _fields_: ClassVar = [
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    ]


class _Event(ctypes.Structure):
    _fields_: ClassVar = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)
_WORD, _PHONEME = 1, 7
_RATE, _PITCH, _RANGE = 1, 3, 4
_SYNCHRONOUS, _PHONEME_EVENTS, _UTF8 = 2, 1, 1


class Espeak:
    """espeak-ng through its library, with word and phoneme times. One a process."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL("libespeak-ng.so.1")
        except OSError as error:
            raise SynthesisError("libespeak-ng.so.1 is missing: install espeak-ng") from error
        self.rate_hz = int(self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS))
        if self.rate_hz <= 0:
            raise SynthesisError("espeak-ng did not start: reinstall its voice data")
        self._pcm: list[bytes] = []
        self._words: list[tuple[float, int, int]] = []
        self._phones: list[tuple[float, str]] = []
        self._callback = _CALLBACK(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def _receive(self, wav: Any, count: int, events: Any) -> int:
        if wav and count:
            self._pcm.append(ctypes.string_at(wav, count * 2))
        index = 0
        while events[index].type:
            event = events[index]
            if event.type == _WORD:
                self._words.append(
                    (event.audio_position / 1000, event.text_position - 1, event.length)
                )
            elif event.type == _PHONEME:
                name = bytes(event.id.string).split(b"\0")[0].decode("utf-8", "ignore")
                self._phones.append((event.audio_position / 1000, name))
            index += 1
        return 0

    def speak(
        self, text: str, voice: str, *, words_per_min: int, pitch: int, pitch_range: int = 50
    ) -> Utterance:
        """:raises SynthesisError: when the voice does not exist."""
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise SynthesisError(f"espeak-ng has no voice {voice!r}")
        for parameter, value in ((_RATE, words_per_min), (_PITCH, pitch), (_RANGE, pitch_range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        self._pcm.clear()
        self._words.clear()
        self._phones.clear()
        data = text.encode()
        self._library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8, None, None)
        pcm = np.frombuffer(b"".join(self._pcm), np.int16)
        english = voice.startswith("en")
        starts = [start for start, _, _ in self._words[1:]] + [len(pcm) / self.rate_hz]
        words = [
            (text[position : position + length].lower(), end)
            for (_, position, length), end in zip(self._words, starts, strict=True)
            if text[position : position + length]
        ]
        track = [
            (start, phone_id(name) if english else UNKNOWN_PHONE) for start, name in self._phones
        ]
        return trimmed(text, voice, pcm, self.rate_hz, track, words if english else [])
