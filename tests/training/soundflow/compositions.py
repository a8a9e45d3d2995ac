"""Composers of tests: a fake voice, procedural sounds, one ability."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.training.soundflow.composer import Composer
from interject.training.soundflow.composer_settings import ComposerSettings
from interject.training.soundflow.procedural_library import ProceduralLibrary
from interject.training.soundflow.texts.text_set import built_in_texts
from tests.fakes.tone_voice import tone_voice

if TYPE_CHECKING:
    from interject.training.streams.ability import Ability

TEXTS = built_in_texts()


SHORT = ComposerSettings.model_validate({"pace": {"rounds": [2, 3]}})


def composer(settings: ComposerSettings | None = None, *only: Ability, **parts: object) -> Composer:
    """`parts` replace a group of settings by its name: `room={"share": 0}`."""
    content: dict[str, object] = (settings or SHORT).model_dump()
    if only:
        content["abilities"] = dict.fromkeys(only, 1.0)
    for name, part in parts.items():
        group = content[name]
        assert isinstance(group, dict)
        assert isinstance(part, dict)
        content[name] = {**group, **part}
    return Composer(
        ProceduralLibrary(), tone_voice, TEXTS, ComposerSettings.model_validate(content)
    )


PLAIN: dict[str, object] = {
    "mix_ins": {"history_review": 0, "silence": 0, "proactive": 0},
    "overlaps": {"barge_in": 0, "backchannel": 0, "pause": 0, "cross_talk": 0},
    "own_voice": {"share": 0},
    "room": {"share": 0, "colour_db": 0},
    "telephone": {"share": 0},
}
"""Nothing by chance but what the ability itself is."""
