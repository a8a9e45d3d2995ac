"""What the model has been told, so that LiveKit's copies of the conversation tell it only once."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from livekit.agents import llm

if TYPE_CHECKING:
    from livekit.agents.llm import ChatContext, ChatItem

MAX_ITEMS = 400
MAX_KNOWN = 4_000


class History:
    """The newest items whole, and the ids of many more: a session may last for days."""

    def __init__(self) -> None:
        self._items = llm.ChatContext.empty()
        self._known: OrderedDict[str, None] = OrderedDict()

    @property
    def chat_ctx(self) -> ChatContext:
        return self._items

    def add(self, item: ChatItem) -> None:
        if item.id in self._known:
            return
        self._known[item.id] = None
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        self._items.insert(item)
        self._items.truncate(max_items=MAX_ITEMS)

    def forget(self, item_id: str) -> None:
        """It was not told after all."""
        self._known.pop(item_id, None)
        self._items.items = [item for item in self._items.items if item.id != item_id]

    def take_new(self, chat_ctx: ChatContext) -> list[ChatItem]:
        """The items that are not known yet; they are from now on."""
        fresh = [item for item in chat_ctx.items if item.id not in self._known]
        for item in fresh:
            self.add(item)
        return fresh
