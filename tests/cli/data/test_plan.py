"""`interject data plan`: by rules, by a model behind a real server, and what goes wrong there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from interject.training.curation.scene_record import read_scenes
from interject.training.dataset.dataset import Dataset
from tests.fakes.model_server import ModelServer, Received, Scripted, said, serving
from tests.training.curation.worlds import make_sounds, model_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Outcome

    Call = Callable[..., Outcome]

KEY = "sk-not-a-real-key"


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_sounds(tmp_path_factory.mktemp("sounds")))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "scenes.jsonl"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    monkeypatch.setenv("THE_KEY", KEY)
    with serving(ModelServer(respond=model_answer)) as running:
        yield running


def by_model(server: ModelServer, *more: str) -> list[str]:
    return ["--base-url", server.url, "--model", "m", "--api-key-env", "THE_KEY", "--parallel=1",
            "--count", "2", *more]  # fmt: skip


def test_rules_plan_and_a_data_set_is_built_of_it(
    interject: Call, sounds: str, out: Path, tmp_path: Path
) -> None:
    done = interject("data", "plan", sounds, "--out", str(out), "--count", "2", "--json")
    assert (done.code, done.err) == (0, "")
    counts = json.loads(done.out)
    scenes = read_scenes(out)
    assert counts["scenes"] == len(scenes) >= 2
    assert counts["events"] == counts["recorded"] + counts["synthesised"] + counts["missing"]
    assert counts["calls"] == 0
    before = out.read_bytes()
    assert interject("data", "plan", sounds, "--out", str(out), "--count", "2").code == 0
    assert out.read_bytes() == before
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(f"recipe: scenes\nsettings:\n  sounds: {sounds}\n  scenes: {out}\n")
    built = interject("data", "build", str(tmp_path / "set"), "--recipe", str(recipe),
                      "--count", "2", "--workers", "1")  # fmt: skip
    assert (built.code, built.err) == (0, "")
    assert all("identity by ear" in stream.skipped for stream in Dataset(tmp_path / "set"))


def test_a_run_that_was_killed_goes_on_where_it_was(
    interject: Call, sounds: str, out: Path
) -> None:
    plan = ("data", "plan", sounds, "--out", str(out), "--count")
    interject(*plan, "2")
    whole = out.read_bytes()
    first = whole.index(b"\n") + 1
    out.write_bytes(whole[: first + 500])
    assert interject(*plan, "2").code == 0
    assert sorted(out.read_bytes().splitlines()) == sorted(whole.splitlines())


def test_a_model_plans_and_is_not_asked_twice(
    interject: Call, server: ModelServer, sounds: str, out: Path
) -> None:
    plan = ("data", "plan", sounds, "--out", str(out), *by_model(server))
    done = interject(*plan)
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith(f"{len(server.received)} calls\n")
    assert {request.key for request in server.received} == {f"Bearer {KEY}"}
    asked, scenes = len(server.received), out.read_bytes()
    out.unlink()
    assert interject(*plan, "--calls", "0").code == 0
    assert len(server.received) == asked
    assert out.read_bytes() == scenes
    cached = (out.parent / "scenes.jsonl.cache").rglob("*.json")
    assert all(KEY not in path.read_text() for path in cached)


def test_a_budget_that_is_spent_keeps_what_there_is_and_goes_on_later(
    interject: Call, server: ModelServer, sounds: str, out: Path
) -> None:
    plan = ("data", "plan", sounds, "--out", str(out), *by_model(server))
    done = interject(*plan, "--calls", "10")
    assert done.code == 2
    assert "the budget of 10 calls is spent" in done.err
    assert "1 scenes are kept, go on later" in done.err
    assert len(server.received) == 10
    assert len(read_scenes(out)) == 1
    assert interject(*plan).code == 0
    assert len(read_scenes(out)) == 2


HOSTILE = [
    (Scripted(status=401), "refused the key (401): check the environment variable THE_KEY"),
    (Scripted(f"not {KEY}".encode(), status=403), "refused the key (403)"),
    (Scripted(b"no such model", status=404), "answered 404: check base_url and the model 'm'"),
    (Scripted(status=429, headers=(("Retry-After", "7200"),)), "asks to wait 7200 s; tried once"),
    (Scripted(b"x" * 5_000_000), "sent more than 4000000 bytes"),
    (said("no"), "no valid ScenePlan in 3 attempts"),
    (Scripted(b"<html>"), "the last fault: it is no chat completion (for 5 bags in a row)"),
]


@pytest.mark.parametrize(("answer", "line"), HOSTILE, ids=[line for _, line in HOSTILE])
def test_a_hostile_server_is_one_line_and_costs_nothing_that_was_there(
    interject: Call, server: ModelServer, sounds: str, out: Path, answer: Scripted, line: str
) -> None:
    plans = 0

    def respond(request: Received) -> Scripted:
        nonlocal plans
        plans += b"annotations of recordings" in request.body
        return model_answer(request) if plans <= 1 else answer

    server.respond = respond
    plan = ("data", "plan", sounds, "--out", str(out), *by_model(server, "--count", "9"))
    done = interject(*plan)
    assert done.code == 2
    assert line in done.err
    assert "1 scenes are kept" in done.err
    assert done.err.count("\n") == 1
    assert KEY not in done.err + done.out
    assert len(read_scenes(out)) == 1


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--count", "0"], "--count 0: must lie between 1"),
        (["--parallel", "0"], "--parallel 0: must lie"),
        (["--seed", "-1"], "--seed -1: must be 0 or more"),
        (["--calls", "-1"], "--calls -1: must be 0 or more"),
        (["--model", "m"], "--model needs --base-url, too"),
        (["--base-url", "http://x/v1"], "--base-url needs --model, too"),
        (["--base-url", "x", "--model", "m"], "must begin with http:// or https://"),
        (["--base-url", "http://a:b@x", "--model", "m"], "must hold no user name, password"),
        (["--base-url", "http://127.0.0.1:1", "--model", "m", "--api-key-env", "NO_SUCH_KEY"],
         "environment variable NO_SUCH_KEY, which is not set"),
        (["--out", "no/such/folder/x.jsonl"], "no/such/folder"),
        (["--out", "/dev/full"], "--out /dev/full: must be a file, which is read again"),
        (["--out", "-"], "--out -: must be a file"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_said_at_once(
    interject: Call, sounds: str, out: Path, options: list[str], line: str
) -> None:
    done = interject("data", "plan", sounds, "--out", str(out), *options)
    assert done.code == 2
    assert line in done.err
    assert done.err.count("\n") == 1
    assert "b@x" not in done.err
    assert not out.exists()


def test_a_file_of_another_plan_is_left_alone(interject: Call, sounds: str, out: Path) -> None:
    plan = ("data", "plan", sounds, "--out", str(out), "--count", "1")
    interject(*plan)
    before = out.read_bytes()
    done = interject(*plan, "--seed", "5")
    assert (done.code, out.read_bytes()) == (2, before)
    assert "holds scenes of another seed or planner; give a new file" in done.err
    out.write_text("a shopping list\n")
    done = interject(*plan)
    assert (done.code, out.read_text()) == (2, "a shopping list\n")
    assert "line 1: Invalid JSON" in done.err


def test_no_sounds_and_a_bad_annotation(interject: Call, tmp_path: Path, out: Path) -> None:
    done = interject("data", "plan", str(tmp_path), "--out", str(out))
    assert done.code == 2
    assert "holds no sounds; give a file annotations.jsonl" in done.err
    (tmp_path / "annotations.jsonl").write_text('{"file": "a.wav"}')
    done = interject("data", "plan", str(tmp_path), "--out", str(out))
    assert "line 1, field licence: Field required" in done.err


def test_a_recipe_of_scenes_says_what_it_lacks(
    interject: Call, sounds: str, out: Path, tmp_path: Path
) -> None:
    build = ("data", "build", str(tmp_path / "set"), "--workers", "1", "--recipe")
    assert "--recipe scenes: needs settings; give a YAML" in interject(*build, "scenes").err
    recipe = tmp_path / "mine.yaml"
    for folder, line in (
        (sounds, "scenes.jsonl: cannot be read (no such file"),
        ("nowhere", "is not in nowhere ("),
    ):
        recipe.write_text(f"recipe: scenes\nsettings: {{sounds: {folder}, scenes: {out}}}\n")
        done = interject(*build, str(recipe))
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert line in done.err
        interject("data", "plan", sounds, "--out", str(out), "--count", "2")


def test_a_data_set_does_not_go_on_with_other_scenes(
    interject: Call, sounds: str, out: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(f"recipe: scenes\nsettings: {{sounds: {sounds}, scenes: {out}}}\n")
    build = ("data", "build", str(tmp_path / "set"), "--workers", "1", "--recipe", str(recipe))
    interject("data", "plan", sounds, "--out", str(out), "--count", "1")
    assert interject(*build, "--count", "1").code == 0
    interject("data", "plan", sounds, "--out", str(out), "--count", "2")
    done = interject(*build, "--count", "2")
    assert done.code == 2
    assert "was begun with" in done.err
