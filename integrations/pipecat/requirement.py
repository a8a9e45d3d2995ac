"""Which Pipecat the services are written for, told in one line where it is another."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

PACKAGE = "pipecat-ai"
MAJOR, LEAST_MINOR = 1, 14


def installed() -> str | None:
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return None


def require_pipecat(found: str | None) -> None:
    """:raises ImportError: when it is missing, too old or too new."""
    if found is None:
        raise ImportError(_needed("none is installed"))
    major, minor, *_ = (*found.split("."), "0")
    if not (major == str(MAJOR) and minor.isdecimal() and int(minor) >= LEAST_MINOR):
        raise ImportError(_needed(f"{found} is installed"))


def _needed(there: str) -> str:
    return (
        f"this needs {PACKAGE} {MAJOR}.{LEAST_MINOR} or a later {MAJOR}, and {there}: "
        "pip install 'interject[pipecat]'"
    )
