from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.training.curation.annotated_sound import SoundCatalogueError, open_catalogue
from interject.training.curation.sound_index import SoundIndex, terms
from tests.training.curation.worlds import write

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {"file": "a.flac", "tags": ["Dog", "big_bark"], "caption": "A dog.", "licence": "CC0"}


def lines(folder: Path, *rows: object) -> Path:
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    (folder / "annotations.jsonl").write_text(text, encoding="utf-8")
    write(folder / "a.flac", np.full(1_600, 0.1, np.float32))
    return folder


def test_annotations_come_from_json_lines(tmp_path: Path) -> None:
    catalogue = open_catalogue(lines(tmp_path, GOOD, ""))
    (sound,) = catalogue.sounds
    assert (sound.tags, sound.caption, sound.licence) == (("dog", "big bark"), "A dog.", "CC0")
    assert catalogue.length_s(sound) == pytest.approx(0.1)


def test_annotations_come_from_a_table(tmp_path: Path) -> None:
    write(tmp_path / "a.flac", np.zeros(1_600, np.float32))
    write(tmp_path / "b.flac", np.zeros(1_600, np.float32))
    (tmp_path / "annotations.csv").write_text(
        'file,tags,caption,licence\na.flac,"dog; big_bark","A dog, far\naway",CC0\nb.flac,,,CC-BY\n'
    )
    first, second = open_catalogue(tmp_path).sounds
    assert (first.tags, first.caption) == (("dog", "big bark"), "A dog, far away")
    assert (second.tags, second.name) == ((), "b")


def test_annotations_come_from_the_composer_s_list(tmp_path: Path) -> None:
    write(tmp_path / "a.flac", np.zeros(1_600, np.float32))
    row = {
        "path": "a.flac",
        "label": "dog_bark",
        "licence": "CC0",
        "name": "a dog",
        "role": "event",
    }
    (tmp_path / "sounds.jsonl").write_text(json.dumps(row))
    (sound,) = open_catalogue(tmp_path).sounds
    assert (sound.tags, sound.caption) == (("dog bark",), "a dog")


def test_without_annotations_folders_are_tags(sounds_folder: Path) -> None:
    catalogue = open_catalogue(sounds_folder)
    assert len(catalogue.sounds) == 19
    assert catalogue.sounds[0].tags == ("bark",)
    assert catalogue.sounds[-3].tags == ("street traffic",)
    assert {sound.licence for sound in catalogue.sounds} == {"not stated"}


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ((GOOD, "{"), "line 2: is no JSON object"),
        ((GOOD, "[]"), "line 2: is no JSON object"),
        (('"\\ud800"',), "line 1: is no JSON object"),
        (({**GOOD, "caption": 3},), "line 1, field caption: Input should be a valid string"),
        (({**GOOD, "colour": ""},), "line 1, field colour: Extra inputs"),
        (({**GOOD, "licence": " "},), "line 1, field licence"),
        (({"file": "a.flac"},), "line 1, field licence: Field required"),
        (({**GOOD, "file": "../a.flac"},), "line 1, field file: Value error, must lie inside"),
        (({**GOOD, "file": "/etc/passwd"},), "must lie inside"),
        (({**GOOD, "file": "b.flac"},), "line 1: there is no file .*b.flac"),
        ((GOOD, GOOD), "line 2: a.flac stands there twice"),
        (("",), "holds no sounds; give a file annotations.jsonl"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, rows: tuple[object, ...], fault: str) -> None:
    with pytest.raises(SoundCatalogueError, match=fault):
        open_catalogue(lines(tmp_path, *rows))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("file,tags,caption,licence\na.flac,dog\n", "line 2: has not as many fields"),
        ("file,tags,caption,licence\na.flac,a,b,c,d\n", "line 2: has not as many fields"),
        ("file\na.flac\n", "line 2, field licence: Field required"),
        ('file,licence\n"a.flac" x,CC0\n', "is no CSV"),
        ("file,licence\na.flac,\0\n", "field licence: Value error, holds what cannot"),
    ],
)
def test_a_bad_table_is_named(tmp_path: Path, text: str, fault: str) -> None:
    write(tmp_path / "a.flac", np.zeros(1_600, np.float32))
    (tmp_path / "annotations.csv").write_text(text)
    with pytest.raises(SoundCatalogueError, match=fault):
        open_catalogue(tmp_path)


def test_no_folder_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(SoundCatalogueError, match="no such folder"):
        open_catalogue(tmp_path / "gone")
    (tmp_path / "annotations.csv").write_bytes(b"file\xff")
    with pytest.raises(SoundCatalogueError, match=r"not UTF-8 text \(byte 4\)"):
        open_catalogue(tmp_path)


def test_a_bag_is_drawn_by_its_generator(sounds_folder: Path) -> None:
    catalogue = open_catalogue(sounds_folder)
    bags = [[s.file for s in catalogue.bag(8, np.random.default_rng(seed))] for seed in (1, 1, 2)]
    assert bags[0] == bags[1] != bags[2]
    assert len(set(bags[0])) == 8
    assert len(catalogue.bag(99, np.random.default_rng(1))) == 19


def test_words_meet_in_any_form() -> None:
    assert terms("The dogs are barking") == terms("a dog barks")
    assert terms("running glasses") == terms("run glass")


def test_the_best_recordings_come_first(tmp_path: Path) -> None:
    rows = [
        {**GOOD, "file": f"{n}.flac", "tags": tags, "caption": caption}
        for n, (tags, caption) in enumerate(
            [
                (["dog"], "A dog barks far away while cars pass by on a wet road"),
                (["dog", "bark"], "A dog barks"),
                (["cat"], "A cat"),
                (["bark"], "The bark of a tree is scratched"),
            ]
        )
    ]
    for row in rows:
        write(tmp_path / str(row["file"]), np.zeros(160, np.float32))
    index = SoundIndex(open_catalogue(lines(tmp_path, *rows)).sounds)
    found = [sound.file for sound, _ in index.search("dog barking close by", 3)]
    assert found == ["1.flac", "0.flac", "3.flac"]
    assert [s.file for s, _ in index.search("dogs", 3, without=["1.flac"])] == ["0.flac"]
    assert index.search("thunder", 3) == []
    assert index.search("", 3) == []
