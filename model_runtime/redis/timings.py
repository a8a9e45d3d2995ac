"""How often things are done, and how long a silence means that somebody is gone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timings:
    """`tick_s` is the least time from one read of the streams with news to the next, and from one
    writing of frames to the next: what comes meanwhile goes together, which costs much less.
    Notices are waited for `wait_s`; all streams are read in turn, each once in `round_s`.

    `worker_lease_s` without a beat makes a worker's sessions anyone's. So do two looks in a row,
    `look_s` apart, that find it no longer connected. A client that was not seen
    for `client_lease_s` may be replaced, after `grace_s` its sessions are closed. What is left of a
    closed session is kept for `retention_s`, of one that has neither a worker nor a client any more
    for `kept_s`. A worker that starts waits `start_s` for its Redis. A
    session that neither Redis nor a worker knows any more is lost after `lost_s`. Its client waits
    for a worker for `grace_s` more, and for its end to be confirmed no longer than `close_s`.
    """

    tick_s: float = 0.0005
    wait_s: float = 0.025
    round_s: float = 0.25
    beat_s: float = 0.25
    look_s: float = 0.1
    worker_lease_s: float = 1.0
    client_lease_s: float = 2.0
    grace_s: float = 30.0
    retention_s: float = 120.0
    kept_s: float = 600.0
    open_s: float = 20.0
    close_s: float = 2.0
    start_s: float = 10.0
    lost_s: float = 5.0
    drain_s: float = 10.0
    first_retry_s: float = 0.02
    longest_retry_s: float = 0.5


def milliseconds(seconds: float) -> int:
    """As Redis wants them."""
    return round(seconds * 1000)
