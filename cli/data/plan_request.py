"""What `interject data plan` was asked to do, checked before anything is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from interject.cli.output.output_paths import check_target
from interject.cli.process.failures import InputFailure, printable
from interject.training.endpoints.settings import EndpointSettings

MOST_BAGS = 10_000_000
MOST_PARALLEL = 256


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """Without an `endpoint` everything is done by rules."""

    sounds: Path
    out: Path
    count: int
    seed: int
    endpoint: EndpointSettings | None
    cache: Path
    calls: int | None
    parallel: int
    hears: bool


def read_plan_request(
    *, sounds: str, out: str, count: int, seed: int, base_url: str | None, model: str | None,
    api_key_env: str, cache: str | None, calls: int | None, parallel: int, hears: bool,
) -> PlanRequest:  # fmt: skip
    """:raises InputFailure: for the first thing that cannot work."""
    for option, value, most in (
        ("--count", count, MOST_BAGS),
        ("--parallel", parallel, MOST_PARALLEL),
    ):
        if not 1 <= value <= most:
            raise InputFailure(f"{option} {value}: must lie between 1 and {most}")
    if seed < 0:
        raise InputFailure(f"--seed {seed}: must be 0 or more")
    if calls is not None and calls < 0:
        raise InputFailure(f"--calls {calls}: must be 0 or more")
    if (base_url is None) != (model is None):
        missing, given = ("--model", "--base-url") if model is None else ("--base-url", "--model")
        raise InputFailure(f"{given} needs {missing}, too; without both, rules plan")
    path = Path(out)
    check_target(path, (), option="--out")
    if out == "-" or (path.exists() and not path.is_file()):
        raise InputFailure(f"--out {printable(out)}: must be a file, which is read again")
    return PlanRequest(
        Path(sounds), path, count, seed, _endpoint(base_url, model, api_key_env),
        Path(cache) if cache is not None else path.with_name(f"{path.name}.cache"),
        calls, parallel, hears,
    )  # fmt: skip


def _endpoint(base_url: str | None, model: str | None, api_key_env: str) -> EndpointSettings | None:
    """What is wrong with an address is told without it: it may hold a password."""
    if base_url is None or model is None:
        return None
    try:
        return EndpointSettings(base_url=base_url, model=model, api_key_env=api_key_env)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        option = "--base-url" if fault["loc"] == ("base_url",) else "--model"
        raise InputFailure(f"{option}: {fault['msg'].removeprefix('Value error, ')}") from None
