from __future__ import annotations

from tests.live.webrtc.conftest import loopback

__all__ = ["loopback"]
