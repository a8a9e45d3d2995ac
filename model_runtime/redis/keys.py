"""The names of everything that is kept in Redis."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


def session_key(session_id: str) -> str:
    """A session's name in keys: session ids may hold personal data, key names must not."""
    return hashlib.sha256(session_id.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Keys:
    """Every key of a shard carries its hash tag, so that a cluster keeps them in one place."""

    shard: str

    @property
    def prefix(self) -> str:
        """What every key of the shard begins with."""
        return f"interject:{{{self.shard}}}:"

    @property
    def probe(self) -> str:
        """Never exists. Who can say so serves the shard, and is not handing it to another node."""
        return f"{self.prefix}probe"

    @property
    def fleet(self) -> str:
        """Set: the tokens of all workers that may hold sessions, live or dead."""
        return f"{self.prefix}fleet"

    @property
    def input_bell(self) -> str:
        """Stream: which sessions have new input."""
        return f"{self.prefix}bell:in"

    @property
    def output_bell(self) -> str:
        """Stream: which sessions have new events."""
        return f"{self.prefix}bell:out"

    def worker(self, token: str) -> str:
        """Hash that expires with the worker's lease: its slots."""
        return f"{self.prefix}worker:{token}"

    def name(self, worker: str) -> str:
        """String that expires with the lease: the token of the worker with this name."""
        return f"{self.prefix}name:{worker}"

    def alive(self, token: str) -> str:
        """Channel on which nothing is said: who is subscribed to it lives."""
        return f"{self.prefix}alive:{token}"

    def owned(self, token: str) -> str:
        """Set: the sessions of a worker."""
        return f"{self.prefix}owned:{token}"

    def todo(self, token: str) -> str:
        """List: sessions that were just given to a worker."""
        return f"{self.prefix}todo:{token}"

    def session(self, key: str) -> str:
        """Hash: owner, epoch, client and options of a session."""
        return f"{self.prefix}session:{key}"

    def input(self, key: str) -> str:
        """Stream: frames and controls."""
        return f"{self.prefix}in:{key}"

    def output(self, key: str) -> str:
        """Stream: events."""
        return f"{self.prefix}out:{key}"

    def journal(self, key: str) -> str:
        """Stream: what the worker did since its last snapshot."""
        return f"{self.prefix}journal:{key}"

    def snapshot(self, key: str) -> str:
        """String: the memory of a session, and how far it had come."""
        return f"{self.prefix}snapshot:{key}"
