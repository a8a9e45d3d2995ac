"""The program `interject`."""

from __future__ import annotations

import signal


def main() -> None:
    """Ctrl-C while modules are imported, of ours as of others, ends the process without a word."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    from interject.cli.program import run

    run(before)
