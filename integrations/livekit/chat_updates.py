"""What LiveKit adds to the conversation in writing: told to the model, or obeyed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from livekit.agents import llm
from livekit.agents.cli import AgentsConsole

from interject.agent.phrases import wishes_phrase
from interject.integrations.conversation.chat_rules import NOT_READ
from interject.integrations.livekit.writer import WRITER

if TYPE_CHECKING:
    import asyncio

    from livekit.agents.llm import ChatContext

    from interject.config import RoomSettings
    from interject.integrations.conversation.text_turns import Reading, TextTurns
    from interject.integrations.livekit.history import History
    from interject.model_runtime.protocol import RuntimeFailure


class ListeningSwitch(Protocol):
    """What words to stop and go on switch."""

    @property
    def listening(self) -> bool: ...

    def stop_listening(self) -> None: ...

    def resume_listening(self) -> None: ...


class ChatUpdates:
    """The first history is given, and what comes after it is written: only there words count.

    `take_notice` gives what the next reply has to say instead of the model's own words.
    """

    def __init__(
        self, settings: RoomSettings, history: History, texts: TextTurns, switch: ListeningSwitch
    ) -> None:
        self._settings = settings
        self._history = history
        self._texts = texts
        self._switch = switch
        self._given = False
        self._notice: str | None = None

    def take_notice(self) -> str | None:
        notice, self._notice = self._notice, None
        return notice

    async def update(
        self, chat_ctx: ChatContext, *, until: asyncio.Task[None], timeout_s: float
    ) -> None:
        """:raises RuntimeFailure: when what is written cannot be read."""
        fresh, written = self._history.take_new(chat_ctx), self._given
        self._given = True
        readings: dict[str, Reading] = {}
        for item in fresh:
            if not isinstance(item, llm.ChatMessage) or not (text := item.raw_text_content):
                continue
            if item.role == "user" and written and self._obeyed(text):
                continue
            if item.role == "assistant":
                self._texts.remember(text)
            else:
                readings[item.id] = self._texts.turn(text, answer=False, writer=WRITER.get())
        if written:
            self._refuse(await self._texts.read(readings, until=until, timeout_s=timeout_s))

    def _obeyed(self, text: str) -> bool:
        """Whether what somebody wrote is not for the model; the next reply tells him so."""
        if wishes_phrase(text, self._settings.stop_phrases):
            self._switch.stop_listening()
        elif wishes_phrase(text, self._settings.resume_phrases) and not self._switch.listening:
            self._switch.resume_listening()
            self._notice = self._settings.announcement
            return True
        if not self._switch.listening:
            self._notice = self._settings.stop_notice
        return not self._switch.listening

    def _refuse(self, refused: dict[str, RuntimeFailure]) -> None:
        """LiveKit's console ends with a reply that fails; there the reply says it instead.

        :raises RuntimeFailure: the first; none of them stands in the history.
        """
        if refused and AgentsConsole.get_instance().enabled:
            self._notice = NOT_READ
            return
        for item_id in refused:
            self._history.forget(item_id)
        for error in refused.values():
            raise error
