from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer import Typer
from typer.testing import CliRunner

from interject.model_runtime.checkpoint import load_checkpoint
from interject.training.nano import examine
from interject.training.nano import train as nano

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def command(function: Callable[..., None]) -> Typer:
    app = Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command()(function)
    return app


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_small_run_trains_and_goes_on(tmp_path: Path) -> None:
    app, out = command(nano.train), str(tmp_path)
    done = CliRunner().invoke(app, ["--out", out, "--minutes", "0.1", "--small", "--threads", "1"])
    assert done.exit_code == 0, done.output
    assert "step 1 " in done.output
    assert load_checkpoint(tmp_path / "model").parameter_count() > 5_000_000
    again = ["--out", out, "--minutes", "0.15", "--small", "--threads", "1", "--resume"]
    assert CliRunner().invoke(app, again).exit_code == 0
    another = ["--out", str(tmp_path / "other"), "--cache", out, "--minutes", "0.1", "--small"]
    done = CliRunner().invoke(app, [*another, "--threads", "1", "--start", out])
    assert done.exit_code == 0, done.output
    assert len(list(tmp_path.glob("speech-*.npz"))) == 1


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


def test_there_must_be_something_to_go_on_from(tmp_path: Path) -> None:
    done = CliRunner().invoke(command(nano.train), ["--out", str(tmp_path), "--resume"])
    assert done.exit_code == 2
    assert "holds no checkpoint to go on from" in done.output


def test_there_must_be_a_run_to_start_from(tmp_path: Path) -> None:
    arguments = ["--out", str(tmp_path / "out"), "--start", str(tmp_path)]
    done = CliRunner().invoke(command(nano.train), arguments)
    assert done.exit_code == 2
    assert "holds no run to start from" in done.output
