"""libespeak-ng through ctypes: the agent's voice, and what nano was taught with.

Two copies of the library in one process crash it, so everybody here shares one.
"""

from __future__ import annotations

import ctypes
import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.agent.voice.base import VoiceFailure

if TYPE_CHECKING:
    from collections.abc import Sequence

HOW_TO_INSTALL = (
    "libespeak-ng is missing: install it with `apt-get install espeak-ng` "
    "(macOS: `brew install espeak-ng`), or choose another voice engine in the profile"
)
LIBRARY_NAMES = ("libespeak-ng.so.1", "libespeak-ng.so", "libespeak-ng.dylib")
OUTPUT_SYNCHRONOUS = 2
PHONEME_EVENTS = 1
DO_NOT_EXIT = 0x8000
BUFFER_MS = 100
CHARS_UTF8 = 1
POSITION_CHARACTER = 1
PHONEMES_IN_IPA = 2
EVENT_END_OF_LIST = 0
EVENT_WORD, EVENT_PHONEME = 1, 7
PARAMETER_RATE, PARAMETER_VOLUME, PARAMETER_PITCH, PARAMETER_RANGE = 1, 2, 3, 4


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


class _VoiceChoice(ctypes.Structure):
    """Only `languages` is ever set; the other fields are there for the size."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class EspeakTone:
    """espeak's own scales: words a minute; 0-100 with 50 neutral; 0-200 with 100 neutral."""

    rate_wpm: int
    pitch: int
    pitch_range: int
    volume: int


@dataclass(frozen=True, slots=True)
class WordEvent:
    """Where a word begins, in the text and in the sound."""

    first_char: int
    length_chars: int
    at_ms: int


@dataclass(slots=True)
class Synthesis:
    """What one call collects; `stop` may be set from any thread and ends the call early.

    `pcm` is int16, mono. `phones` are espeak's mnemonics with the time in ms at which each begins.
    """

    pcm: bytearray = field(default_factory=bytearray)
    words: list[WordEvent] = field(default_factory=list)
    phones: list[tuple[int, str]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)


class EspeakLibrary:
    """The library has one voice and one set of parameters a process, so one call runs at a time.

    Each sets voice and tone and speaks in one go; those of many sessions queue in `executor`.
    """

    def __init__(self, lib: ctypes.CDLL) -> None:
        self.executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="espeak")
        self._lock = threading.Lock()
        self._current: Synthesis | None = None
        self._callback = _CALLBACK(self._collect)
        self._lib = _declare(lib)
        options = PHONEME_EVENTS | DO_NOT_EXIT
        rate = self._lib.espeak_Initialize(OUTPUT_SYNCHRONOUS, BUFFER_MS, None, options)
        if rate <= 0:
            raise VoiceFailure(
                "espeak-ng found no voice data: reinstall the package espeak-ng-data"
            )
        self.sample_rate_hz: int = rate
        self._lib.espeak_SetSynthCallback(self._callback)

    def choose_voice(self, name: str) -> None:
        """Choose a voice by its name or, as "en-gb" is not one, by its language.

        :raises VoiceFailure: when there is no such voice.
        """
        with self._lock:
            self._choose_voice(name)

    def _choose_voice(self, name: str) -> None:
        if self._lib.espeak_SetVoiceByName(name.encode()) == 0:
            return
        choice = _VoiceChoice(languages=name.encode())
        if self._lib.espeak_SetVoiceByProperties(ctypes.byref(choice)) != 0:
            raise VoiceFailure(
                f"espeak-ng has no voice {name!r}; `espeak-ng --voices` lists them "
                "(for example en-gb, en-us, de, fr-fr)"
            )

    def synthesise(self, text: str, *, voice: str, tone: EspeakTone, into: Synthesis) -> None:
        """Speak into `into`, in this thread, as soon as nobody else speaks.

        :raises VoiceFailure: when there is no such voice, or the library refuses.
        """
        data = text.replace("\0", " ").encode("utf-8", "replace") + b"\0"
        with self._lock:
            self._choose_voice(voice)
            self._set_tone(tone)
            self._current = into
            try:
                result = self._lib.espeak_Synth(
                    data, len(data), 0, POSITION_CHARACTER, 0, CHARS_UTF8, None, None
                )
            finally:
                self._current = None
        if result != 0:
            raise VoiceFailure(f"espeak-ng could not speak a clause (its error code is {result})")

    def phonemes(self, text: str, *, voice: str) -> str:
        """IPA with stress marks; espeak's own clauses are joined by spaces, without their marks.

        :raises VoiceFailure: when there is no such voice.
        """
        data = ctypes.create_string_buffer(text.replace("\0", " ").encode("utf-8", "replace"))
        rest = ctypes.c_void_p(ctypes.addressof(data))
        found = []
        with self._lock:
            self._choose_voice(voice)
            while rest.value:
                ipa = self._lib.espeak_TextToPhonemes(
                    ctypes.byref(rest), CHARS_UTF8, PHONEMES_IN_IPA
                )
                found.append((ipa or b"").decode("utf-8", "ignore"))
        return " ".join(" ".join(found).split())

    def _set_tone(self, tone: EspeakTone) -> None:
        self._lib.espeak_SetParameter(PARAMETER_RATE, tone.rate_wpm, 0)
        self._lib.espeak_SetParameter(PARAMETER_PITCH, tone.pitch, 0)
        self._lib.espeak_SetParameter(PARAMETER_RANGE, tone.pitch_range, 0)
        self._lib.espeak_SetParameter(PARAMETER_VOLUME, tone.volume, 0)

    def _collect(self, samples: object, count: int, events: object) -> int:
        current = self._current
        if current is None or current.stop.is_set():
            return 1
        if samples and count > 0:
            current.pcm += ctypes.string_at(samples, count * 2)  # type: ignore[arg-type]
        for event in _until_end(events):
            at_ms = event.audio_position
            if event.type == EVENT_WORD:
                current.words.append(WordEvent(event.text_position - 1, event.length, at_ms))
            elif event.type == EVENT_PHONEME:
                current.phones.append((at_ms, event.id.string.decode("utf-8", "ignore")))
        return 0


def _declare(lib: ctypes.CDLL) -> ctypes.CDLL:
    lib.espeak_Synth.argtypes = (
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int,
        ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
    )  # fmt: skip
    lib.espeak_TextToPhonemes.argtypes = (
        ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_int,
    )  # fmt: skip
    lib.espeak_TextToPhonemes.restype = ctypes.c_char_p
    lib.espeak_SetVoiceByName.argtypes = (ctypes.c_char_p,)
    lib.espeak_SetParameter.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int)
    lib.espeak_Initialize.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int)
    return lib


def _until_end(events: object) -> list[_Event]:
    found: list[_Event] = []
    while (event := events[len(found)]).type != EVENT_END_OF_LIST:  # type: ignore[index]
        found.append(event)
    return found


def load_library(names: Sequence[str] = LIBRARY_NAMES) -> EspeakLibrary:
    """:raises VoiceFailure: when the library or its data is missing."""
    for name in names:
        try:
            lib = ctypes.CDLL(name)
        except OSError:
            continue
        return EspeakLibrary(lib)
    raise VoiceFailure(HOW_TO_INSTALL)


@functools.cache
def shared_library() -> EspeakLibrary:
    """One a process, because the library's own state is one a process."""
    return load_library()
