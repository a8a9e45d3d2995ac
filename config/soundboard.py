"""What a profile says about sound effects and music beds."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from interject.config.cues import MOST_NAMES, NameText, TagText, form_with
from interject.config.lists import Phrases, distinct
from interject.config.strict import StrictModel

SOUND_PLACE = "{sound}"
SILENCE = ""
"""Where else a sound's name stands: all sounds are to end."""

MoodName = Literal["normal", "happy", "sad", "angry", "surprise"]


def _inside(file: str) -> str:
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts or "\\" in file:
        raise PydanticCustomError("inside", "it must be a file in the folder, as applause.flac")
    return file


def _said(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("said", "it must say something; a sound without it is not used")
    return text


SaidText = Annotated[str, Field(max_length=200), AfterValidator(_said)]


class SoundEntry(StrictModel):
    """One sound of a folder. `licence` is under which it may be used, as CC0-1.0, and `credit` whom
    to name. An `effect` is played once; a `bed` lies under what is said, from its end again from
    its beginning, and one at a time. `moods` are the emotions of replies for which a bed is
    picked. `gain_db` is what it shall be louder than levelled.
    """

    file: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_inside)]
    kind: Literal["effect", "bed"]
    licence: SaidText
    credit: str = Field(default="", max_length=200)
    moods: Annotated[tuple[MoodName, ...], AfterValidator(distinct)] = Field(
        default=(), strict=False
    )
    gain_db: float = Field(default=0.0, ge=-40, le=12)


class LoudnessSettings(StrictModel):
    """To what sounds are levelled when they are loaded, in LUFS (EBU R 128): a bed's integrated
    loudness, an effect's loudest 400 ms. Above `ceiling_dbfs` nothing that is mixed ever comes.
    """

    effect_lufs: float = Field(default=-20.0, ge=-60, le=-10)
    bed_lufs: float = Field(default=-26.0, ge=-60, le=-10)
    ceiling_dbfs: float = Field(default=-1.0, ge=-20, le=0)


class DuckingSettings(StrictModel):
    """While somebody speaks, and for `hold_s` after it, sounds are softer by `depth_db`; going
    there takes `attack_s`, and coming back `release_s`. From `speech_dbfs` on somebody speaks.
    """

    depth_db: float = Field(default=15.0, ge=0, le=60)
    attack_s: float = Field(default=0.1, ge=0.005, le=5)
    hold_s: float = Field(default=1.0, ge=0, le=10)
    release_s: float = Field(default=0.5, ge=0.01, le=10)
    speech_dbfs: float = Field(default=-45.0, ge=-90, le=0)


class FadeSettings(StrictModel):
    """How long a bed takes to come, to go, and to give way to another one or to itself."""

    in_s: float = Field(default=1.0, ge=0.005, le=30)
    out_s: float = Field(default=2.0, ge=0.005, le=30)
    crossfade_s: float = Field(default=2.0, ge=0.005, le=30)


class MoodSettings(StrictModel):
    """With `picks_beds` the emotions of the replies of the last `window_s` seconds pick the bed.
    Another mood takes over when its share of them is greater by `lead` than that of the present
    one, which has lasted `stay_s` seconds at least.
    """

    picks_beds: bool = False
    window_s: float = Field(default=120.0, ge=1, le=3_600)
    lead: float = Field(default=0.2, ge=0, le=1)
    stay_s: float = Field(default=60.0, ge=0, le=3_600)


class SoundboardSettings(StrictModel):
    """`folder` holds sounds and their index, `sounds.yaml` or `sounds.json`; `shipped` are those
    that come with Interject. What the profile itself says of `sounds` goes before the index.

    A reply that holds `form` with a name in place of `{sound}` plays it: as a cue for whoever is
    shown cues, or with `play: track` aloud, in mode `speak`. One that holds `stop_tag` ends what
    is played, and whoever writes one of `stop_phrases` ends it for the rest of the session.
    For `cooldown_s` after a sound the same one is not played again.
    """

    folder: str = Field(default="", max_length=4_096)
    play: Literal["cue", "track"] = "cue"
    form: Annotated[str, Field(max_length=64), AfterValidator(form_with(SOUND_PLACE))] = (
        "[play {sound}]"
    )
    stop_tag: TagText = "[stop music]"
    stop_phrases: Phrases = Field(default=("stop music", "stop the music"), strict=False)
    cooldown_s: float = Field(default=30.0, ge=0, le=86_400)
    most_a_session: int | None = Field(default=None, ge=0, le=1_000_000)
    loudness: LoudnessSettings = LoudnessSettings()
    ducking: DuckingSettings = DuckingSettings()
    fades: FadeSettings = FadeSettings()
    mood: MoodSettings = MoodSettings()
    sounds: dict[NameText, SoundEntry] = Field(default={}, max_length=MOST_NAMES)

    @field_validator("sounds")
    @classmethod
    def _somewhere(
        cls, sounds: dict[str, SoundEntry], info: ValidationInfo
    ) -> dict[str, SoundEntry]:
        if sounds and not info.data.get("folder", "."):
            raise PydanticCustomError("folder", "soundboard.folder must say where they are")
        return sounds

    @property
    def tags(self) -> list[tuple[str, str]]:
        """Each and the sound that it stands for."""
        if not self.sounds:
            return []
        named = [(self.form.replace(SOUND_PLACE, name), name) for name in self.sounds]
        return [*named, (self.stop_tag, SILENCE)]

    def path(self, name: str) -> Path:
        return Path(self.folder) / self.sounds[name].file
