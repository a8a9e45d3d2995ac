"""Which voice speaks: what the profile names, or what there is in its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.agent.voice.base import VoiceFailure
from interject.agent.voice.installed import InstalledVoice, installed_voices
from interject.agent.voice.neural.network_file import missing_library
from interject.config import AutoVoice, EspeakVoice, KokoroVoice, NeuralVoice, NoVoice, PiperVoice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.config import OpenAIVoice, VoiceSettings

ENGLISH_SPEAKERS = {"en-gb": "bf_emma", "en-us": "af_heart"}
"""Of Kokoro's."""


@dataclass(frozen=True, slots=True)
class ChosenVoice:
    """`fault` is one line on why it is not the one that was asked for."""

    settings: EspeakVoice | PiperVoice | KokoroVoice | OpenAIVoice | NoVoice
    installed: InstalledVoice | None = None
    fault: str = ""

    @property
    def label(self) -> str:
        """Engine, model and speaker."""
        settings = self.settings
        if isinstance(settings, NoVoice):
            return "none"
        model = "" if isinstance(settings, EspeakVoice) else settings.model
        return " ".join(filter(None, (settings.engine, model, settings.name)))


def choose_voice(
    settings: VoiceSettings,
    *,
    installed: Callable[[], Sequence[InstalledVoice]] = installed_voices,
    missing: Callable[[], str] = missing_library,
) -> ChosenVoice:
    """:raises VoiceFailure: when a natural voice is missing and `espeak: null` allows no other."""
    if isinstance(settings, AutoVoice):
        return _best(settings, installed(), missing())
    if not isinstance(settings, PiperVoice | KokoroVoice):
        return ChosenVoice(settings)
    fault = missing()
    found = [voice for voice in installed() if voice.name == settings.model]
    if not found:
        fault = fault or (
            f"the {settings.engine} voice {settings.model} is not installed "
            f"(interject voice fetch {settings.model})"
        )
    elif found[0].engine != settings.engine:
        fault = f"the voice {settings.model} is one for {found[0].engine}, not {settings.engine}"
    if not fault:
        return ChosenVoice(settings, found[0])
    return _in_its_place(settings, fault)


def _in_its_place(settings: NeuralVoice, fault: str) -> ChosenVoice:
    if settings.espeak is None:
        raise VoiceFailure(fault)
    return ChosenVoice(settings.espeak, fault=fault)


def _best(settings: AutoVoice, installed: Sequence[InstalledVoice], missing: str) -> ChosenVoice:
    """Piper before Kokoro, the same country before the same language; then by name."""
    spoken = settings.language.partition("-")[0]
    fitting = [voice for voice in installed if voice.language.partition("-")[0] == spoken]
    if not fitting:
        return ChosenVoice(settings.espeak)
    if missing:
        return ChosenVoice(settings.espeak, fault=f"{fitting[0].name} is installed, but {missing}")
    best = min(fitting, key=lambda v: (v.engine != "piper", v.language != settings.language))
    if best.engine == "piper":
        named = PiperVoice(engine="piper", model=best.name, espeak=settings.espeak)
        return ChosenVoice(named, best)
    speaker = ENGLISH_SPEAKERS.get(settings.language, ENGLISH_SPEAKERS["en-us"])
    if speaker not in best.speakers:
        speaker = best.speakers[0]
    kokoro = KokoroVoice(engine="kokoro", model=best.name, name=speaker, espeak=settings.espeak)
    return ChosenVoice(kokoro, best)
