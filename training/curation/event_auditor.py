"""Whether an event of a scene is a reason to speak up, and what is said then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Protocol, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from interject.config.strict import StrictModel
from interject.model_runtime.protocol import Emotion
from interject.training.curation.sound_index import terms
from interject.training.endpoints.chat_endpoint import Question
from interject.training.soundflow.procedural_library import MEANINGS
from interject.training.soundflow.silence_audit import (
    AuditLabel,
    RespondCriterion,
    SilenceAudit,
    audited,
)

if TYPE_CHECKING:
    from interject.training.curation.scenario import Scenario, SubEvent
    from interject.training.endpoints.chat_endpoint import ChatEndpoint


class EventAudit(StrictModel):
    """A published audit with the words that follow from it."""

    audit: SilenceAudit
    reply: Annotated[str, Field(max_length=600)]
    emotion: Emotion

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (self.audit.label is AuditLabel.RESPOND) != bool(self.reply.strip()):
            raise PydanticCustomError("reply", "to respond a reply is needed, else it is empty")
        return self


QUIET = EventAudit(audit=SilenceAudit(), reply="", emotion=Emotion.NORMAL)


class EventAuditor(Protocol):
    """Silent by default; what is borderline is left out of scenes."""

    def audit(self, scenario: Scenario, event: SubEvent) -> EventAudit: ...


_ROLE = "You decide when an always-on assistant breaks its silence over a sound."
_TASK = """Should the assistant respond to this sound, unasked? It stays silent by default. It \
responds only to acute physiological distress, severe weather or natural hazard, equipment \
damage or fire, or a safety-critical environment. Label: silent, respond, or borderline where that \
can be argued. criterion is null when silent. reply: when it responds one or two short sentences \
to who is there, else empty.
Scene: {scenario}
Sound: {name}: {description}
"""


class ModelAuditor:
    """A language model with the published rule."""

    def __init__(self, chat: ChatEndpoint) -> None:
        self._chat = chat

    def audit(self, scenario: Scenario, event: SubEvent) -> EventAudit:
        """:raises UnusableAnswer: when the model gives no valid answer.
        :raises EndpointFailure: when the server cannot be used.
        """
        text = _TASK.format(
            scenario=scenario.scenario, name=event.name, description=event.brief_description
        )
        return self._chat.ask(Question(_ROLE, text), EventAudit)


def _known(kind: str) -> EventAudit:
    meaning = MEANINGS[kind]
    return EventAudit(audit=meaning.audit, reply=meaning.reply, emotion=meaning.emotion)


def _alarm(criterion: RespondCriterion, reply: str) -> EventAudit:
    return EventAudit(audit=audited(criterion), reply=reply, emotion=Emotion.URGENT)


_CLEAR: tuple[tuple[str, EventAudit], ...] = (
    ("smoke alarm", _known("smoke_alarm")), ("fire alarm", _known("smoke_alarm")),
    ("smoke detector", _known("smoke_alarm")),
    ("glass breaking", _known("glass")), ("glass shattering", _known("glass")),
    ("glass smashing", _known("glass")), ("window breaking", _known("glass")),
    ("siren", _known("siren")), ("crash", _known("crash")), ("collision", _known("crash")),
    ("crying", _known("crying")), ("sobbing", _known("crying")), ("weeping", _known("crying")),
    ("cough", _known("cough")),
    ("explosion", _alarm(RespondCriterion.SAFETY_CRITICAL,
                         "That sounded like an explosion. Please get to safety.")),
    ("gunshot", _alarm(RespondCriterion.SAFETY_CRITICAL,
                       "That sounded like a shot. Please get to safety and call the police.")),
    ("screaming", _alarm(RespondCriterion.PHYSIOLOGICAL_DISTRESS,
                         "I heard somebody scream. Does anybody need help?")),
)  # fmt: skip
_ARGUABLE = frozenset(
    terms(
        "alarm fire flame thunder storm hail flood earthquake avalanche gas leak bang shot scream "
        "shout moan groan choking wheezing snoring vomit glass shatter smash break window "
        "emergency ambulance police horn brake skid whistle kettle grinding rattle squeal growl "
        "gun shoot explode hurt pain shriek beg blood burst"
    )
)


class RuleAuditor:
    """By words: clear where an event says it all, borderline where a word may mean harm."""

    def audit(self, scenario: Scenario, event: SubEvent) -> EventAudit:
        words = set(terms(f"{event.name} {event.brief_description}"))
        for wanted, found in _CLEAR:
            if set(terms(wanted)) <= words:
                return found
        if words & _ARGUABLE:
            borderline = SilenceAudit(
                label=AuditLabel.BORDERLINE, criterion=RespondCriterion.SAFETY_CRITICAL
            )
            return EventAudit(audit=borderline, reply="", emotion=Emotion.NORMAL)
        return QUIET
