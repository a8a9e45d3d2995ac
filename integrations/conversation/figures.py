"""What rooms cost, for Prometheus. Job processes share these through LiveKit's collector."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)

ROOMS = Gauge(
    "interject_livekit_rooms", "Rooms that have an agent now.", multiprocess_mode="livesum"
)
ARRIVALS = Counter("interject_livekit_arrivals", "People who came into a room with an agent.")
DEPARTURES = Counter("interject_livekit_departures", "People who left a room with an agent.")
DECISION_S = Histogram(
    "interject_livekit_decision_seconds", "From a chunk's end to its decision.", buckets=_SECONDS
)
FIRST_TEXT_S = Histogram(
    "interject_livekit_first_text_seconds",
    "From the start of a reply to its first text.",
    buckets=_SECONDS,
)
FIRST_SOUND_S = Histogram(
    "interject_livekit_first_sound_seconds",
    "From the start of a reply to its first sound in the room.",
    buckets=_SECONDS,
)
REPLIES = Counter(
    "interject_livekit_replies", "Replies, by what caused them and what became of them.",
    ("cause", "verdict", "emotion", "end"),
)  # fmt: skip
