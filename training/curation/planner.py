"""From a bag of annotations to one scene, or to two where they cannot be in one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from interject.training.curation.scenario import MOST_SCENES, ScenePlan
from interject.training.endpoints.chat_endpoint import Question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.training.curation.annotated_sound import AnnotatedSound
    from interject.training.endpoints.chat_endpoint import ChatEndpoint

_ROLE = "You plan realistic soundscapes for a data set of always-on listening."
_TASK = """From these annotations of recordings plan one everyday scene that could be heard by one \
microphone, or two scenes where the sounds cannot be in one place.
- scenario: one sentence.
- sub_events: 3 to 15. name is unique; role is fg (an event that matters, heard one after the \
other), bg (by the way) or amb (what lies under everything). rough_duration_s is in seconds.
- At least one amb lasts as long as all fg events together, and as long as the longest bg.
- constraints: order (first ends before second begins) and exclusion (never at once), by names.
Leave out what fits nowhere. Invent nothing that contradicts the annotations.

Annotations:
"""


class ScenarioPlanner(Protocol):
    """A seed makes the same bag another plan."""

    def plan(self, bag: Sequence[AnnotatedSound], seed: int) -> ScenePlan: ...


class ModelPlanner:
    """A language model; the paper asks it at temperature 0.7, and so does `ChatEndpoint`."""

    def __init__(self, chat: ChatEndpoint) -> None:
        self._chat = chat

    def plan(self, bag: Sequence[AnnotatedSound], seed: int) -> ScenePlan:
        """:raises UnusableAnswer: when the model gives no valid plan.
        :raises EndpointFailure: when the server cannot be used.
        """
        lines = [
            json.dumps({"tags": sound.tags, "caption": sound.caption}, ensure_ascii=False)
            for sound in bag
        ]
        listed = "\n".join(lines)
        text = f"{_TASK}{listed}\n\nAt most {MOST_SCENES} scenes. Variation {seed}."
        return self._chat.ask(Question(_ROLE, text), ScenePlan)
