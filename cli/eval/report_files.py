"""The three files of a report."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from interject.cli.eval.request import JSON_NAME, PAGE_NAME, PICTURE_NAME
from interject.cli.process.failures import attempt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def write_report(out: Path, json: str, page: str, draw: Callable[[Path], object]) -> bool:
    """Whether all of them are there."""
    tasks: dict[str, Callable[[], object]] = {
        JSON_NAME: partial((out / JSON_NAME).write_text, json, encoding="utf-8"),
        PAGE_NAME: partial((out / PAGE_NAME).write_text, page, encoding="utf-8"),
        PICTURE_NAME: partial(draw, out / PICTURE_NAME),
    }
    written = [attempt(f"--out {out / name}", write) for name, write in tasks.items()]
    return all(written)
