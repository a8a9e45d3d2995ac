from __future__ import annotations

import json
from typing import TYPE_CHECKING

from typer import Typer
from typer.testing import CliRunner

from interject.training.nano import model_card
from interject.training.nano.evaluation import EventCounts, Score
from interject.training.nano.examine import summary
from interject.training.nano.trainer import CURVE_FILE

if TYPE_CHECKING:
    from pathlib import Path


def test_the_card_holds_the_figures_and_the_limits(tmp_path: Path) -> None:
    score = Score(hours=0.5)
    score.kinds["glass"] = EventCounts(wanted=10, found=9, exact=8, late=[0, 1])
    score.false_after["kettle"] = 2
    curve = [
        {"step": n + 1, "minutes": n / 2, "control": 0.5 / (n + 1), "text": 1.0, "phone": 2.0}
        for n in range(10)
    ]
    (tmp_path / CURVE_FILE).write_text("\n".join(json.dumps(line) for line in curve))
    scores, about = tmp_path / "scores.json", tmp_path / "about.json"
    sets = ("held-out voices", "held-out voices, threshold 0.8")
    scores.write_text(json.dumps(dict.fromkeys(sets, summary(score))))
    keys = (
        "parameters", "command", "seed", "hours", "hardware", "notes", "recordings", "natural",
    )  # fmt: skip
    about.write_text(json.dumps({key: f"the {key}" for key in keys}))
    app = Typer()
    app.command()(model_card.main)
    done = CliRunner().invoke(app, [str(tmp_path), str(scores), str(tmp_path), str(about)])
    assert done.exit_code == 0, done.output
    text = (tmp_path / model_card.CARD).read_text()
    assert "| held-out voices | 0.818 | 0.9 | 0.889 | 4.0 | 10 | 0.50 |" in text
    assert text.index("| held-out voices |") < text.index("at other thresholds")
    assert text.index("at other thresholds") < text.index("| held-out voices, threshold 0.8 |")
    assert "| glass | 9/10 (0) |" in text
    assert "What it cannot do" in text
    assert "`the command`" in text
    assert "Recordings: the recordings" in text
    assert "Natural voices: the natural" in text
    assert (tmp_path / model_card.FIGURE).read_bytes().startswith(b"\x89PNG")
