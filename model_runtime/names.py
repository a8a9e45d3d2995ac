"""How sessions are called where people read it: in logs, tables and traces."""

from __future__ import annotations

import hashlib


def shown(name: str) -> str:
    """A digest of a session's name or id. An id may hold personal data; and who knows the whole
    name that Redis' keys carry may do with the session what its client does.
    """
    return hashlib.sha256(name.encode()).hexdigest()[:24]
