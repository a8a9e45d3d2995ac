"""What `interject eval sounds` was asked to do, checked before anything is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from interject.cli.output.output_paths import check_target
from interject.cli.output.plot import check_plot
from interject.cli.process.failures import InputFailure, printable, reason
from interject.config.loader import load_profile
from interject.training.endpoints.settings import EndpointSettings
from interject.training.sound_benchmark.answers import check_answered, read_answers
from interject.training.sound_benchmark.clips import read_clips
from interject.training.sound_benchmark.reranker import DEFAULT_MODEL
from interject.training.sound_benchmark.tiers import Tier, multiple_items, single_items

if TYPE_CHECKING:
    from interject.config.profile import Profile
    from interject.training.sound_benchmark.answers import Answers
    from interject.training.sound_benchmark.tiers import BenchmarkItem

BOTH = "both"
JSON_NAME, PAGE_NAME, PICTURE_NAME = "report.json", "report.md", "report.png"
MOST_TAIL_S = 60.0
MOST_SESSIONS = 1_000


@dataclass(frozen=True, slots=True)
class SoundsRequest:
    """A checked request with everything that is to be played."""

    folder: str
    out: Path
    runtime_url: str
    items: tuple[BenchmarkItem, ...]
    joined: int
    seed: int
    tail_s: float
    profile: Profile
    threshold: float
    sessions: int
    semantic: SemanticRequest | None = None


@dataclass(frozen=True, slots=True)
class SemanticRequest:
    """What replies are held against, and by whom."""

    answers: Answers
    endpoint: EndpointSettings


def read_request(
    *,
    folder: str,
    out: str,
    runtime_url: str,
    tier: str,
    joined: int,
    seed: int,
    tail_s: float,
    profile: str,
    threshold: float | None,
    sessions: int,
    answers: str | None = None,
    reranker: str | None = None,
    reranker_model: str = DEFAULT_MODEL,
    reranker_key_env: str = "",
) -> SoundsRequest:
    """:raises InputFailure: for the first thing that cannot work.
    :raises BenchmarkError: when the folder is not of the published layout.
    :raises ProfileError: when the profile cannot be read.
    """
    if tier not in (*Tier, BOTH):
        raise InputFailure(f"--tier {printable(tier)}: must be {', '.join(Tier)} or {BOTH}")
    if not 1 <= sessions <= MOST_SESSIONS:
        raise InputFailure(f"--sessions {sessions}: must lie between 1 and {MOST_SESSIONS}")
    if not 0 <= tail_s <= MOST_TAIL_S:
        raise InputFailure(f"--tail-s {tail_s:g}: must lie between 0 and {MOST_TAIL_S:g}")
    if seed < 0:
        raise InputFailure(f"--seed {seed}: must be 0 or more")
    if threshold is not None and not 0 <= threshold <= 1:
        raise InputFailure(f"--threshold {threshold:g}: must lie between 0 and 1")
    loaded = load_profile(profile)
    clips = read_clips(Path(folder))
    items = [] if tier == Tier.MULTIPLE else single_items(clips)
    if tier != Tier.SINGLE:
        items += multiple_items(clips, joined=joined, seed=seed)
    semantic = _semantic(answers, reranker, reranker_model, reranker_key_env)
    if semantic is not None:
        check_answered(items, semantic.answers)
    return SoundsRequest(
        folder=printable(folder),
        out=made(Path(out)),
        runtime_url=runtime_url,
        items=tuple(items),
        joined=joined,
        seed=seed,
        tail_s=tail_s,
        profile=loaded,
        threshold=loaded.threshold if threshold is None else threshold,
        sessions=sessions,
        semantic=semantic,
    )


def _semantic(
    answers: str | None, url: str | None, model: str, key_env: str
) -> SemanticRequest | None:
    if answers is None and url is None:
        return None
    if answers is None or url is None:
        raise InputFailure("--answers and --reranker: a semantic score needs both")
    try:
        endpoint = EndpointSettings(base_url=url, model=model, api_key_env=key_env)
    except ValidationError as exc:
        problem = exc.errors(include_url=False)[0]
        raise InputFailure(f"--reranker: {problem['loc'][0]}: {problem['msg']}") from None
    return SemanticRequest(read_answers(Path(answers)), endpoint)


def made(out: Path) -> Path:
    """The folder of the report, in which its files can be written."""
    shown = f"--out {printable(str(out))}"
    if not out.parent.exists():
        raise InputFailure(f"{shown}: there is no folder {printable(str(out.parent))}")
    try:
        out.mkdir(exist_ok=True)
    except OSError as exc:
        raise InputFailure(f"{shown}: is no folder and cannot be made one ({reason(exc)})") from exc
    for name in (JSON_NAME, PAGE_NAME, PICTURE_NAME):
        check_target(out / name, (), option="--out")
    check_plot(out / PICTURE_NAME)
    return out
