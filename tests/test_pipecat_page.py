"""docs/pipecat.md is kept as code is: its code is the example's, its commands are typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from interject.integrations.pipecat.settings import LIVE, Interruptions

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "pipecat.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / "examples" / "pipecat_bot.py").read_text(encoding="utf-8")
LIVE_TESTS = ROOT / "tests" / "live" / "pipecat"

TYPED_BY_A_TEST = {
    "python examples/pipecat_bot.py": "test_example.py::test_a_bot_that_is_killed_leaves_nothing",
    "pipecat eval run examples/pipecat_eval.yaml": "test_example.py::test_pipecats_own_evaluation",
    "espeak-ng -v en-gb": "test_example.py::test_pipecats_own_evaluation",
}
TYPED_BY_HAND = {"make demo && .venv/bin/pip install": "it installs; make and CI do the same"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_pages_code_is_the_examples() -> None:
    [code] = blocks("python")
    assert "".join(code.split()) in "".join(EXAMPLE.split())


@pytest.mark.parametrize("line", [one for block in blocks("bash") for one in block.splitlines()])
def test_each_command_is_typed(line: str) -> None:
    known = TYPED_BY_A_TEST | TYPED_BY_HAND
    assert any(line.startswith(start) for start in known)


@pytest.mark.parametrize("place", sorted(set(TYPED_BY_A_TEST.values())))
def test_the_test_that_types_it_is_there(place: str) -> None:
    name, _, test = place.partition("::")
    assert f"async def {test}" in (LIVE_TESTS / name).read_text(encoding="utf-8")


def test_the_page_names_every_setting() -> None:
    for setting in (*LIVE, *(f'"{kind}"' for kind in Interruptions if kind != "never")):
        assert setting in PAGE
