"""The life of a session in a worker: one state machine, and which thread touches what."""

from __future__ import annotations

import ast
from itertools import pairwise
from pathlib import Path

import pytest

import interject.model_runtime.redis.worker as package
from interject.model_runtime.redis.worker.owned_session import IllegalTransition, OwnershipState
from tests.model_runtime.redis.worker.owned import owned

FOLDER = Path(package.__path__[0])
LIVES = [
    "assigned serving ending ended",
    "assigned serving leaving left ended",
    "assigned serving leaving ending ended",
    "assigned serving ended",
    "assigned restoring serving ended",
    "assigned restoring ending ended",
    "assigned restoring ended",
    "assigned ending ended",
]
NEVER_CHANGE = {"key", "options", "epoch"}


@pytest.mark.parametrize("life", LIVES)
def test_a_session_may_live_so(life: str) -> None:
    session = owned("a")
    for state in life.split()[1:]:
        session.move(OwnershipState(state))
    assert session.state is OwnershipState.ENDED


def test_no_other_move_is_made() -> None:
    legal = {step for life in LIVES for step in pairwise(life.split())} | {("left", "ended")}
    legal.add(("leaving", "ended"))
    for now in OwnershipState:
        for wanted in OwnershipState:
            session = owned("a")
            session.state = now
            if (now.value, wanted.value) in legal:
                session.move(wanted)
                continue
            with pytest.raises(IllegalTransition):
                session.move(wanted)
            assert session.state is now


def test_an_illegal_move_says_what_was_expected_and_what_came() -> None:
    session = owned("a")
    session.state = OwnershipState.ENDED
    with pytest.raises(IllegalTransition, match="serving follows assigned or restoring, not ended"):
        session.move(OwnershipState.SERVING)
    with pytest.raises(IllegalTransition, match="assigned follows no state, not ended"):
        session.move(OwnershipState.ASSIGNED)


def touched(module: Path) -> set[str]:
    """Attributes of whatever is called `session` in a module, of a pending restore or a batch."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Attribute):
            continue
        whose = node.value
        if getattr(whose, "id", getattr(whose, "attr", "")) == "session":
            names.add(node.attr)
    return names


def test_the_engines_thread_touches_its_own_part_alone_and_nobody_else_does() -> None:
    modules = {path.stem: touched(path) for path in FOLDER.rglob("*.py")}
    assert modules.pop("engine_executor") == NEVER_CHANGE - {"epoch"} | {"engine"}
    assert modules["output_writer"] >= {"log", "state"}, "the rule looks at the right names"
    assert [name for name, attributes in modules.items() if "engine" in attributes] == []
