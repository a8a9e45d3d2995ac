"""What `interject bench` was asked to do, checked before anything is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from interject.cli.bench.plan import LoadPlan
from interject.cli.output.output_paths import check_apart, check_target
from interject.cli.output.plot import check_plot
from interject.cli.process.failures import InputFailure

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_MINUTES, MOST_MINUTES = 0.1, 24 * 60.0
MOST_TALK = 0.9
MOST_SESSIONS = 100_000


@dataclass(frozen=True, slots=True)
class BenchRequest:
    """A checked request; without `wavs` speech is made."""

    runtime_url: str
    plan: LoadPlan
    wavs: tuple[str, ...]
    json: Path | None
    plot: Path | None


def read_request(
    *,
    runtime_url: str,
    sessions: int,
    talk: float,
    minutes: float,
    in_phase: bool,
    wavs: Sequence[str],
    json: str | None,
    plot: str | None,
) -> BenchRequest:
    """:raises InputFailure: for the first thing that cannot work."""
    if not 1 <= sessions <= MOST_SESSIONS:
        raise InputFailure(f"--sessions {sessions}: must lie between 1 and {MOST_SESSIONS}")
    if not 0.0 <= talk <= MOST_TALK:
        raise InputFailure(
            f"--talk {talk:g}: the share of the time that replies take lies between 0 and "
            f"{MOST_TALK:g}"
        )
    if not LEAST_MINUTES <= minutes <= MOST_MINUTES:
        raise InputFailure(
            f"--minutes {minutes:g}: must lie between {LEAST_MINUTES:g} and {MOST_MINUTES:g}"
        )
    targets = {"--json": _target("--json", json, wavs), "--plot": _picture(plot, wavs)}
    check_apart(targets)
    return BenchRequest(
        runtime_url=runtime_url,
        plan=LoadPlan(sessions, talk=talk, seconds=60 * minutes, in_phase=in_phase),
        wavs=tuple(wavs),
        json=targets["--json"],
        plot=targets["--plot"],
    )


def _picture(plot: str | None, wavs: Sequence[str]) -> Path | None:
    path = _target("--plot", plot, wavs)
    if path is not None:
        check_plot(path)
    return path


def _target(option: str, name: str | None, wavs: Sequence[str]) -> Path | None:
    if name is None:
        return None
    path = Path(name)
    check_target(path, wavs, option=option)
    return path
