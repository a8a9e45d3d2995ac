"""`interject doctor`: what is installed, what is missing, what to do."""

from __future__ import annotations

from interject.cli.process.device_options import Context
from interject.cli.process.failures import EXIT_DIFFERS, command


@command
def doctor(context: Context = "auto") -> int:
    """Show what is installed, what is missing, and the command that mends it."""
    import sys

    from interject.cli.doctor.checks import examine
    from interject.cli.doctor.findings_table import show
    from interject.model_runtime.device_choice import DeviceChoice

    findings = examine(DeviceChoice(context=context))
    show(findings, sys.stdout)
    return EXIT_DIFFERS if any(finding.blocks for finding in findings) else 0
