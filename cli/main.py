"""The program `interject`."""

from __future__ import annotations

import signal
import sys

from interject.cli.failures import complain, leave
from interject.cli.standard_streams import prepare


def main() -> None:
    """Ctrl-C while modules are imported ends the process without a word."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    if 1 in prepare():
        complain("note: standard output is closed; nothing can be shown there")
    from interject.cli.commands import app

    signal.signal(signal.SIGINT, before)
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except OSError as exc:
        leave(exc)
