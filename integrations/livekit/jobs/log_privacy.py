"""Who was in which room, in every line of a worker under keys that LiveKit's exporters strip."""

from __future__ import annotations

import logging

PII_PREFIX = "lk.pii."
PERSONAL = frozenset(
    {
        "room", "room_name", "participant", "participant_identity", "identity", "caller_identity",
        "expected_identity", "publishing_participant",
    }
)  # fmt: skip


class PersonalFields(logging.Filter):
    """For handlers: LiveKit's own lines put room names and identities under plain keys."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name in PERSONAL & vars(record).keys():
            setattr(record, PII_PREFIX + name, record.__dict__.pop(name))
        return True


def keep_private() -> None:
    """The lines of job processes pass through the handlers of their worker as well."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(one, PersonalFields) for one in handler.filters):
            handler.addFilter(PersonalFields())
