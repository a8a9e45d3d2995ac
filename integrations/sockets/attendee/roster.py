"""Who is in which meeting, learnt before, beside and after the sound."""

from __future__ import annotations

from collections import OrderedDict

MOST_MEETINGS, MOST_PEOPLE = 256, 1_000


class Roster:
    """The meetings that news came of last."""

    def __init__(self) -> None:
        self._meetings: OrderedDict[str, dict[str, str]] = OrderedDict()

    def came(self, bot_id: str, uuid: str, name: str) -> None:
        people = self._meetings.setdefault(bot_id, {})
        self._meetings.move_to_end(bot_id)
        if uuid in people or len(people) < MOST_PEOPLE:
            people[uuid] = name
        if len(self._meetings) > MOST_MEETINGS:
            self._meetings.popitem(last=False)

    def left(self, bot_id: str, uuid: str) -> None:
        self._meetings.get(bot_id, {}).pop(uuid, None)

    def forget(self, bot_id: str) -> None:
        self._meetings.pop(bot_id, None)

    def of(self, bot_id: str) -> dict[str, str]:
        """The name of each who is there."""
        return dict(self._meetings.get(bot_id, {}))
