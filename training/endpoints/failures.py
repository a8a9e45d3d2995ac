"""How asking a server can end badly. Every message is one line, and holds no key."""

from __future__ import annotations


class EndpointFailure(Exception):
    """A server cannot be used; the message says which, why, and what to do."""


class BudgetSpent(EndpointFailure):
    """As many requests were sent as the user allowed."""


class UnusableAnswer(EndpointFailure):
    """The server works, but what it says is of no use; another question may fare better."""
