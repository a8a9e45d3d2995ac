"""From an event of a scene to what to look for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from interject.training.curation.scenario import EventRole
from interject.training.curation.sound_index import IGNORED
from interject.training.curation.sound_query import LEAST_WORDS, MOST_WORDS, SoundQuery
from interject.training.curation.synthesised_sound import kind_of, words_of
from interject.training.endpoints.chat_endpoint import Question

if TYPE_CHECKING:
    from interject.training.curation.scenario import Scenario, SubEvent
    from interject.training.endpoints.chat_endpoint import ChatEndpoint

_ROLE = "You search libraries of sounds."
_TASK = """For one event of this scene write what to search for.
- query: {least} to {most} words.
- fallback_caption: one or two sentences for somebody who has to make the sound, with material, \
surface and intensity.
- accept_tags: tags of recordings that would be right, in lower case.

Scene: {scenario}
Event: {name} ({role}, about {seconds:g} s): {description}
"""
_PADDING = {
    EventRole.FOREGROUND: ("close", "clear", "single", "isolated"),
    EventRole.BACKGROUND: ("distant", "soft", "background", "ordinary"),
    EventRole.AMBIENT: ("steady", "continuous", "ambience", "background"),
}


class EventRefiner(Protocol):
    """One query for each event."""

    def refine(self, scenario: Scenario, event: SubEvent) -> SoundQuery: ...


class ModelRefiner:
    """A language model."""

    def __init__(self, chat: ChatEndpoint) -> None:
        self._chat = chat

    def refine(self, scenario: Scenario, event: SubEvent) -> SoundQuery:
        """:raises UnusableAnswer: when the model gives no valid query.
        :raises EndpointFailure: when the server cannot be used.
        """
        text = _TASK.format(
            least=LEAST_WORDS, most=MOST_WORDS, scenario=scenario.scenario, name=event.name,
            role=event.role.value, seconds=event.rough_duration_s,
            description=event.brief_description,
        )  # fmt: skip
        return self._chat.ask(Question(_ROLE, text), SoundQuery)


class RuleRefiner:
    """The words of the event itself, filled up with what its role means."""

    def refine(self, scenario: Scenario, event: SubEvent) -> SoundQuery:
        words = [
            word
            for word in f"{event.name} {event.brief_description}".lower().split()
            if word.strip(".,;:!?") not in IGNORED and any(map(str.isalnum, word))
        ]
        distinct = list(dict.fromkeys(word.strip(".,;:!?\"'()")[:40] for word in words))
        padding = [word for word in _PADDING[event.role] if word not in distinct]
        short_of = max(0, LEAST_WORDS - len(distinct))
        query = [*distinct[: MOST_WORDS - 1], *padding[: max(1, short_of)]]
        kind = kind_of(f"{event.name} {event.brief_description}")
        tags = [event.name[:60], *(sorted(words_of(kind)) if kind else ())]
        return SoundQuery(
            query=" ".join(query[:MOST_WORDS]),
            fallback_caption=_caption(event),
            accept_tags=tuple(dict.fromkeys(tag.lower() for tag in tags))[:20],
        )


def _caption(event: SubEvent) -> str:
    """One sentence: marks inside would make more of it."""
    text = "".join(" " if letter in ".!?" else letter for letter in event.brief_description)
    how = ", ".join(_PADDING[event.role][:2])
    return f"{' '.join(text.split())[:300] or event.name}, {how}."
