"""What a user is told to type installs this program's packages, not those of somebody else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from interject.cli.process.installing import for_this_installation, rewritten

FOLDER = Path("/home/me/interject")
PYTHON = FOLDER / ".venv" / "bin" / "python"
EDITABLE = json.dumps({"dir_info": {"editable": True}, "url": "file:///home/me/interject"})
WHEEL = json.dumps(
    {"archive_info": {}, "url": "file:///tmp/a%20b/interject-0.1.0-py3-none-any.whl"}
)
ASKED = "rooms need the package livekit: pip install 'interject[livekit]', or leave them out"
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("origin", "folder", "command"),
    [
        (EDITABLE, FOLDER, ".venv/bin/python -m pip install -e '.[livekit]'"),
        (
            EDITABLE,
            Path("/tmp"),
            "/home/me/interject/.venv/bin/python -m pip install -e '/home/me/interject[livekit]'",
        ),
        (
            WHEEL,
            FOLDER,
            ".venv/bin/python -m pip install '/tmp/a b/interject-0.1.0-py3-none-any.whl[livekit]'",
        ),
        (None, FOLDER, ".venv/bin/python -m pip install 'interject[livekit]'"),
    ],
)
def test_the_command_names_where_the_installation_came_from(
    origin: str | None, folder: Path, command: str
) -> None:
    said = rewritten(ASKED, origin, python=PYTHON, folder=folder)
    assert said == f"rooms need the package livekit: {command}, or leave them out"


def test_the_package_itself_and_other_packages() -> None:
    again = "pip install --force-reinstall --no-deps interject"
    said = rewritten(again, EDITABLE, python=PYTHON, folder=FOLDER)
    assert said == ".venv/bin/python -m pip install --force-reinstall --no-deps -e ."
    for other in ("pip install wandb", "pip install interject-tools", "interject[eval] is there"):
        assert for_this_installation(other) == other


def test_no_page_tells_to_install_what_an_index_has_under_our_name() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    asked = re.compile(r"pip install (-U )?'?interject\b")
    assert [page.name for page in pages if asked.search(page.read_text(encoding="utf-8"))] == []


def test_a_command_that_lacks_a_package_says_the_whole_command() -> None:
    code = (
        "import sys; sys.modules['websockets'] = None; "
        "from interject.cli.main import main; "
        "sys.argv = 'interject twilio simulate x.wav --server http://127.0.0.1:1'.split(); "
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=50, cwd=ROOT
    )
    assert done.returncode == 2
    assert done.stderr.startswith("interject: telephones need the package websockets")
    assert " -m pip install -e '.[twilio]'" in done.stderr
