"""What the command that trains nano can be told. argparse, as typer may be missing."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from interject.model_runtime.device_choice import AUTO, DTYPES
from interject.model_runtime.network.architecture import GROUPINGS, UNGROUPED
from interject.training.nano.stock_shares import Ablation

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORTEST_MINUTES = 0.1


@dataclass(frozen=True, slots=True)
class NanoOptions:
    """As they were given. `start` is a run's folder or a model, `cache` where speech is kept.

    `minutes` are those of training alone, and of the whole command where there is a bank. With
    `steps` they do not count.
    """

    out: Path
    minutes: float = 75.0
    steps: int | None = None
    seed: int = 1
    resume: bool = False
    start: Path | None = None
    threads: int = 2
    cache: Path | None = None
    speech: tuple[Path, ...] = ()
    recordings: Path | None = None
    hard: Path | None = None
    bank: Path | None = None
    device: str = AUTO
    dtype: str = AUTO
    processes: int | None = None
    streams: int | None = None
    without: tuple[Ablation, ...] = ()
    control_weight: float | None = None
    grouping: int = UNGROUPED
    small: bool = False


def read_options(words: Sequence[str] | None = None) -> NanoOptions:
    """:raises SystemExit: with 2 and one line on stderr, when a word makes no sense."""
    given = vars(_parser().parse_args(words))
    return NanoOptions(**given | {name: tuple(given[name]) for name in ("speech", "without")})


class _OneLineParser(argparse.ArgumentParser):
    """Its own complaints begin with twenty lines of usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; --help tells what there is\n")


def _parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(
        prog="python -m interject.training.nano",
        description="Make the data, train, write the averaged model to OUT/model.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--out", type=Path, required=True, help="folder for checkpoints and the result")
    add("--minutes", type=minutes, default=75.0,
        help="time to train, without the data; with --bank of the whole command")  # fmt: skip
    add("--steps", type=number, help="so many in place of --minutes: the same run anywhere")
    add("--seed", type=int, default=1, help="seed of the data and the weights")
    add("--resume", action="store_true", help="go on from the last checkpoint in OUT")
    add("--start", type=Path, help="begin with the weights of the run, or model, in this folder")
    add("--threads", type=number, default=2, help="CPU threads of the trainer")
    add("--cache", type=Path, help="where the speech is kept; OUT when left out")
    add("--speech", type=Path, action="append", default=[], metavar="FILE",
        help="a bank of natural voices; may be given several times")  # fmt: skip
    add("--recordings", type=Path, metavar="DIR", help="a collection of recordings")
    add("--hard", type=Path, metavar="FILE",
        help="which recordings are drawn more often: see hard_recordings")  # fmt: skip
    add("--bank", type=Path,
        help="speech and recordings, packed by interject.training.bank")  # fmt: skip
    add("--device", default=AUTO, help="auto (a GPU where there is one), cpu, cuda, or cuda:N")
    add("--dtype", default=AUTO, choices=DTYPES, help="of products; auto: bfloat16")
    add("--processes", type=number, help="that mix streams; all cores but one for a GPU, else 1")
    add("--streams", type=number, help="streams of 12 s a step; 64 on a GPU, else 16")
    add("--without", type=ablation, action="append", default=[], metavar="PART",
        help=f"for an ablation, one of {', '.join(Ablation)}; may be repeated")  # fmt: skip
    add("--control-weight", type=float, help="of the decisions' loss; 4 when left out")
    add("--grouping", type=int, choices=GROUPINGS, default=UNGROUPED,
        help="embeddings of 40 ms that the decoder reads as one")  # fmt: skip
    add("--small", action="store_true", help="little data, tiny batches: to try it out")
    return parser


def minutes(text: str) -> float:
    """argparse names this function in its complaints."""
    value = float(text)
    if not SHORTEST_MINUTES <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: at least {SHORTEST_MINUTES:g} minutes")
    return value


def ablation(text: str) -> Ablation:
    if text not in tuple(Ablation):
        raise argparse.ArgumentTypeError(f"{text}: must be one of {', '.join(Ablation)}")
    return Ablation(text)


def number(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text}: at least 1")
    return count
