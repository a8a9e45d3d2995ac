"""`interject data`: build, validate, convert and inspect, and what each of them refuses."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from interject.cli.process.failures import EXIT_INTERRUPTED
from interject.training.dataset.dataset import Dataset
from interject.training.dataset.manifest import MANIFEST_NAME
from tests.cli.command_process import started
from tests.training.dataset.test_build import files
from tests.training.dataset.worlds import public, write_lines, write_sound

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome

    Call = Callable[..., Outcome]

RECIPE = """
recipe: sounds
count: 5
seed: 3
streams_per_shard: 2
settings:
  least_sounds: 1
  most_sounds: 2
  most_gap_s: 1.0
"""


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(RECIPE)
    return str(path)


def test_a_recipe_becomes_a_data_set_and_goes_on_when_more_is_asked(
    interject: Call, recipe: str, tmp_path: Path
) -> None:
    out = str(tmp_path / "set")
    done = interject("data", "build", out, "--recipe", recipe, "--workers", "1")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{out}: 5 streams, 0.0")
    assert "3 shards" in done.out
    more = interject(
        "data", "build", out, "--recipe", recipe, "--count", "6", "--json", "--workers=1"
    )
    assert json.loads(more.out)["total"]["streams"] == 6
    dataset = Dataset(tmp_path / "set")
    assert dataset.manifest.build.recipe == "sounds"
    assert dataset.manifest.build.settings["most_sounds"] == 2
    assert {stream.seed for stream in dataset} == {3}
    other = interject("data", "build", out, "--recipe", recipe, "--seed", "4", "--workers", "1")
    assert other.code == 2
    assert "was begun with the seed 3, not 4; name a new folder" in other.err


@pytest.mark.parametrize(
    ("words", "text", "problem"),
    [
        (["--recipe", "sound"], "", "no recipe is called 'sound'; did you mean 'sounds'?"),
        (["--recipe", "sounds", "--count", "0"], "", "--count: 'count' is 0; it must be greater"),
        (["--recipe", "sounds", "--seed", "-1"], "", "--seed: 'seed' is -1"),
        (["--recipe", "sounds", "--workers", "0"], "", "--workers 0: must lie between 1 and 1000"),
        (["--recipe", "none.yaml"], "", "none.yaml: no such file"),
        (
            [],
            "recipe: sounds\nsettings: {loud: 1}",
            "bad.yaml, line 2: unknown key 'settings.loud'",
        ),
        ([], "recipe: sounds\nsettings:\n  least_sounds: 9", "'least_sounds' is more than"),
        ([], "recipe: dogs", "bad.yaml: no recipe is called 'dogs'"),
        ([], "count: 3", "the key 'recipe' is missing"),
        ([], "recipe: sounds\ncount: three", "'count' is 'three'"),
        ([], "[", "bad YAML"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_one_line(
    interject: Call, tmp_path: Path, words: list[str], text: str, problem: str
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(text)
    given = words or ["--recipe", str(bad)]
    done = interject("data", "build", str(tmp_path / "set"), *given)
    assert done.code == 2
    assert problem in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "set").exists()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_signal_ends_it_with_one_line_and_the_same_command_goes_on(
    interject: Call, recipe: str, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    words = ["data", "build", str(out), "--recipe", recipe, "--count", "400", "--workers", "2"]
    with started([sys.executable, "-m", "interject", *words]) as process:
        wait_for((out / "shard-00001.tar").exists)
        process.send_signal(signal.SIGINT)
        said, errors = process.communicate(timeout=50)
    assert process.returncode == EXIT_INTERRUPTED
    assert said == b""
    text = errors.decode()
    assert text.startswith("interject: interrupted; ")
    assert text.endswith(" of 400 streams are kept; the same command goes on from there\n")
    assert text.count("\n") == 1
    kept = int(text.split("; ")[1].split()[0])
    assert kept >= 4
    assert list(out.glob("*.part")) == []
    # Fewer than it was begun with is refused; what is there stays.
    assert interject("data", "build", str(out), "--recipe", recipe, "--count", "8").code == 2
    assert len(list(out.glob("*.tar"))) == kept // 2


def test_a_full_disk_is_one_line_and_the_same_command_goes_on(
    interject: Call, recipe: str, tmp_path: Path
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "set"
    words = ("--recipe", recipe, "--workers", "1", "--count", "6")
    interject("data", "build", str(whole), *words)
    sizes = sorted(path.stat().st_size for path in whole.glob("*.tar"))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (sizes[-1] - 1, before[1]))
    try:
        done = interject("data", "build", str(out), *words)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert done.code == 2
    assert ".tar: file too large" in done.err
    assert done.err.count("\n") == 1
    assert list(out.glob("*.part")) == []
    assert interject("data", "build", str(out), *words).code == 0
    assert files(out) == files(whole)


def test_what_is_right_validates_and_what_is_wrong_is_named(
    interject: Call, recipe: str, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    interject("data", "build", str(out), "--recipe", recipe, "--workers", "1")
    right = interject("data", "validate", str(out))
    assert (right.code, right.out) == (0, f"{out}: 5 streams, no problem found\n")
    shard = out / "shard-00001.tar"
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    wrong = interject("data", "validate", str(out))
    assert wrong.code == 1
    assert wrong.out == (
        "shard-00001.tar: is damaged: its sha256 is not that of the manifest\n"
        f"{out}: 5 streams, 1 problems\n"
    )
    as_json = interject("data", "validate", str(out), "--json")
    assert json.loads(as_json.out)["place"] == "shard-00001.tar"
    assert interject("data", "validate", str(out), "--quick").code == 0


def test_a_manifest_that_somebody_has_changed_is_found(
    interject: Call, recipe: str, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    interject("data", "build", str(out), "--recipe", recipe, "--workers", "1")
    path = out / MANIFEST_NAME
    content = json.loads(path.read_text())
    content["total"]["licences"] = {"CC0": 1}
    path.write_text(json.dumps(content))
    done = interject("data", "validate", str(out))
    assert done.code == 1
    assert (
        "manifest.json: its licences are {'CC0': 1}, those of the shards {'Apache-2.0': "
        in done.out
    )


def test_items_are_validated_line_by_line(interject: Call, tmp_path: Path) -> None:
    write_sound(tmp_path / "a.flac")
    path = write_lines(
        tmp_path / "i.jsonl", public(id=1), public(id=1), public(id=2, emotion="odd"), b"\xff", "{",
        public(id=3, audio_path="../x"), public(id=4, stream_scene_type="Daily"),
    )  # fmt: skip
    done = interject("data", "validate", str(path))
    assert done.code == 1
    found = done.out.splitlines()
    assert [line.removeprefix(f"{path}, ").partition(": ")[0] for line in found[:-1]] == [
        f"line {number}" for number in (2, 3, 4, 5, 6)
    ]
    assert found[-1] == f"{path}: 7 streams, 5 problems"
    lines = interject("data", "validate", str(path), "--json", "--quick").out.splitlines()
    assert [json.loads(line)["field"] for line in lines] == ["id", "turns.0.emotion", "", ""]


def test_there_and_back_again(interject: Call, recipe: str, tmp_path: Path) -> None:
    shards, items, again = tmp_path / "set", tmp_path / "public", tmp_path / "again"
    interject("data", "build", str(shards), "--recipe", recipe, "--workers", "1")
    done = interject("data", "convert", str(shards), str(items), "--to", "public")
    assert (done.code, done.out) == (0, f"{items}: 5 items\n")
    back = interject("data", "convert", str(items), str(again), "--to", "shards", "--workers", "2")
    assert back.code == 0, back.err
    for old, new in zip(Dataset(shards), Dataset(again), strict=True):
        assert (new.stream_id, new.ability, len(new.sound)) == (
            old.stream_id, old.ability, len(old.sound)
        )  # fmt: skip
        assert new.turns[: len(old.turns)] == old.turns
    trainer = interject("data", "convert", str(items), str(tmp_path / "t"), "--to", "trainer")
    assert trainer.code == 0
    assert interject("data", "validate", str(tmp_path / "t")).code == 0


def test_bad_items_stop_a_conversion_or_are_left_out_and_counted(
    interject: Call, tmp_path: Path
) -> None:
    write_sound(tmp_path / "a.flac")
    path = str(write_lines(tmp_path / "i.jsonl", public(id=1), "{", public(id=1), public(id=2)))
    for to in ("shards", "public"):
        done = interject("data", "convert", path, str(tmp_path / to), "--to", to, "--workers", "1")
        assert done.code == 2
        assert "line " in done.err
    words = ("--skip-bad", "--workers", "1")
    done = interject("data", "convert", path, str(tmp_path / "s"), "--to", "shards", *words)
    assert done.code == 0
    assert "2 streams, 2 discarded" in done.out
    done = interject("data", "convert", path, str(tmp_path / "p"), "--to", "public", "--skip-bad")
    assert done.out == f"{tmp_path / 'p'}: 2 items, 2 bad ones left out\n"
    assert done.err.count("interject: note: ") == 2


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["convert", "none", "out", "--to", "public"], "none: there is no such file or folder"),
        (["convert", ".", "out", "--to", "public"], ".: holds no manifest.json"),
        (["convert", "i.jsonl", "out", "--to", "parquet"], "--to parquet: must be shards, public"),
        (["convert", "i.jsonl", "out", "--to", "shards", "--ability", "x"], "--ability x: must be"),
        (["convert", "i.jsonl", "out", "--to", "shards", "--decision-lag-ms", "-1"], "must lie"),
        (["convert", "i.jsonl", "out", "--to", "merged"], "x%2E1: turns: has 2; a merged item has"),
        (["convert", "i.jsonl", ".", "--to", "trainer"], ".: is not empty; name a new folder"),
        (["convert", "i.jsonl", "i.jsonl", "--to", "trainer"], "i.jsonl: is no folder"),
        (["inspect", "i.jsonl", "--streams", "-1"], "--streams -1: must lie between 0 and 1000"),
        (["inspect", "i.jsonl", "--page", "no/such.html"], "there is no folder no"),
        (["inspect", "a.flac"], "a.flac: is no text; give a file of items"),
        (["validate", ""], ": there is no such file or folder"),
    ],
)
def test_what_cannot_be_is_one_line(
    interject: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_sound(tmp_path / "a.flac")
    twice = public()["turns"] * 2
    write_lines(tmp_path / "i.jsonl", public(turns=twice, num_turns=2))
    done = interject("data", *words)
    assert problem in done.err
    assert done.code == 2


def test_inspect_prints_tables_and_writes_a_page(
    interject: Call, recipe: str, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    interject("data", "build", str(out), "--recipe", recipe, "--workers", "1")
    done = interject("data", "inspect", str(out), "--streams", "3")
    assert done.code == 0
    assert "Apache-2.0" in done.out
    assert "lag p95 ms" in done.out
    assert done.err == f"interject: note: the page is {out / 'inspection.html'}, with 3 streams\n"
    page = (out / "inspection.html").read_text()
    assert page.count("<article") == 3
    table = json.loads(interject("data", "inspect", str(out), "--json").out)
    abilities = table["Abilities, and the lag from a turn's end to its reply"]
    assert abilities[-1][:2] == ["all", "5"]
    assert interject("data", "validate", str(out)).code == 0, "a page beside shards is no problem"


def test_inspect_goes_on_past_what_is_damaged(interject: Call, recipe: str, tmp_path: Path) -> None:
    out = tmp_path / "set"
    interject("data", "build", str(out), "--recipe", recipe, "--workers", "1")
    os.truncate(out / "shard-00000.tar", 5_000)
    done = interject("data", "inspect", str(out))
    assert done.code == 0
    assert "interject: note: shard-00000.tar: " in done.err
    assert "Problems" in (out / "inspection.html").read_text()


def test_a_page_for_which_there_is_no_room_is_not_left_half(
    interject: Call, recipe: str, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    interject("data", "build", str(out), "--recipe", recipe, "--workers", "1")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        done = interject("data", "inspect", str(out))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert done.code == 2
    assert done.err == f"interject: {out / 'inspection.html'}: file too large\n"
    assert [path.name for path in out.iterdir() if "html" in path.name] == []


def test_items_are_inspected_too(interject: Call, tmp_path: Path) -> None:
    write_sound(tmp_path / "a.flac")
    path = write_lines(tmp_path / "i.jsonl", public(id=1), "{", public(id=2))
    done = interject("data", "inspect", str(path), "--page", str(tmp_path / "p.html"))
    assert done.code == 0
    assert "line 2: is no whole JSON" in done.err
    assert (tmp_path / "p.html").read_text().count("<article") == 2
