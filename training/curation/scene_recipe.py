"""The recipe `scenes`: what a source of scenes is made of, from settings and a user's files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

from pydantic import Field

from interject.config.strict import StrictModel
from interject.training.curation.scene_record import SceneFileError, read_scenes
from interject.training.curation.scene_source import SceneSource
from interject.training.soundflow.composer_settings import ComposerSettings
from interject.training.soundflow.voice_choice import (
    ChosenVoices,
    EndpointRewriter,
    ListenerChoice,
    LocalVoices,
    VoiceChoice,
)

PathText = Annotated[str, Field(min_length=1, max_length=4_096)]


class ScenesSettings(StrictModel):
    """`sounds` is the folder and `scenes` the file of `interject data plan`. In `question_share` of
    the streams somebody asks at the end what there was to hear; `listener` checks that speech.
    """

    sounds: PathText
    scenes: PathText
    question_share: Annotated[float, Field(ge=0, le=1)] = 0.3
    voices: VoiceChoice = LocalVoices()
    listener: ListenerChoice | None = None
    rewriter: EndpointRewriter | None = None
    composer: ComposerSettings = ComposerSettings()


def scene_source(settings: ScenesSettings) -> SceneSource:
    """:raises SceneFileError: when the file of scenes, or a recording that it names, is missing."""
    path, folder = Path(settings.scenes), Path(settings.sounds)
    scenes = tuple(scene for scene in read_scenes(path) if scene.is_usable)
    if not scenes:
        raise SceneFileError(f"{path}: holds no scene with a sound; make some: interject data plan")
    files = {f.pick.file for scene in scenes for f in scene.mixable if f.pick.file is not None}
    missing = sorted(name for name in files if not (folder / name).is_file())
    if missing:
        raise SceneFileError(
            f"{path}: the recording {missing[0]} is not in {folder} ({len(missing)} are missing)"
        )
    voices = ChosenVoices(settings.voices, settings.listener, settings.rewriter)
    return SceneSource(folder, scenes, settings.composer, settings.question_share, voices)


def scenes_digest(settings: ScenesSettings) -> str:
    """A build that goes on with other scenes would be two.

    :raises SceneFileError: when the file cannot be read.
    """
    try:
        return hashlib.sha256(Path(settings.scenes).read_bytes()).hexdigest()
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise SceneFileError(f"{settings.scenes}: cannot be read ({reason})") from None
