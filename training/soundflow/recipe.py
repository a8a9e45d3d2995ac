"""The recipe `soundflow`: what a composer is made of, from settings and a user's files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from interject.training.dataset.problem import DatasetError
from interject.training.endpoints.failures import EndpointFailure
from interject.training.soundflow.composer import Composer, UnfitSounds
from interject.training.soundflow.composer_settings import ComposerSettings
from interject.training.soundflow.history_reviewer import ChosenReviewer, EndpointReviewer
from interject.training.soundflow.procedural_library import ProceduralLibrary
from interject.training.soundflow.sound_folder import (
    ANNOTATIONS,
    SoundFolderError,
    open_sound_folder,
)
from interject.training.soundflow.sound_library import CombinedLibrary
from interject.training.soundflow.telephone.codec import CodecMissing
from interject.training.soundflow.texts.text_set import TextFileError, built_in_texts, read_texts
from interject.training.soundflow.voice_choice import (
    ChosenVoices,
    EndpointRewriter,
    ListenerChoice,
    LocalVoices,
    VoiceChoice,
)
from interject.training.speech.utterance import SynthesisError
from interject.training.streams.stream_source import DiscardedStream

if TYPE_CHECKING:
    from interject.training.soundflow.sound_library import SoundLibrary
    from interject.training.streams.stream import TrainingStream

PathText = Annotated[str, Field(max_length=4_096)]


class SoundflowSettings(ComposerSettings):
    """`sounds` is a folder with `sounds.jsonl`, `texts` a file of JSON lines; empty: none.

    Without `synthesis` only the folder's sounds are heard. `listener` checks the speech; without a
    `rewriter` rules make texts sayable, without a `reviewer` they ask about before.
    """

    sounds: PathText = ""
    texts: PathText = ""
    synthesis: bool = True
    held_out: bool = False
    voices: VoiceChoice = LocalVoices()
    listener: ListenerChoice | None = None
    rewriter: EndpointRewriter | None = None
    reviewer: EndpointReviewer | None = None


@dataclass(frozen=True, slots=True)
class SoundflowSource:
    """A composer whose failures are those of a build."""

    composer: Composer

    def make(self, number: int, seed: int) -> TrainingStream:
        """
        :raises DiscardedStream: when this number has no stream.
        :raises DatasetError: when a voice, a server or a codec cannot be used.
        """
        try:
            return self.composer.make(number, seed)
        except DiscardedStream:
            raise
        except (SynthesisError, EndpointFailure, CodecMissing) as exc:
            raise DatasetError(str(exc)) from exc


def soundflow_source(settings: SoundflowSettings) -> SoundflowSource:
    """:raises DatasetError: when a file of the user's, or what is in it, cannot be used."""
    try:
        return SoundflowSource(
            Composer(
                _library(settings),
                ChosenVoices(settings.voices, settings.listener, settings.rewriter),
                read_texts(Path(settings.texts)) if settings.texts else built_in_texts(),
                settings,
                ChosenReviewer(settings.reviewer),
            )
        )
    except (SoundFolderError, TextFileError, UnfitSounds) as exc:
        raise DatasetError(str(exc)) from exc


def _library(settings: SoundflowSettings) -> SoundLibrary:
    synthesis = ProceduralLibrary(settings.held_out)
    if not settings.sounds:
        return synthesis
    folder = open_sound_folder(Path(settings.sounds))
    return CombinedLibrary((folder, synthesis)) if settings.synthesis else folder


def digests(settings: SoundflowSettings) -> dict[str, str]:
    """Of the user's files: a build that goes on with others would be two.

    :raises DatasetError: when one cannot be read.
    """
    paths = {
        "texts": settings.texts,
        "sounds": settings.sounds and f"{settings.sounds}/{ANNOTATIONS}",
    }
    try:
        return {
            f"{name}_sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest()
            for name, path in paths.items()
            if path
        }
    except OSError as exc:
        raise DatasetError(
            f"{exc.filename}: cannot be read ({(exc.strerror or '').lower()})"
        ) from exc
