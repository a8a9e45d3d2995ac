"""Replies held against standard answers by a reranker, once all clips have been played."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from interject.cli.output.item_progress import item_progress
from interject.cli.process.failures import complain
from interject.training.endpoints.failures import EndpointFailure
from interject.training.sound_benchmark.answers import answers_to
from interject.training.sound_benchmark.reranker import Reranker
from interject.training.sound_benchmark.semantic import is_scored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from interject.cli.eval.request import SemanticRequest, SoundsRequest
    from interject.training.endpoints.http_endpoint import HttpEndpoint
    from interject.training.endpoints.settings import EndpointSettings
    from interject.training.sound_benchmark.report import ReportedItem

PROBE = "Is anybody there?"


@contextlib.contextmanager
def open_reranker(
    request: SemanticRequest | None, connect: Callable[[EndpointSettings], HttpEndpoint]
) -> Iterator[Reranker | None]:
    """Asked once at the beginning: a wrong key is told before an hour of clips is played.

    :raises EndpointFailure: when it cannot be used.
    """
    if request is None:
        yield None
        return
    with connect(request.endpoint) as endpoint:
        reranker = Reranker(endpoint)
        reranker.best(PROBE, [PROBE, "Nobody is."])
        yield reranker


def with_semantic(
    request: SoundsRequest, items: Sequence[ReportedItem], reranker: Reranker
) -> list[ReportedItem] | None:
    """The items with their scores. None when the reranker failed, which is told."""
    assert request.semantic is not None, "a reranker is there for standard answers"
    played = {(item.tier, item.item_id): item for item in request.items}
    scored: list[ReportedItem] = []
    try:
        with item_progress(len(items), sys.stderr) as done:
            for item in items:
                score = None
                if is_scored(item):
                    answers = answers_to(played[item.tier, item.id], request.semantic.answers)
                    score = reranker.best(item.reply, answers)
                scored.append(item.model_copy(update={"semantic": score}))
                done()
    except EndpointFailure as exc:
        complain(f"the semantic score is left out: {exc}")
        return None
    return scored
