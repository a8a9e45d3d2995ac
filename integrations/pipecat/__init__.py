"""Interject in Pipecat pipelines. Names load when they are used: Pipecat itself takes seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interject.integrations.pipecat.llm_service import InterjectLLMService
    from interject.integrations.pipecat.settings import Interruptions
    from interject.integrations.pipecat.tts_service import InterjectTTSService

__all__ = ["InterjectLLMService", "InterjectTTSService", "Interruptions"]

HOMES = {
    "InterjectLLMService": "interject.integrations.pipecat.llm_service",
    "InterjectTTSService": "interject.integrations.pipecat.tts_service",
    "Interruptions": "interject.integrations.pipecat.settings",
}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    from interject.integrations.pipecat.requirement import installed, require_pipecat

    require_pipecat(installed())
    return getattr(importlib.import_module(HOMES[name]), name)
