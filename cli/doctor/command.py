"""`interject doctor`: what is installed, what is missing, what to do."""

from __future__ import annotations

from interject.cli.process.failures import EXIT_DIFFERS, command


@command
def doctor() -> int:
    """Show what is installed, what is missing, and the command that mends it."""
    import sys

    from interject.cli.doctor.checks import examine
    from interject.cli.doctor.findings_table import show

    findings = examine()
    show(findings, sys.stdout)
    return EXIT_DIFFERS if any(finding.blocks for finding in findings) else 0
