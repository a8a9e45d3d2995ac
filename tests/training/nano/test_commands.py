from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer import Typer
from typer.testing import CliRunner

from interject.model_runtime.checkpoint import load_checkpoint
from interject.training.nano import examine
from interject.training.nano.__main__ import main
from interject.training.nano.options import read_options
from interject.training.nano.recipe import TRAINING_SHARES
from interject.training.nano.stock_shares import Ablation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def command(function: Callable[..., None]) -> Typer:
    app = Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command()(function)
    return app


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_small_run_trains_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, quick = str(tmp_path), ["--small", "--threads", "1"]
    assert main(["--out", out, "--minutes", "0.1", *quick]) == 0
    assert "step 1 " in capsys.readouterr().out
    assert load_checkpoint(tmp_path / "model").parameter_count() > 5_000_000
    assert main(["--out", out, "--minutes", "0.15", *quick, "--resume"]) == 0
    other = ["--out", str(tmp_path / "other"), "--cache", out, "--start", out]
    assert main([*other, "--minutes", "0.1", *quick]) == 0
    assert len(list(tmp_path.glob("speech-*.npz"))) == 1


def test_an_ablation_is_told_by_name() -> None:
    given = read_options(["--out", "x", "--without", "natural", "--without", "recorded"])
    assert given.without == (Ablation.NATURAL, Ablation.RECORDED)
    left = TRAINING_SHARES.without(given.without)
    assert (left.natural, left.recorded) == (0, 0)
    assert left.lone == TRAINING_SHARES.lone > 0


def test_an_unknown_set_is_named_with_the_known_ones(tmp_path: Path) -> None:
    arguments = ["nano", "--cache", str(tmp_path), "--only", "nobody"]
    done = CliRunner().invoke(command(examine.main), arguments)
    assert done.exit_code == 2
    assert "no set 'nobody'; there are: training voices" in done.output.replace("\n", " ")


def test_a_missing_model_is_one_clear_line(tmp_path: Path) -> None:
    arguments = [str(tmp_path / "none"), "--cache", str(tmp_path)]
    done = CliRunner().invoke(command(examine.main), arguments)
    assert done.exit_code == 2
    assert "no such directory" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--resume"], "holds no checkpoint to go on from"),
        (["--start", "nowhere"], "nowhere holds no run to start from and no model"),
        (["--small", "--recordings", "nowhere"], "index.jsonl: no such file"),
        (["--small", "--speech", "nowhere.npz"], "nowhere.npz: no such file"),
        (["--minutes", "0"], "0: at least 0.1 minutes"),
        (["--threads", "none"], "invalid number value: 'none'"),
        (["--without", "all"], "all: must be one of natural, recorded, shouted, lone, line;"),
        (["--with", "all"], "unrecognized arguments: --with all; --help tells what there is"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    words: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: int | str | None = main(["--out", str(tmp_path), *words])
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1
