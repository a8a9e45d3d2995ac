"""What a server tells programs of one of its calls, as it happens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SILENT, RESPOND, NOT_FOLLOWED = "silent", "respond", "not_followed"
ADVICE = {401: {"detail": "set INTERJECT_API_TOKEN to a token of the server"}}


class DecisionCount:
    """What the model decided, of all events that were told."""

    def __init__(self) -> None:
        self._decisions = self._respond = 0
        self._is_followed = True

    @property
    def counts(self) -> dict[str, int]:
        """Nothing where the server never told of any."""
        if not self._is_followed and not self._decisions:
            return {}
        return {"decisions": self._decisions, "respond": self._respond}

    def add(self, event: str) -> None:
        self._decisions += event in (SILENT, RESPOND)
        self._respond += event == RESPOND
        self._is_followed = self._is_followed and event != NOT_FOLLOWED


async def server_events(
    address: str, token: str, call: str
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Decisions, replies and cues, with their fields; `address` is host:port. One that tells
    nothing says why, as an event.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    params = {"call": call, "all": "true"}
    try:
        async with (
            httpx.AsyncClient(headers=headers, timeout=None, trust_env=False) as client,
            client.stream("GET", f"http://{address}/api/cues", params=params) as answer,
        ):
            if answer.is_error:
                status = answer.status_code
                yield NOT_FOLLOWED, {"status": status, **ADVICE.get(status, {})}
                return
            name = ""
            async for line in answer.aiter_lines():
                key, _, value = line.partition(": ")
                if key == "event":
                    name = value
                elif key == "data" and name != "hello":
                    yield _event(name, json.loads(value))
    except httpx.HTTPError as error:
        yield NOT_FOLLOWED, {"error": type(error).__name__}


def _event(name: str, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if name == "decision":
        told = data["decision"]
        event = RESPOND if told["respond"] else SILENT
        return event, {"chunk": told["chunk"], "p_respond": round(told["p_respond"], 3)}
    if name == "cue":
        shown = data["cue"]
        kept = {field: shown[field] for field in ("text", "category", "priority")}
        return name, {"to": ", ".join(data["identities"]), **kept}
    if name == "checklist":
        return name, _checklist(data["items"], data["ticked"])
    if name == "summary":
        counted = {field: len(data[field]) for field in ("replies", "cues")}
        return name, {"seconds": round(data["seconds"], 1), **counted}
    kept = {field: data[field] for field in ("emotion", "text") if field in data}
    return name.replace(".", "_"), kept


def _checklist(items: list[dict[str, Any]], ticked: list[str]) -> dict[str, str]:
    done = sum(item["done"] for item in items)
    new = ", ".join(item["text"] for item in items if item["item"] in ticked)
    return {"done": f"{done} of {len(items)}", **({"ticked": new} if new else {})}
