"""The glossary and the way of a frame name what is there, and no two classes share a name."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("agent", "cli", "config", "integrations", "model_runtime", "training")
ROW = re.compile(r"^\| (?P<term>[^|]+) \| [^|]+ \| (?P<modules>`[^|]+`) \|$", re.MULTILINE)
MOST_ROWS = 30
MOST_STEPS = 15
LONGEST_LINES = 305


def glossary() -> dict[str, tuple[str, ...]]:
    """The modules of each term. A term in backticks is the name of a class."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = page.partition("\n## Glossary\n")[2].partition("\n## ")[0]
    return {
        row["term"]: tuple(re.findall(r"`([\w.]+)`", row["modules"]))
        for row in ROW.finditer(section)
    }


def steps() -> list[str]:
    """The module of each step of a frame's way through Redis."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = page.partition("\n## The way of one frame through Redis\n")[2].partition("\n## ")[0]
    return re.findall(r"^\d+\. `([\w.]+)`", section, re.MULTILINE)


def classes() -> dict[str, set[str]]:
    """The modules of each public class of the product."""
    found = defaultdict(set)
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found[node.name].add(module.removesuffix(".__init__"))
    return found


GLOSSARY, CLASSES = glossary(), classes()


def test_the_glossary_is_short() -> None:
    assert 15 <= len(GLOSSARY) <= MOST_ROWS


@pytest.mark.parametrize("term", GLOSSARY)
def test_a_term_is_where_the_glossary_says(term: str) -> None:
    for module in GLOSSARY[term]:
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or path.is_dir(), f"{module} is not there"
        if term.startswith("`"):
            assert module in CLASSES[term.strip("`")], f"{module} has no class {term}"


def test_no_two_classes_share_a_name_unless_they_are_the_same_noun() -> None:
    shared = {
        name: sorted(modules)
        for name, modules in CLASSES.items()
        if len(modules) > 1 and set(GLOSSARY.get(f"`{name}`", ())) != modules
    }
    assert shared == {}


def test_a_frame_s_way_through_redis_is_at_most_fifteen_modules_that_are_there() -> None:
    modules = steps()
    assert 10 <= len(modules) == len(set(modules)) <= MOST_STEPS
    paths = [ROOT / "model_runtime" / module.replace(".", "/") for module in modules]
    assert [path for path in paths if not path.with_suffix(".py").is_file()] == []


def test_a_long_module_says_why_in_its_docstring() -> None:
    long = {
        str(path.relative_to(ROOT)): ast.get_docstring(ast.parse(text)) or ""
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if (text := path.read_text(encoding="utf-8")).count("\n") > LONGEST_LINES
    }
    assert {path for path, docstring in long.items() if "long because" not in docstring} == set()
