"""What `interject eval stream` was asked to do, checked before anything is opened."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from interject.cli.eval.request import MOST_SESSIONS, MOST_TAIL_S, made
from interject.cli.eval.stream_folder import StreamFolder
from interject.cli.process.failures import InputFailure, printable
from interject.config.loader import load_profile
from interject.config.yaml_file import load_yaml
from interject.training.streaming_benchmark.audio_chat_peer import AudioChatSettings

if TYPE_CHECKING:
    from interject.config.profile import Profile

MOST_SCENES = 10_000


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """A checked request. `scenes` of each kind are played with the whole agent, 0: none.

    `second_run`: the recommended threshold is measured too. `peer` is heard in place of a runtime.
    """

    dataset: str
    streams: StreamFolder
    out: Path
    runtime_url: str
    profile: Profile
    threshold: float
    target_false_per_hour: float
    scenes: int
    talk_over: bool
    second_run: bool
    seed: int
    tail_s: float
    sessions: int
    peer: AudioChatSettings | None = None


def read_stream_request(
    *,
    dataset: str,
    out: str,
    runtime_url: str,
    profile: str,
    threshold: float | None,
    target_false_per_hour: float,
    scenes: int,
    talk_over: bool,
    second_run: bool,
    seed: int,
    tail_s: float,
    sessions: int,
    peer: str | None = None,
) -> StreamRequest:
    """:raises InputFailure: for the first thing that cannot work.
    :raises DatasetError: when the data set cannot be read.
    :raises ProfileError: when the profile cannot be read.
    :raises YamlFileError: when the peer's settings cannot be read.
    """
    if not 1 <= sessions <= MOST_SESSIONS:
        raise InputFailure(f"--sessions {sessions}: must lie between 1 and {MOST_SESSIONS}")
    if not 0 <= scenes <= MOST_SCENES:
        raise InputFailure(f"--scenes {scenes}: must lie between 0 and {MOST_SCENES}")
    if not 0 <= tail_s <= MOST_TAIL_S:
        raise InputFailure(f"--tail-s {tail_s:g}: must lie between 0 and {MOST_TAIL_S:g}")
    if seed < 0:
        raise InputFailure(f"--seed {seed}: must be 0 or more")
    if threshold is not None and not 0 <= threshold <= 1:
        raise InputFailure(f"--threshold {threshold:g}: must lie between 0 and 1")
    if not 0 <= target_false_per_hour < math.inf:
        raise InputFailure(f"--target-false-per-hour {target_false_per_hour:g}: must be 0 or more")
    loaded = load_profile(profile)
    return StreamRequest(
        dataset=printable(dataset),
        streams=StreamFolder(Path(dataset)),
        out=made(Path(out)),
        runtime_url=runtime_url,
        profile=loaded,
        threshold=loaded.threshold if threshold is None else threshold,
        target_false_per_hour=target_false_per_hour,
        scenes=scenes,
        talk_over=talk_over,
        second_run=second_run,
        seed=seed,
        tail_s=tail_s,
        sessions=sessions,
        peer=None if peer is None else load_yaml(Path(peer), AudioChatSettings, "peer"),
    )
