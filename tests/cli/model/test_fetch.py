"""`interject model fetch` against a hub of the test's own."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from interject.cli.model.fetch import fetch
from interject.cli.model.hub_repository import HubRepository
from interject.cli.process.failures import InputFailure
from interject.model_runtime.checkpoint import load_checkpoint
from tests.fakes.hub import COMMIT, LARGE_BYTES, REPOSITORY, Hub, files_of, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WEIGHTS = "model.safetensors"
MB = 2**20


@pytest.fixture
def hub(checkpoint: Path) -> Iterator[Hub]:
    """With a checkpoint whose weights are a large file, and a file in a folder."""
    files = {**files_of(checkpoint), "notes/made.txt": b"by hand\n", ".gitattributes": b"x"}
    assert len(files[WEIGHTS]) > LARGE_BYTES
    with serving(Hub(files)) as served:
        yield served


def repository(hub: Hub, name: str = REPOSITORY, token: str | None = None) -> HubRepository:
    return HubRepository(name, endpoint=hub.url, token=token)


def refusal(hub: Hub, folder: Path, revision: str = "main", name: str = REPOSITORY) -> str:
    with pytest.raises(InputFailure) as caught:
        fetch(repository(hub, name), revision, folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def gets(hub: Hub) -> list[tuple[str, str | None]]:
    """The files that were asked for, and from which byte on."""
    return [(path.rpartition("/")[2], wanted) for path, wanted in hub.asked if "/resolve/" in path]


def test_a_checkpoint_arrives_whole_and_loads(hub: Hub, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    out = tmp_path / "out"
    fetched = fetch(repository(hub), "main", out, told=lambda *done: heard.append(done))
    del hub.files[".gitattributes"]
    assert {name: (out / name).read_bytes() for name in hub.files} == hub.files
    total = sum(len(content) for content in hub.files.values())
    assert (fetched.commit, fetched.downloaded_bytes, heard[-1]) == (COMMIT, total, (total, total))
    assert load_checkpoint(out).config.name == "small"
    record = json.loads((out / "fetched.json").read_text())
    assert record["commit"] == COMMIT
    assert record["files"][WEIGHTS]["hash"] == hub.sha256(WEIGHTS)
    assert sorted(path.name for path in out.iterdir() if path.name.startswith(".")) == []


def test_what_is_there_and_right_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    fetch(repository(hub), "main", tmp_path)
    (tmp_path / "config.json").write_bytes(hub.files["config.json"][:-1] + b" ")
    hub.asked.clear()
    fetched = fetch(repository(hub), COMMIT, tmp_path)
    assert gets(hub) == [("config.json", None)]
    assert fetched.downloaded_bytes == len(hub.files["config.json"])
    assert (tmp_path / "config.json").read_bytes() == hub.files["config.json"]


def test_a_connection_that_is_cut_is_made_again_from_there(hub: Hub, tmp_path: Path) -> None:
    """The hub's library reads 10 MB at a time: what is less of them is read again."""
    hub.files = {WEIGHTS: bytes(24 * MB)}
    hub.cut_after[WEIGHTS] = 15 * MB
    fetch(repository(hub), "main", tmp_path)
    assert (tmp_path / WEIGHTS).read_bytes() == hub.files[WEIGHTS]
    assert gets(hub) == [(WEIGHTS, None), (WEIGHTS, f"bytes={10 * MB}-")]


def test_a_run_that_was_stopped_goes_on_in_the_next(hub: Hub, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done > 15 * MB:
            raise KeyboardInterrupt

    hub.files = {WEIGHTS: bytes(24 * MB)}
    with pytest.raises(KeyboardInterrupt):
        fetch(repository(hub), "main", tmp_path, told=stop)
    assert not (tmp_path / WEIGHTS).exists()
    fetched = fetch(repository(hub), "main", tmp_path)
    assert fetched.downloaded_bytes == 4 * MB
    assert gets(hub) == [(WEIGHTS, None), (WEIGHTS, f"bytes={20 * MB}-")]
    assert (tmp_path / WEIGHTS).read_bytes() == hub.files[WEIGHTS]


@pytest.mark.parametrize("name", [WEIGHTS, "config.json"])
def test_bytes_that_are_not_the_hubs_are_thrown_away(name: str, hub: Hub, tmp_path: Path) -> None:
    right = hub.files[name]
    hub.lies[name] = right[:-1] + bytes([right[-1] ^ 1])
    assert f"{name}: what came has another hash" in refusal(hub, tmp_path)
    assert not (tmp_path / name).exists()
    hub.lies.clear()
    fetch(repository(hub), "main", tmp_path)
    assert (tmp_path / name).read_bytes() == right


def test_what_the_hub_does_not_give_is_one_clear_line(hub: Hub, tmp_path: Path) -> None:
    assert "has no revision 'v9'" in refusal(hub, tmp_path, "v9")
    assert "there is no such repository" in refusal(hub, tmp_path, name="nobody/none")
    assert "names no repository" in refusal(hub, tmp_path, name="../up")
    hub.gated = True
    assert "accepted its terms" in refusal(hub, tmp_path)
    hub.status = 500
    assert "the hub answered 500" in refusal(hub, tmp_path)
    hub.status = 429
    assert "too much is asked of it" in refusal(hub, tmp_path)
    gone = dataclasses.replace(hub, url="http://127.0.0.1:9")
    assert "the hub cannot be reached" in refusal(gone, tmp_path)
    hub.status, hub.gated, hub.files = None, False, {}
    assert "holds no file" in refusal(hub, tmp_path)


def test_a_private_repository_needs_its_token(hub: Hub, tmp_path: Path) -> None:
    hub.token = "hf_right"
    assert "private and HF_TOKEN does not open it" in refusal(hub, tmp_path)
    with pytest.raises(InputFailure, match=r"HF_TOKEN does not open it \(401\)"):
        fetch(repository(hub, token="hf_wrong"), "main", tmp_path)
    fetch(repository(hub, token="hf_right"), "main", tmp_path)
    assert (tmp_path / WEIGHTS).read_bytes() == hub.files[WEIGHTS]


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "a/../../outside"])
def test_a_name_that_leaves_the_folder_is_refused(name: str, hub: Hub, tmp_path: Path) -> None:
    hub.files = {name: b"x"}
    assert "lies outside a folder" in refusal(hub, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_is_told_before_anything_is_fetched(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(InputFailure, match=r"MB are still to come, 0\.1 MB are free"):
        fetch(repository(hub), "main", tmp_path, free_bytes=lambda folder: 100_000)
    assert gets(hub) == []


def test_the_command_takes_hub_and_token_from_the_environment(hub: Hub, tmp_path: Path) -> None:
    hub.token = "hf_right"
    words = [sys.executable, "-m", "interject", "model", "fetch", REPOSITORY]
    variables = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        words,
        cwd=tmp_path,
        env={**variables, "HF_TOKEN": "hf_right"},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"--revision {COMMIT}" in done.stdout
    assert "embedded:tiny" in done.stdout
    assert (tmp_path / "tiny" / WEIGHTS).read_bytes() == hub.files[WEIGHTS]
