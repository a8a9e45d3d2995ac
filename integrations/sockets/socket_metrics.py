"""What sockets cost and lose, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter


class SocketMetrics:
    """One a door; each by its platform."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.refused = Counter(
            "interject_sockets_refused",
            "Sockets that were not let in.",
            ("platform",),
            registry=registry,
        )
        self.endings = Counter(
            "interject_sockets_ended",
            "Sockets that were let in, by how they ended.",
            ("platform", "ending"),
            registry=registry,
        )
        self.bad_messages = Counter(
            "interject_sockets_bad_messages",
            "Messages that could not be read or used.",
            ("platform",),
            registry=registry,
        )
        self.missing_s = Counter(
            "interject_sockets_missing_seconds",
            "Sound of which the platform says that it never comes.",
            ("platform",),
            registry=registry,
        )
        self.lost_marks = Counter(
            "interject_sockets_lost_marks",
            "Replies whose last mark did not come back.",
            ("platform",),
            registry=registry,
        )
