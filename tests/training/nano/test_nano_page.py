"""`docs/nano.md` says what was measured and what the catalogue holds."""

from __future__ import annotations

import json
import re
from pathlib import Path

from interject.training.nano.recorded_examination import table
from interject.training.recordings.recording import CollectedRecording
from interject.training.recordings.source import SourceUse, read_sources
from interject.training.recordings.summary import sources_table

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/nano.md").read_text(encoding="utf-8")
CREDITS = (ROOT / "model_runtime/nano/ATTRIBUTION.md").read_text(encoding="utf-8")
SCORES = ROOT / "benchmarks/results/recordings/nano.json"
GROUPING = ROOT / "benchmarks/results/grouping.json"


def test_the_figures_are_those_that_were_measured() -> None:
    assert table(json.loads(SCORES.read_text(encoding="utf-8"))) in PAGE


def test_the_comparison_with_grouped_embeddings_is_the_one_that_was_measured() -> None:
    result = json.loads(GROUPING.read_text(encoding="utf-8"))
    for row in (result["columns"], *result["rows"]):
        assert f"| {' | '.join(row)} |" in PAGE


def test_every_source_is_on_the_page() -> None:
    assert sources_table(read_sources().values()) in PAGE


def test_the_line_of_an_index_is_one() -> None:
    block = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    assert CollectedRecording.model_validate_json(block[1]).label == "cough"


def test_whoever_the_weights_owe_a_credit_is_named_beside_them() -> None:
    sources = read_sources()
    credited = set(re.findall(r"^## (.+)$", CREDITS, re.MULTILINE))
    trained = {name for name, source in sources.items() if source.use is SourceUse.TRAIN}
    assert trained <= credited <= sources.keys()
