"""docs/webrtc.md names every request, message and limit that is in the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from interject.integrations.audio.source_queue import MOST_HELD_SAMPLES
from interject.integrations.conversation.floor_control import Method
from interject.integrations.web.body_limit import MAX_BODY_BYTES
from interject.integrations.webrtc import message_channel, offers, peer, rtvi, track_sink
from interject.integrations.webrtc.arrivals import OVERDUE_S
from interject.integrations.webrtc.jitter_buffer import WAIT_S
from interject.integrations.webrtc.settings import WebRtcSettings
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "webrtc.md").read_text(encoding="utf-8")
FOLDER = ROOT / "integrations" / "webrtc"
KINDS = (
    "bot-ready", "bot-llm-started", "bot-llm-text", "bot-llm-stopped", "bot-output",
    "bot-tts-text", "bot-started-speaking", "bot-stopped-speaking", "server-message",
    "server-response", "error-response", "client-ready", "send-text", "dtmf", "client-message",
    "disconnect-bot", rtvi.PEER_LEFT, rtvi.TRACK_STATUS,
)  # fmt: skip


@pytest.mark.parametrize("name", [method.value.removeprefix("interject.") for method in Method])
def test_every_control_is_on_the_page(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("kind", KINDS)
def test_every_message_is_on_the_page_and_in_the_code(kind: str) -> None:
    assert kind in PAGE
    assert any(f'"{kind}"' in path.read_text("utf-8") for path in FOLDER.glob("*.py"))


def test_limits_are_those_of_the_code() -> None:
    settings = WebRtcSettings()
    for claim in (
        (
            f"{offers.MOST_SDP_CHARS >> 10} KiB of SDP, {peer.MOST_CANDIDATES} candidates, "
            f"{MAX_BODY_BYTES >> 10} KiB a request"
        ),
        (
            f"{message_channel.MOST_CHARS:,} characters, {message_channel.PER_SECOND:.0f} a second "
            f"with bursts of {message_channel.BURST}"
        ),
        f"noticed after {settings.gone_after_s:.0f} s without sound and message",
        f"ends after {settings.connect_within_s:.0f} s, in a full house after {OVERDUE_S:.0f} s",
        f"a hole waits for it for up to {1e3 * WAIT_S:.0f} ms",
        f"up to {MOST_HELD_SAMPLES / SAMPLE_RATE_HZ:.0f} s of them",
        f"jitter buffer: {1e3 * track_sink.RECEIVER_DELAY_S:.0f} ms, unless it says how much",
    ):
        assert claim in PAGE, claim
