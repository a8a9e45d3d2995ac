"""Every metric of the project, with its help text and its buckets.

No label holds a session, a user or any text: the number of series does not grow with use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram, Info

from interject import __version__

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

CHUNK_S = 0.4
DECISION_BUCKETS_S = (
    0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, CHUNK_S, 0.8, 1.6, 3.2,
)  # fmt: skip
"""A decision is due within 100 ms, and useless as a beat once the next chunk (400 ms) is there."""
FIRST_TEXT_BUCKETS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 5.0)
"""From the decision to the first words: the voice adds its own to what a person feels (800 ms)."""
REPLY_BUCKETS_S = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
WRITE_BUCKETS_S = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0)
"""A round trip to Redis on the same network; two seconds is where it is taken for gone."""


class WorkerMetrics:
    """Of a process that owns a model."""

    def __init__(self, registry: CollectorRegistry) -> None:
        _build(registry, "worker")
        self.slots = Gauge(
            "interject_slots", "Sessions that this worker can hold.", registry=registry
        )
        self.slots_free = Gauge(
            "interject_slots_free",
            "Sessions that this worker can still take; 0 while it drains.",
            registry=registry,
        )
        self.sessions = Gauge(
            "interject_sessions", "Sessions that this worker holds.", registry=registry
        )
        self.draining = Gauge(
            "interject_draining",
            "1 while the worker hands its sessions to others, else 0.",
            registry=registry,
        )
        self.decisions = Counter(
            "interject_decisions",
            "Chunks that the model decided on, by decision (silent or respond).",
            ["decision"],
            registry=registry,
        )
        self.decision_s = Histogram(
            "interject_decision_seconds",
            "Time from a frame's arrival in the worker to its decision.",
            buckets=DECISION_BUCKETS_S,
            registry=registry,
        )
        self.first_text_s = Histogram(
            "interject_reply_first_text_seconds",
            "Time from the start of a reply to its first text.",
            buckets=FIRST_TEXT_BUCKETS_S,
            registry=registry,
        )
        self.reply_s = Histogram(
            "interject_reply_seconds",
            "Time from the start of a reply to its last token.",
            buckets=REPLY_BUCKETS_S,
            registry=registry,
        )
        self.replies = Counter(
            "interject_replies",
            "Replies that were begun, by cause (the model itself, or a request).",
            ["cause"],
            registry=registry,
        )
        self.replies_ended = Counter(
            "interject_replies_ended",
            "Replies that ended, by reason (complete, cancelled, cut by a limit).",
            ["reason"],
            registry=registry,
        )
        self.reply_tokens = Counter(
            "interject_reply_tokens", "Tokens of all ended replies.", registry=registry
        )
        self.gap_frames = Counter(
            "interject_gap_frames",
            "Frames of 400 ms that the model never heard, by reason (missing or overload).",
            ["reason"],
            registry=registry,
        )
        self.closed = Counter(
            "interject_sessions_closed",
            "Sessions that ended, by reason.",
            ["reason"],
            registry=registry,
        )
        self.adopted = Counter(
            "interject_sessions_adopted",
            "Sessions that were taken in, by kind (new, or restored from another worker).",
            ["kind"],
            registry=registry,
        )
        self.fenced = Counter(
            "interject_sessions_fenced",
            "Sessions that another worker had taken over when this one wanted to write.",
            registry=registry,
        )
        self.refused_entries = Counter(
            "interject_refused_entries",
            "Stream entries that could not be read and were dropped.",
            registry=registry,
        )
        self.redis_write_s = Histogram(
            "interject_redis_write_seconds",
            "Time of one round trip that writes events to Redis.",
            buckets=WRITE_BUCKETS_S,
            registry=registry,
        )
        self.redis_outages = Counter(
            "interject_redis_outages",
            "Calls to Redis that failed because it was away or full.",
            registry=registry,
        )


class MediaMetrics:
    """Of a process that carries sound and holds no model."""

    def __init__(self, registry: CollectorRegistry) -> None:
        _build(registry, "media")
        self.sessions = Gauge(
            "interject_client_sessions",
            "Sessions that this process has open.",
            registry=registry,
        )
        self.busy = Counter(
            "interject_client_busy",
            "Sessions that were refused because every slot was taken.",
            registry=registry,
        )
        self.round_trip_s = Histogram(
            "interject_round_trip_seconds",
            "Time from pushing a frame to reading its decision, transport included.",
            buckets=DECISION_BUCKETS_S,
            registry=registry,
        )
        self.reply_start_s = Histogram(
            "interject_client_first_text_seconds",
            "Time from reading a decision to respond to reading the reply's first text.",
            buckets=FIRST_TEXT_BUCKETS_S,
            registry=registry,
        )
        self.undecided_frames = Counter(
            "interject_client_gap_frames",
            "Frames of 400 ms that a gap reported as never heard, by reason.",
            ["reason"],
            registry=registry,
        )


def _build(registry: CollectorRegistry, role: str) -> None:
    build = Info("interject_build", "Version and role of this process.", registry=registry)
    build.info({"version": __version__, "role": role})
