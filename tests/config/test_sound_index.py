"""A folder of sounds: each fault is one line that says where."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from interject.config import Profile, ProfileError, load_profile, shipped_profiles
from interject.config.sound_index import SHIPPED_DIR
from tests.agent.soundboard.boards import BED, EFFECT, folder, profile_file

if TYPE_CHECKING:
    from pathlib import Path


def fault(path: Path, index: Any = None, **board: Any) -> str:
    folder(path / "sounds", index)
    with pytest.raises(ProfileError) as caught:
        load_profile(profile_file(path, **board))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_profile_has_the_sounds_of_the_folder_beside_its_file(tmp_path: Path) -> None:
    sounds = folder(tmp_path / "sounds")
    board = load_profile(profile_file(tmp_path)).soundboard
    assert board.path("ding") == sounds / "ding.flac"
    assert dict(board.tags) == {"[play ding]": "ding", "[play hum]": "hum", "[stop music]": ""}


def test_an_index_may_be_json_and_a_profile_changes_or_takes_out_what_it_says(
    tmp_path: Path,
) -> None:
    sounds = folder(tmp_path / "sounds")
    (sounds / "sounds.yaml").unlink()
    index = {"sounds": {"ding": EFFECT, "hum": BED}}
    (sounds / "sounds.json").write_text(json.dumps(index), encoding="utf-8")
    own = {"ding": {"gain_db": -3.0}, "hum": None}
    board = load_profile(profile_file(tmp_path, sounds=own)).soundboard
    assert list(board.sounds) == ["ding"]
    assert (board.sounds["ding"].gain_db, board.sounds["ding"].licence) == (-3.0, "CC0-1.0")


def test_whoever_extends_a_profile_has_its_sounds(tmp_path: Path) -> None:
    folder(tmp_path / "sounds")
    profile_file(tmp_path)
    below = tmp_path / "below"
    below.mkdir()
    (below / "mine.yaml").write_text("extends: ../show.yaml\n", encoding="utf-8")
    board = load_profile(below / "mine.yaml").soundboard
    assert board.path("hum").is_file()


def test_two_sounds_come_with_every_installation() -> None:
    assert "podcast_producer" in shipped_profiles()
    board = load_profile("podcast_producer").soundboard
    assert {one.kind for one in board.sounds.values()} == {"effect", "bed"}
    assert {one.licence for one in board.sounds.values()} == {"CC0-1.0"}
    files = list(SHIPPED_DIR.glob("*.flac"))
    assert len(files) == 2
    assert sum(file.stat().st_size for file in files) < 200_000


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"licence": None}, "'soundboard.sounds.ding.licence' is None; it must be a valid string"),
        ({"licence": " "}, "it must say something; a sound without it is not used"),
        ({"kind": "song"}, "'soundboard.sounds.ding.kind' is 'song'; it must be 'effect' or 'bed'"),
        ({"file": "../ding.flac"}, "it must be a file in the folder, as applause.flac"),
        ({"file": "/etc/hosts"}, "it must be a file in the folder, as applause.flac"),
        ({"file": "dong.flac"}, "dong.flac: no such file; did you mean 'ding.flac'?"),
        ({"file": "Ding.FLAC"}, "Ding.FLAC: no such file; did you mean 'ding.flac'?"),
        ({"file": "applause.mp3"}, "applause.mp3: no such file"),
        ({"moods": ["blue"]}, "'soundboard.sounds.ding.moods.0' is 'blue'; it must be 'normal'"),
        ({"gain_db": 40}, "'soundboard.sounds.ding.gain_db' is 40; it must be less than"),
        ({"lisence": "CC0"}, "unknown key 'soundboard.sounds.ding.lisence'; the nearest valid key"),
    ],
)
def test_an_entry_that_cannot_be_used(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    message = fault(tmp_path, {"ding": {**EFFECT, **change}})
    assert f"{tmp_path / 'sounds' / 'sounds.yaml'}, line " in message
    assert says in message


def test_a_sound_without_a_licence_is_never_used(tmp_path: Path) -> None:
    entry = {key: value for key, value in EFFECT.items() if key != "licence"}
    message = fault(tmp_path, {"ding": entry, "hum": BED})
    said = "line 2: the key 'soundboard.sounds.ding.licence' is missing"
    assert message == f"{tmp_path / 'sounds' / 'sounds.yaml'}, {said}"


def test_every_fault_has_its_line(tmp_path: Path) -> None:
    folder(tmp_path / "sounds", {"ding": {**EFFECT, "file": "x"}, "hum": {**BED, "file": "y"}})
    with pytest.raises(ProfileError) as caught:
        load_profile(profile_file(tmp_path))
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("board", "says"),
    [
        ({"folder": "elsewhere"}, "'soundboard.folder' is 'elsewhere'; there is no such folder"),
        ({"folder": 7}, "'soundboard.folder' is 7; it must be a valid string"),
        ({"folder": ""}, "soundboard.folder must say where they are"),
        ({"form": "[play]"}, "it must hold {sound} once, as [do {sound}] does"),
        ({"stop_tag": "[play ding]"}, "ding and stop_tag have the same tag, [play ding]"),
        ({"play": "loud"}, "'soundboard.play' is 'loud'; it must be 'cue' or 'track'"),
        ({"ducking": {"depth": 3}}, "unknown key 'soundboard.ducking.depth'; the nearest"),
        (
            {"sounds": {"ding dong": EFFECT}},
            "'soundboard.sounds.ding dong' is 'ding dong'; it must",
        ),
    ],
)
def test_a_profile_that_cannot_be_meant(tmp_path: Path, board: dict[str, Any], says: str) -> None:
    if not board.get("folder", "x"):
        board = {**board, "sounds": {"ding": EFFECT}}
    message = fault(tmp_path, **board)
    assert f"{tmp_path / 'show.yaml'}, line " in message
    assert says in message


def test_a_sound_s_tag_is_none_of_another_kind() -> None:
    board = {"folder": "x", "form": "[{sound}]", "sounds": {"ding": EFFECT}}
    cue: dict[str, Any] = {"categories": {"ding": {}}}
    with pytest.raises(ValueError, match=r"ding and ding have the same tag, \[ding\]"):
        Profile.model_validate({"name": "p", "system_prompt": "a", "cue": cue, "soundboard": board})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "holds nothing; a sound index is a list of `key: value` lines"),
        ("sounds: [ding]", "'soundboard.sounds' is ['ding']; it must hold keys and values"),
        ("ding: {}", "line 1: unknown key 'ding'; a sound index holds 'sounds'"),
        ("sounds: {ding: [}", "bad YAML"),
        (None, "sounds.yaml: no such file"),
    ],
)
def test_an_index_that_is_none(tmp_path: Path, content: str | None, says: str) -> None:
    index = folder(tmp_path / "sounds") / "sounds.yaml"
    if content is None:
        index.unlink()
    else:
        index.write_text(content, encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        load_profile(profile_file(tmp_path))
    assert says in str(caught.value)


def test_of_two_indexes_nobody_knows_which_is_meant(tmp_path: Path) -> None:
    sounds = folder(tmp_path / "sounds")
    (sounds / "sounds.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ProfileError, match=r"sounds\.json lies beside it; one of them"):
        load_profile(profile_file(tmp_path))
