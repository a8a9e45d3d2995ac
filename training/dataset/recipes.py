"""What data sets can be built from: each recipe's file, and the source that it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from interject.config.strict import StrictModel
from interject.training.curation.scene_recipe import ScenesSettings, scene_source, scenes_digest
from interject.training.dataset.manifest import BuildSettings
from interject.training.dataset.sounds_source import SoundsSettings, SoundsSource
from interject.training.soundflow.recipe import (
    SoundflowSettings,
    SoundflowSource,
    digests,
    soundflow_source,
)

if TYPE_CHECKING:
    from interject.training.curation.scene_source import SceneSource
    from interject.training.streams.stream_source import StreamSource


class Recipe(StrictModel):
    """A file that a person writes. `recipe` names the kind, and `settings` are that kind's own."""

    recipe: str
    count: Annotated[int, Field(ge=1, le=100_000_000)] = 100
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    streams_per_shard: Annotated[int, Field(ge=1, le=100_000)] = 64

    def source(self) -> StreamSource:
        raise NotImplementedError

    def build_settings(self) -> BuildSettings:
        content: dict[str, Any] = self.model_dump(mode="json")
        settings = content.pop("settings")
        return BuildSettings(**content, settings=settings)


class SoundsRecipe(Recipe):
    """Synthesised sounds of this package: needs no other data."""

    recipe: Literal["sounds"] = "sounds"
    settings: SoundsSettings = SoundsSettings()

    def source(self) -> SoundsSource:
        return SoundsSource(self.settings)


class ScenesRecipe(Recipe):
    """Scenes that `interject data plan` has written; needs the folder of their sounds."""

    recipe: Literal["scenes"] = "scenes"
    settings: ScenesSettings

    def source(self) -> SceneSource:
        return scene_source(self.settings)

    def build_settings(self) -> BuildSettings:
        known = super().build_settings()
        digest = {"scenes_sha256": scenes_digest(self.settings)}
        return known.model_copy(update={"settings": {**known.settings, **digest}})


class SoundflowRecipe(Recipe):
    """Streams of all seven abilities, composed of speech, sounds, noise, rooms and lines."""

    recipe: Literal["soundflow"] = "soundflow"
    settings: SoundflowSettings = SoundflowSettings()

    def source(self) -> SoundflowSource:
        return soundflow_source(self.settings)

    def build_settings(self) -> BuildSettings:
        known = super().build_settings()
        return known.model_copy(update={"settings": {**known.settings, **digests(self.settings)}})


RECIPES: dict[str, type[Recipe]] = {
    "soundflow": SoundflowRecipe,
    "scenes": ScenesRecipe,
    "sounds": SoundsRecipe,
}
