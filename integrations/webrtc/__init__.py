"""Browsers and whoever else speaks WebRTC, through aiortc."""

from __future__ import annotations
