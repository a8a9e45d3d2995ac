"""Which of several errors says what happened."""

from __future__ import annotations

from typing import Any

from interject.model_runtime.protocol import RuntimeFailure, SessionClosed


def clearest(group: BaseExceptionGroup[Any]) -> BaseException:
    """One error alone is raised as itself, so that callers can catch it by its type.

    That the session is closed follows from whatever closed it, so it is the last to be named.
    """
    leaves = sorted(_leaves(group), key=lambda error: isinstance(error, SessionClosed))
    alone = len(leaves) == 1 or all(isinstance(error, RuntimeFailure) for error in leaves)
    return leaves[0] if alone else group


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
