"""Interject: an always-on audio agent that decides for itself when to speak."""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = ["__version__"]
