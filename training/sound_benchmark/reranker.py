"""A reranker behind HTTP that says how near a reply is to texts, from 0 to 1.

Two shapes of `/rerank` are common: `documents` answered by `results` (Jina, Cohere, vLLM), and
`texts` answered by a bare list (text-embeddings-inference). The first is tried first.
"""

from __future__ import annotations

import json
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from interject.training.endpoints.failures import EndpointFailure
from interject.training.endpoints.http_endpoint import RefusedRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.training.endpoints.http_endpoint import HttpEndpoint

DEFAULT_MODEL = "BAAI/bge-reranker-v2-m3"
"""The published one."""
OTHER_SHAPE = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)


class Reranker:
    """`endpoint.settings.base_url` ends before `/rerank`."""

    def __init__(self, endpoint: HttpEndpoint) -> None:
        self._endpoint = endpoint
        self._takes_documents = True

    def best(self, reply: str, answers: Sequence[str]) -> float:
        """The largest score among the answers.

        :raises EndpointFailure: when the server cannot be used, or answers nonsense.
        """
        if self._takes_documents:
            try:
                return self._score(reply, answers, documents=True)
            except RefusedRequest as error:
                if error.status not in OTHER_SHAPE:
                    raise
        score = self._score(reply, answers, documents=False)
        self._takes_documents = False
        return score

    def _score(self, reply: str, answers: Sequence[str], *, documents: bool) -> float:
        body: dict[str, Any] = {"query": reply, "texts": list(answers), "raw_scores": False}
        if documents:
            model = self._endpoint.settings.model
            body = {
                "model": model, "query": reply, "documents": list(answers), "top_n": len(answers),
            }  # fmt: skip
        content = self._endpoint.post("rerank", json=body).body
        try:
            found = json.loads(content)
            rows = found["results"] if isinstance(found, dict) else found
            scores = {row["index"]: _number(row) for row in rows}
        except (ValueError, KeyError, TypeError, RecursionError):
            raise self._nonsense("is no list of scores") from None
        if sorted(scores) != list(range(len(answers))) or len(rows) != len(answers):
            raise self._nonsense(f"does not score each of {len(answers)} texts once")
        best = max(scores.values())
        if not all(0 <= score <= 1 for score in scores.values()):
            raise self._nonsense(
                f"holds the score {best:g}; a normalised one is from 0 to 1, so the server must "
                "be told to normalise"
            )
        return best

    def _nonsense(self, what: str) -> EndpointFailure:
        return EndpointFailure(f"the answer of {self._endpoint.settings.base_url}/rerank {what}")


def _number(row: Any) -> float:
    """:raises ValueError: when it is none."""
    value = row["relevance_score"] if "relevance_score" in row else row["score"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("no number")
    if isinstance(row["index"], bool) or not isinstance(row["index"], int):
        raise ValueError("no index")
    return float(value)
