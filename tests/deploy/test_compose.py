"""The compose file fits the specification, and what it starts exists."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import typer

from interject.cli.commands import app
from interject.model_runtime.redis.timings import Timings
from tests.deploy.files import (
    DEPLOY,
    GOODBYE_S,
    ROOT,
    compose,
    compose_variables,
    is_executable,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)
SERVICES = compose()["services"]
WORKERS = ["worker-cpu", "worker-gpu", "worker-gpu-1"]
COPY = re.compile(r"^COPY (?!--from)(.+) \S+$", re.MULTILINE)


def test_it_fits_the_specification() -> None:
    done = subprocess.run(
        [
            sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec",
            str(ROOT / "docker-compose.yml"),
        ],
        capture_output=True,
        text=True,
        timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_commands_are_commands_of_the_program() -> None:
    program = typer.main.get_command(app)
    for arguments in (
        *(["worker", *SERVICES[name]["command"]] for name in WORKERS),
        SERVICES["demo"]["command"],
        SERVICES["agent"]["command"],
        SERVICES["serve"]["command"],
    ):
        assert parameters(program, list(arguments))


def test_every_gpu_has_one_worker_with_a_name_of_its_own() -> None:
    program = typer.main.get_command(app)
    names, cards = [], []
    for service in WORKERS[1:]:
        found = parameters(program, ["worker", *SERVICES[service]["command"]])
        (device,) = SERVICES[service]["deploy"]["resources"]["reservations"]["devices"]
        assert (found["device"], found["slots"]) == ("cuda", "auto")
        assert "gpus" in SERVICES[service]["profiles"]
        names.append(found["name"])
        cards += device["device_ids"]
    assert len(set(names)) == len(set(cards)) == len(WORKERS[1:])


def parameters(command: Any, arguments: list[str]) -> dict[str, Any]:
    """What the innermost command would be called with."""
    context = command.make_context("interject", list(arguments))
    while hasattr(command, "resolve_command"):
        name, command, arguments = command.resolve_command(context, arguments)
        context = command.make_context(name, list(arguments), parent=context)
    return dict(context.params)


def test_the_agent_finds_its_server_and_its_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = SERVICES["agent"]
    for name, value in agent["environment"].items():
        monkeypatch.setenv(name, value)
    found = parameters(typer.main.get_command(app), agent["command"])
    assert agent["network_mode"] == "service:livekit"
    assert found["url"] == "ws://127.0.0.1:7880"
    assert found["api_key"] in SERVICES["livekit"]["environment"]["LIVEKIT_KEYS"]
    assert found["api_secret"] in SERVICES["livekit"]["environment"]["LIVEKIT_KEYS"]
    assert found["runtime"].startswith("redis://interject-media:")


def test_make_env_writes_every_variable(tmp_path: Path) -> None:
    script, file = DEPLOY / "make_env.sh", tmp_path / "env"
    assert is_executable(script)
    subprocess.run([str(script), str(file)], check=True, timeout=60)
    pairs = dict(line.split("=") for line in file.read_text().splitlines())
    assert set(pairs) == compose_variables()
    assert len({*pairs.values()}) == len(pairs)
    assert {len(value) for value in pairs.values()} == {48}
    assert file.stat().st_mode & 0o077 == 0
    again = subprocess.run([str(script), str(file)], capture_output=True, text=True, timeout=60)
    assert again.returncode == 2
    assert "exists already" in again.stderr


def test_mounted_files_are_there() -> None:
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), f"{name}: {source}"
        build = service.get("build")
        if build:
            assert (ROOT / build["dockerfile"]).is_file()
    assert is_executable(DEPLOY / "redis" / "start.sh")


def test_only_loopback_is_published() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_secrets_reach_redis_under_the_names_that_its_script_reads() -> None:
    script = (DEPLOY / "redis" / "start.sh").read_text(encoding="utf-8")
    read = re.findall(r"\$\(digest (\w+)\)|^ *tenant default \S+ (\w+)$", script, re.MULTILINE)
    assert set(SERVICES["redis"]["secrets"]) == {name for names in read for name in names if name}
    assert "/run/secrets" in script


@pytest.mark.parametrize("worker", WORKERS)
def test_a_worker_is_given_time_to_drain(worker: str) -> None:
    grace_s = float(SERVICES[worker]["stop_grace_period"].removesuffix("s"))
    assert grace_s >= 2 * Timings().drain_s


def test_a_server_is_given_time_for_its_calls() -> None:
    server = SERVICES["serve"]
    found = parameters(typer.main.get_command(app), server["command"])
    grace_s = float(server["stop_grace_period"].removesuffix("s"))
    assert grace_s >= found["drain_timeout"] + GOODBYE_S
    (probe,) = [word for word in server["healthcheck"]["test"] if "urlopen" in word]
    assert f":{found['bind'].rpartition(':')[2]}/readyz" in probe


def test_livekit_is_given_a_port_for_each_that_is_published() -> None:
    published = {
        port.removesuffix("/udp").rpartition(":")[2] for port in SERVICES["livekit"]["ports"]
    }
    assert published <= set(
        re.findall(r"\d{4}", SERVICES["livekit"]["environment"]["LIVEKIT_CONFIG"])
    )


@pytest.mark.parametrize("image", ["media", "worker"])
def test_an_image_copies_what_is_there_and_what_its_context_lets_through(image: str) -> None:
    text = (DEPLOY / "docker" / f"{image}.Dockerfile").read_text(encoding="utf-8")
    allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for line in [*COPY.findall(text), *re.findall(r"^COPY (examples\S+)", text, re.MULTILINE)]:
        for source in line.split():
            assert (ROOT / source).exists(), source
            assert any(source.startswith(rule[1:]) for rule in allowed if rule[0] == "!"), source
    assert re.search(r"^USER 10001$", text, re.MULTILINE)


@pytest.mark.parametrize(("image", "has_torch"), [("media", False), ("worker", True)])
def test_only_the_workers_image_has_torch(image: str, has_torch: bool) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (DEPLOY / "docker" / f"{image}.Dockerfile").read_text(encoding="utf-8")
    (extras,) = re.findall(r"'\.\[([\w,]+)\]'", text)
    wanted = needed(project, f"interject[{extras}]")
    assert any(name.startswith("torch") for name in wanted) == has_torch


def needed(project: dict[str, Any], requirement: str) -> list[str]:
    """What it comes down to; an extra may need others of ours."""
    own = re.fullmatch(r"interject\[([\w,]+)\]", requirement)
    if own is None:
        return [requirement]
    extras = [project["optional-dependencies"][extra] for extra in own[1].split(",")]
    return [
        name
        for needs in (project["dependencies"], *extras)
        for each in needs
        for name in needed(project, each)
    ]
