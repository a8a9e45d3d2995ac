"""Naming a runtime by a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from interject.model_runtime.protocol import Runtime

EMBEDDED_PREFIX = "embedded:"


def open_runtime(url: str, *, slots: int = 8) -> Runtime:
    """Open `embedded:nano` or `embedded:DIRECTORY`. Only this imports torch, and only then.

    :raises RuntimeFailure: when the URL names no runtime, or its model cannot be loaded.
    """
    if not url.startswith(EMBEDDED_PREFIX):
        raise RuntimeFailure(
            f"{url}: not a runtime; use {EMBEDDED_PREFIX}nano or {EMBEDDED_PREFIX}DIRECTORY"
        )
    try:
        from interject.model_runtime.checkpoint import load_checkpoint
        from interject.model_runtime.embedded import EmbeddedRuntime
    except ModuleNotFoundError as error:
        raise RuntimeFailure(
            f"an embedded model needs {error.name}: pip install 'interject[runtime]'"
        ) from error
    return EmbeddedRuntime(load_checkpoint(url.removeprefix(EMBEDDED_PREFIX)), slots=slots)
