from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from interject.training.sound_benchmark.clips import (
    BenchmarkClip,
    BenchmarkError,
    SoundLabel,
    read_clips,
)
from interject.training.sound_benchmark.self_made import write_self_made
from interject.training.sound_benchmark.tiers import multiple_items, played, single_items


def a_clip(name: str, place: str = "Daily/Affairs/IGNORE") -> BenchmarkClip:
    domain, subfolder, label = place.split("/")
    return BenchmarkClip(name, domain, subfolder, SoundLabel(label), Path(place) / f"{name}.wav")


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_the_published_layout_is_read_in_the_order_of_its_paths(tmp_path: Path) -> None:
    put(tmp_path, "Music/Artistic/RESPOND/0b.wav", "Human/Emotion/IGNORE/0a.wav", "README.md")
    clips = read_clips(tmp_path)
    assert [(c.clip_id, c.domain, c.subfolder, c.label) for c in clips] == [
        ("0a", "Human", "Emotion", SoundLabel.IGNORE),
        ("0b", "Music", "Artistic", SoundLabel.RESPOND),
    ]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ((), "holds no clip"),
        (("a.wav",), "0 folders deep, not 3"),
        (("Daily/RESPOND/a.wav",), "2 folders deep, not 3"),
        (("Daily/Affairs/MAYBE/a.wav",), "'MAYBE'; it must be RESPOND or IGNORE"),
        (("D/A/IGNORE/a.wav", "D/B/RESPOND/a.wav"), "its id is also that of"),
    ],
)
def test_another_layout_is_one_clear_line(
    tmp_path: Path, names: tuple[str, ...], told: str
) -> None:
    put(tmp_path, *names)
    with pytest.raises(BenchmarkError, match=told):
        read_clips(tmp_path)


def test_each_clip_begins_one_joined_stream_of_its_own_kind() -> None:
    kinds = ("Daily/Affairs/IGNORE", "Daily/Affairs/RESPOND", "Human/Emotion/RESPOND")
    clips = [a_clip(f"{kind[:3]}{kind[-3:]}{n}", kind) for kind in kinds for n in range(6)]
    items = multiple_items(clips, joined=3, seed=5)
    assert [item.item_id for item in items] == [clip.clip_id for clip in clips]
    for item in items:
        assert len(set(item.clips)) == 3
        assert len({(c.domain, c.subfolder, c.label) for c in item.clips}) == 1
        assert sorted(c.clip_id for c in played(item, 5)) == sorted(c.clip_id for c in item.clips)
    assert items == multiple_items(clips, joined=3, seed=5)
    assert items != multiple_items(clips, joined=3, seed=6)
    labels = Counter(item.label for item in items)
    assert labels == Counter(item.label for item in single_items(clips))


def test_a_clip_does_not_always_come_first() -> None:
    clips = [a_clip(str(number)) for number in range(20)]
    items = multiple_items(clips, joined=3, seed=1)
    places = {played(item, 1).index(item.clips[0]) for item in items}
    assert places == {0, 1, 2}


def test_a_small_subfolder_takes_clips_of_its_domain_with_the_same_label() -> None:
    clips = [
        a_clip("a", "Nature/Geological/RESPOND"),
        *(a_clip(f"b{n}", "Nature/Ecological/RESPOND") for n in range(4)),
        *(a_clip(f"c{n}", "Nature/Ecological/IGNORE") for n in range(4)),
    ]
    first = multiple_items(clips, joined=4, seed=0)[0]
    assert len(set(first.clips)) == 4
    assert {clip.label for clip in first.clips} == {SoundLabel.RESPOND}


def test_a_clip_alone_in_its_domain_is_repeated() -> None:
    (item,) = multiple_items([a_clip("a")], joined=3, seed=0)
    assert [clip.clip_id for clip in item.clips] == ["a", "a", "a"]


@pytest.mark.parametrize("joined", [-1, 1, 11])
def test_so_many_clips_cannot_be_joined(joined: int) -> None:
    with pytest.raises(BenchmarkError, match="it must be 2 to 10"):
        multiple_items([a_clip("a")], joined=joined, seed=0)


def test_a_self_made_folder_has_the_layout_and_is_the_same_every_time(tmp_path: Path) -> None:
    counts = [write_self_made(tmp_path / name, a_class=1) for name in ("one", "two")]
    one, two = (read_clips(tmp_path / name) for name in ("one", "two"))
    assert counts == [len(one), len(two)] == [16, 16]
    assert [c.path.read_bytes() for c in one] == [c.path.read_bytes() for c in two]
    assert Counter(clip.label for clip in one) == {SoundLabel.RESPOND: 6, SoundLabel.IGNORE: 10}
