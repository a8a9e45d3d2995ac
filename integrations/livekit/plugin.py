"""Interject among LiveKit's plugins: its version in reports, its logger in LiveKit's set-up."""

from __future__ import annotations

import logging
import threading

from livekit.agents import Plugin

from interject import __version__
from interject.integrations.livekit.log_filter import LogFilter

logger = logging.getLogger("interject.integrations.livekit")
LOG_FILTER = LogFilter()


class InterjectPlugin(Plugin):
    """It has no files to download: weights are the runtime's affair."""

    def __init__(self) -> None:
        super().__init__(__name__, __version__, "interject", logger)


def register() -> None:
    """Once a process. LiveKit allows it on the main thread only; elsewhere nothing is lost."""
    logging.getLogger("livekit.agents").addFilter(LOG_FILTER)
    known = any(isinstance(plugin, InterjectPlugin) for plugin in Plugin.registered_plugins)
    if not known and threading.current_thread() is threading.main_thread():
        Plugin.register_plugin(InterjectPlugin())
