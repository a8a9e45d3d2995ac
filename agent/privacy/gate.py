"""The gate itself: whatever a session lets out as text has passed here.

Everybody who opens a session of a model opens it at `gated`. What speaks, shows, posts, delivers,
logs or keeps a reply has then never seen anything else. What comes of people's own writing and of
recognisers passes a `Redactor` of the same settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.agent.cues.tagged_runtime import without_tags
from interject.agent.privacy.redacted_runtime import RedactedSession
from interject.agent.privacy.redactor import Redactor
from interject.agent.rewritten_runtime import RewrittenRuntime

if TYPE_CHECKING:
    from interject.config import Profile
    from interject.model_runtime.protocol import Runtime


def gated(runtime: Runtime, profile: Profile) -> Runtime:
    """Tags go first, so that none hides a number in two."""
    runtime = without_tags(runtime, profile)
    redactor = Redactor(profile.privacy)
    if not redactor:
        return runtime
    return RewrittenRuntime(runtime, lambda inner: RedactedSession(inner, redactor))
