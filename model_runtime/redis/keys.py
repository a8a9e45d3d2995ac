"""The names of everything that is kept in Redis."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

DEFAULT_TENANT = "default"


def session_name(tenant: str, session_id: str, secret: str) -> str:
    """A session's name in keys. Nobody can guess it who does not know the secret: for another
    process of the same tenant it is all that stands between it and the session.

    Session ids may hold personal data, key names must not.
    """
    digest = hmac.digest(secret.encode(), session_id.encode(), "sha256")
    return f"{tenant}.{digest.hex()[:32]}"


def neighbourhood_name(tenant: str, secret: str) -> str:
    """Of the processes of a tenant that share a secret; no session has such an id."""
    return session_name(tenant, "\0neighbours", secret)


def tenant_of(name: str) -> str:
    """Whose a session is."""
    return name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Keys:
    """Every key of a shard carries its hash tag, so that a cluster keeps them in one place.

    A tenant's processes reach the keys that end in its name, or in a name that begins with it.
    """

    shard: str

    @property
    def prefix(self) -> str:
        """What every key of the shard begins with; the first number is the protocol's version."""
        return f"interject:2:{{{self.shard}}}:"

    @property
    def probe(self) -> str:
        """Never exists. Who can say so serves the shard, and is not handing it to another node."""
        return f"{self.prefix}probe"

    # Between a tenant and the workers

    def requests(self, tenant: str) -> str:
        """Stream: sessions that the tenant's clients want to begin or to go on with."""
        return f"{self.prefix}requests:{tenant}"

    def news(self, tenant: str) -> str:
        """Stream: which of the tenant's sessions have new input."""
        return f"{self.prefix}news:{tenant}"

    def notices(self, tenant: str, token: str) -> str:
        """Stream of one client: answers to its requests, and which sessions have new events."""
        return f"{self.prefix}notices:{tenant}.{token}"

    def room(self, tenant: str) -> str:
        """String that expires with the workers' leases: slots taken and slots there are."""
        return f"{self.prefix}room:{tenant}"

    def client(self, name: str) -> str:
        """String that expires with a client's grace: its token, generation and last entry read."""
        return f"{self.prefix}client:{name}"

    def input(self, name: str) -> str:
        """Stream: frames and controls."""
        return f"{self.prefix}in:{name}"

    def output(self, name: str) -> str:
        """Stream: events."""
        return f"{self.prefix}out:{name}"

    # Between the processes of a tenant that share a secret

    def neighbours(self, name: str) -> str:
        """Set: the tokens of those that show their sessions, live or dead."""
        return f"{self.prefix}neighbours:{name}"

    def bulletin(self, name: str, token: str) -> str:
        """String that expires with its process: what that shows to all."""
        return f"{self.prefix}bulletin:{name}.{token}"

    def mailbox(self, name: str, token: str) -> str:
        """Stream that expires with its process: what others have to say to it."""
        return f"{self.prefix}mailbox:{name}.{token}"

    # Of the workers alone

    @property
    def fleet(self) -> str:
        """Set: the tokens of all workers that may hold sessions, live or dead."""
        return f"{self.prefix}fleet"

    @property
    def tenants(self) -> str:
        """Set: the names of all tenants that are served."""
        return f"{self.prefix}tenants"

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

    def session(self, name: str) -> str:
        """Hash: owner, epoch and options of a session."""
        return f"{self.prefix}session:{name}"

    def journal(self, name: str) -> str:
        """Stream: what the worker did since its last snapshot."""
        return f"{self.prefix}journal:{name}"

    def snapshot(self, name: str) -> str:
        """String: the memory of a session, and how far it had come."""
        return f"{self.prefix}snapshot:{name}"
