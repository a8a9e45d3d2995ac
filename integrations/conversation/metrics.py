"""What conversations cost, for Prometheus, under names that begin with their platform's."""

from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


class ConversationMetrics:
    """One a platform and process: `livekit` makes `interject_livekit_rooms` and so on; where the
    `place` is a call, they are `calls`.

    Processes of one machine may share them through Prometheus's files.
    """

    def __init__(
        self, platform: str, *, place: str = "room", registry: CollectorRegistry = REGISTRY
    ) -> None:
        def name(metric: str) -> str:
            return f"interject_{platform}_{metric}"

        self.rooms = Gauge(
            name(f"{place}s"),
            f"{place.capitalize()}s that have an agent now.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.arrivals = Counter(
            name("arrivals"), f"People who came into a {place} with an agent.", registry=registry
        )
        self.departures = Counter(
            name("departures"), f"People who left a {place} with an agent.", registry=registry
        )
        self.decision_s = Histogram(
            name("decision_seconds"),
            "From a chunk's end to its decision.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.first_text_s = Histogram(
            name("first_text_seconds"),
            "From the start of a reply to its first text.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.first_sound_s = Histogram(
            name("first_sound_seconds"),
            f"From the start of a reply to its first sound in the {place}.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.replies = Counter(
            name("replies"),
            "Replies, by what caused them and what became of them.",
            ("cause", "verdict", "emotion", "end"),
            registry=registry,
        )
        self.sounds = Counter(
            name("sounds"),
            "Sounds that replies called for, and what became of them.",
            ("kind", "outcome"),
            registry=registry,
        )
