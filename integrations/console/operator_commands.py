"""What an operator may do in a session, and doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, TypeAdapter

from interject.config.strict import StrictModel
from interject.integrations.conversation.consent import NOBODY
from interject.integrations.conversation.control_messages import SetCap, SetMode, SetThreshold
from interject.integrations.web.living_cards import CardMark

if TYPE_CHECKING:
    from interject.integrations.conversation.call_follower import FollowedAgent

MOST_SAID_CHARS = 500


class MarkCard(StrictModel):
    """A card's id. `acknowledge`: somebody sees to it; `dismiss`: nobody need look at it."""

    do: Literal["acknowledge", "dismiss"]
    card: str = Field(min_length=1, max_length=200)

    @property
    def mark(self) -> CardMark:
        return CardMark.DISMISSED if self.do == "dismiss" else CardMark.ACKNOWLEDGED


class AnswerWish(StrictModel):
    """A wish's id: the tool may run, or may not. The first answer counts."""

    do: Literal["allow", "deny"]
    wish: str = Field(min_length=1, max_length=64)


class ChangeMode(SetMode):
    do: Literal["set_mode"]


class ChangeThreshold(SetThreshold):
    do: Literal["set_threshold"]


class ChangeCap(SetCap):
    do: Literal["set_cap"]


class SayThis(StrictModel):
    """The agent says these words, and remembers that it did."""

    do: Literal["say"]
    text: str = Field(min_length=1, max_length=MOST_SAID_CHARS, pattern=r"\S")


class Plainly(StrictModel):
    """`be_quiet` cuts what is being said and played; what was not heard of a reply leaves the
    model's memory.
    """

    do: Literal["answer_now", "be_quiet", "stop_listening", "resume_listening"]


OperatorCommand = Annotated[
    MarkCard | AnswerWish | ChangeMode | ChangeThreshold | ChangeCap | SayThis | Plainly,
    Field(discriminator="do"),
]
COMMAND: TypeAdapter[OperatorCommand] = TypeAdapter(OperatorCommand)


async def operate(agent: FollowedAgent, command: OperatorCommand) -> None:
    """Whatever concerns the agent; cards and wishes are no matter of its own.

    :raises RuntimeFailure: when the model cannot do it.
    """
    match command:
        case ChangeMode():
            agent.controls.set_mode(command.mode)
        case ChangeThreshold():
            agent.controls.set_threshold(command.threshold)
        case ChangeCap():
            agent.controls.set_cap(command.per_minute)
        case SayThis():
            await agent.say(command.text)
        case Plainly(do="answer_now"):
            agent.answer_now()
        case Plainly(do="be_quiet"):
            await agent.be_quiet()
        case Plainly(do="stop_listening"):
            agent.consent.stop(NOBODY)
        case Plainly(do="resume_listening"):
            agent.consent.resume(NOBODY, authority=True)
