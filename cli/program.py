"""What the program does, from its first module on."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from interject.cli.process.failures import EXIT_BAD_INPUT, EXIT_DIFFERS, complain, leave
from interject.cli.process.standard_streams import prepare


def run(on_interrupt: Any) -> None:
    """`on_interrupt` is what SIGINT does once everything is imported."""
    if 1 in prepare():
        complain("note: standard output is closed; nothing can be shown there")
    _check_working_folder()
    # A `numpy.py` in the working folder is not the one that a process of ours means.
    os.environ["PYTHONSAFEPATH"] = "1"
    from interject.cli.commands import app

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except (OSError, KeyboardInterrupt) as exc:
        leave(exc)
    except SystemExit as exc:
        # Typer and rich leave with 1, which stands for a defect, where nobody reads any more.
        if exc.code == EXIT_DIFFERS and isinstance(exc.__context__, BrokenPipeError):
            leave(exc.__context__)
        raise


def _check_working_folder() -> None:
    """Without one some libraries of PyTorch cannot be loaded, and end the process."""
    try:
        os.getcwd()
    except FileNotFoundError:
        complain("the working folder no longer exists; change to another one")
        sys.exit(EXIT_BAD_INPUT)
