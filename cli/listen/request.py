"""What `interject listen` was asked to do, checked before anything is opened or loaded."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from interject.cli.input.sources import MICROPHONE, STDIN, RawShape, Source, open_source
from interject.cli.output.output_paths import check_apart, check_target
from interject.cli.output.plot import check_plot
from interject.cli.process.failures import InputFailure
from interject.cli.process.records_folder import records_at
from interject.config.loader import load_profile

if TYPE_CHECKING:
    from interject.agent.records.store import RecordStore
    from interject.config.profile import Profile

MAX_REPLY_TOKENS = 4_096
SUMMARY_SUFFIXES = (".json", ".md")


class Speed(StrEnum):
    """How fast a file is heard. A microphone is real time anyway."""

    REALTIME = "realtime"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class ListenRequest:
    """A checked request. `prompt_ids` replace the whole prompt.

    `telemetry` is where metrics are served, or `off`: then spans alone are recorded.
    """

    source: Source
    runtime_url: str
    profile: Profile
    json: bool
    plot: Path | None
    out: Path | None
    speed: Speed
    prompt_ids: tuple[int, ...] | None
    telemetry: str | None = None
    summary: Path | None = None
    records: RecordStore | None = None


def read_request(
    *,
    source: str,
    runtime_url: str,
    profile: str,
    threshold: float | None,
    json: bool,
    plot: str | None,
    out: str | None,
    speed: str,
    prompt_ids: str | None,
    max_reply_tokens: int | None,
    raw_rate_hz: int,
    raw_channels: int,
    telemetry: str | None = None,
    raw: bool = False,
    track: int | None = None,
    summary: str | None = None,
    records: str | None = None,
) -> ListenRequest:
    """Check everything that can be checked without the model.

    :raises InputFailure: for the first thing that cannot work.
    :raises ProfileError: when the profile cannot be read.
    """
    chosen_speed = _speed(speed)
    ids = None if prompt_ids is None else read_prompt_ids(prompt_ids)
    loaded = _adjusted(load_profile(profile), threshold, max_reply_tokens)
    opened = open_source(source, RawShape(raw_rate_hz, raw_channels), raw=raw, track=track)
    targets = {
        "--plot": _plot_path(plot, source),
        "--out": _out_path(out, source),
        "--summary": _summary_path(summary, source),
    }
    check_apart(targets)
    return ListenRequest(
        source=opened,
        runtime_url=runtime_url,
        profile=loaded,
        json=json,
        plot=targets["--plot"],
        out=targets["--out"],
        speed=Speed.REALTIME if opened.live else chosen_speed,
        prompt_ids=ids,
        telemetry=telemetry,
        summary=targets["--summary"],
        records=records_at(records),
    )


def read_prompt_ids(text: str) -> tuple[int, ...]:
    """Read ids from the option itself, or from the file it names: `1,2,3` or a JSON list."""
    # Ids in a row may be too long for a name, which `Path.is_file` does not take.
    is_file = os.path.isfile(text)
    written = Path(text).read_text(encoding="utf-8", errors="replace") if is_file else text
    words = re.split(r"[\s,]+", written.strip().strip("[]").strip())
    bad = next((word for word in words if not re.fullmatch(r"\d{1,9}", word)), None)
    if bad is not None:
        raise InputFailure(
            f"--prompt-ids: {bad[:40]!r} is no token id; give ids separated by commas, "
            "or a file of them"
        )
    return tuple(int(word) for word in words)


def _speed(text: str) -> Speed:
    try:
        return Speed(text)
    except ValueError as exc:
        raise InputFailure(f"--speed {text}: must be 'realtime' or 'max'") from exc


def _adjusted(profile: Profile, threshold: float | None, max_tokens: int | None) -> Profile:
    if threshold is not None:
        if not 0.0 <= threshold <= 1.0:
            raise InputFailure(f"--threshold {threshold}: must lie between 0 and 1")
        profile = profile.model_copy(update={"threshold": threshold})
    if max_tokens is not None:
        if not 1 <= max_tokens <= MAX_REPLY_TOKENS:
            raise InputFailure(
                f"--max-reply-tokens {max_tokens}: must lie between 1 and {MAX_REPLY_TOKENS}"
            )
        limits = profile.reply.model_copy(update={"max_tokens": max_tokens})
        profile = profile.model_copy(update={"reply": limits})
    return profile


def _plot_path(plot: str | None, source: str) -> Path | None:
    if plot is None:
        return None
    path = Path(plot)
    check_target(path, _files(source), option="--plot")
    check_plot(path)
    return path


def _out_path(out: str | None, source: str) -> Path | None:
    if out is None:
        return None
    path = Path(out)
    check_target(path, _files(source), option="--out")
    return path


def _summary_path(summary: str | None, source: str) -> Path | None:
    if summary is None:
        return None
    path = Path(summary)
    if path.suffix.lower() not in SUMMARY_SUFFIXES:
        raise InputFailure(f"--summary {summary}: the name must end in .json or .md")
    check_target(path, _files(source), option="--summary")
    return path


def _files(source: str) -> list[str]:
    if source == MICROPHONE:
        return []
    return ["/dev/stdin" if source == STDIN else source]
