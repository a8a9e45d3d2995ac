"""What the telephone costs and loses, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter


class TwilioMetrics:
    """One a door."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.refused = Counter(
            "interject_twilio_refused",
            "Requests, sockets and streams that were turned away, by the reason.",
            ("reason",),
            registry=registry,
        )
        self.endings = Counter(
            "interject_twilio_streams_ended",
            "Media streams that had an agent, by how they ended.",
            ("ending",),
            registry=registry,
        )
        self.bad_messages = Counter(
            "interject_twilio_bad_messages",
            "Messages of media streams that could not be read.",
            registry=registry,
        )
        self.late_chunks = Counter(
            "interject_twilio_late_chunks",
            "Pieces of sound that came twice or too late, and were dropped.",
            registry=registry,
        )
        self.gap_s = Counter(
            "interject_twilio_gap_seconds",
            "Sound that never came, by its time stamps.",
            registry=registry,
        )
        self.lost_marks = Counter(
            "interject_twilio_lost_marks",
            "Replies whose last mark did not come back.",
            registry=registry,
        )
