"""`interject doctor`: what is installed, what is missing, what to do."""

from __future__ import annotations

from interject.cli.process.device_options import Context, KvCacheDtype
from interject.cli.process.failures import EXIT_DIFFERS, command


@command
def doctor(context: Context = "auto", kv_cache_dtype: KvCacheDtype = "auto") -> int:
    """Show what is installed, what is missing, and the command that mends it."""
    import sys

    from interject.cli.doctor.checks import examine
    from interject.cli.doctor.findings_table import show
    from interject.model_runtime.device_choice import DeviceChoice

    findings = examine(DeviceChoice(context=context, kv_cache_dtype=kv_cache_dtype))
    show(findings, sys.stdout)
    return EXIT_DIFFERS if any(finding.blocks for finding in findings) else 0
