"""One natural voice in memory, for all sessions of a process."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING

from interject.agent.voice.base import VoiceFailure
from interject.agent.voice.espeak_library import shared_library
from interject.agent.voice.neural.kokoro import KokoroNetwork
from interject.agent.voice.neural.phonemes import phonemes_of
from interject.agent.voice.neural.piper import PiperNetwork
from interject.agent.voice.neural.rendering import NOTHING, Rendering, render
from interject.agent.voice.neural.synthesis_line import WHEN_IDLE_S, SynthesisLine

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future
    from pathlib import Path

    from interject.agent.voice.espeak_library import EspeakLibrary
    from interject.agent.voice.installed import InstalledVoice
    from interject.agent.voice.neural.network_file import StopSwitch
    from interject.agent.voice.neural.rendering import Manner, SpeechNetwork

MOST_READY = 128
"""Phrases that are kept as sound; the one said longest ago gives way."""


class SpeechModel:
    """`ready` phrases are those that profiles name: what people were told is never kept."""

    def __init__(
        self, network: SpeechNetwork, library: EspeakLibrary, *, line: SynthesisLine | None = None
    ) -> None:
        self.network = network
        self.line = line or SynthesisLine("voice")
        self._library = library
        self._lock = threading.Lock()
        self._ready: OrderedDict[tuple[str, Manner], Rendering] = OrderedDict()
        self._wanted: list[tuple[str, Manner]] = []
        self._preparing = False

    @property
    def sample_rate_hz(self) -> int:
        return self.network.sample_rate_hz

    def ready(self, text: str, manner: Manner) -> Rendering | None:
        with self._lock:
            found = self._ready.get((text, manner))
            if found is not None:
                self._ready.move_to_end((text, manner))
            return found

    def prepare(self, texts: Iterable[str], manner: Manner) -> None:
        """Have them ready soon, one after another, whenever nobody else wants to speak."""
        with self._lock:
            known = self._ready.keys() | set(self._wanted)
            self._wanted += [(text, manner) for text in texts if (text, manner) not in known]
            del self._wanted[MOST_READY:]
            begins = not self._preparing and bool(self._wanted)
            self._preparing |= begins
        if begins:
            self._prepare_next()

    def _prepare_next(self) -> None:
        """One at a time: a process that ends waits for no more than that."""
        with self._lock:
            self._preparing = bool(self._wanted)
            if not self._wanted:
                return
            text, manner = self._wanted.pop(0)
        try:
            prepared = self.line.submit(
                WHEN_IDLE_S,
                lambda stop: self._keep(text, manner, self.synthesise(text, manner, stop)),
            )
        except (RuntimeError, VoiceFailure):
            return
        prepared.add_done_callback(lambda done: self._prepared(done, text, manner))

    def _prepared(self, done: Future[None], text: str, manner: Manner) -> None:
        if isinstance(done.exception(), CancelledError):
            with self._lock:
                self._wanted.append((text, manner))
        self._prepare_next()

    def _keep(self, text: str, manner: Manner, rendering: Rendering) -> None:
        with self._lock:
            self._ready[text, manner] = rendering
            while len(self._ready) > MOST_READY:
                self._ready.popitem(last=False)

    def synthesise(self, text: str, manner: Manner, stop: StopSwitch) -> Rendering:
        """In this thread. `text` has no white space around it.

        :raises Stopped: when it was told to stop.
        :raises VoiceFailure: when it cannot be said.
        """
        language = self.network.language_of(manner.speaker)
        phonemes = self._library.executor.submit(
            phonemes_of, text, functools.partial(self._library.phonemes, voice=language)
        ).result()
        if not phonemes.words:
            return NOTHING
        speech = self.network.synthesise(phonemes.ipa, manner, stop)
        return render(speech, phonemes, self.sample_rate_hz)


_OPENING = threading.Lock()


def shared_model(voice: InstalledVoice) -> SpeechModel:
    """Loaded once a process; it stays, as other sessions may be speaking.

    :raises VoiceFailure: when it cannot be loaded, or espeak-ng is missing.
    """
    with _OPENING:
        return _open(voice.engine, voice.folder.resolve(), voice.network.resolve())


@functools.cache
def _open(engine: str, folder: Path, network: Path) -> SpeechModel:
    library = shared_library()
    if engine == "piper":
        return SpeechModel(PiperNetwork(network), library)
    if engine == "kokoro":
        return SpeechModel(KokoroNetwork(folder, network), library)
    raise VoiceFailure(f"{folder}: {engine!r} is no engine that is known")
