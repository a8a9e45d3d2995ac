"""From a profile to what a runtime session is opened with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.protocol import FloorMode, Sampling, SessionOptions

if TYPE_CHECKING:
    from interject.config import Profile


def session_options(
    profile: Profile,
    session_id: str,
    *,
    prompt_ids: tuple[int, ...] | None = None,
    threshold: float | None = None,
) -> SessionOptions:
    """`threshold` wins over the profile's own."""
    return SessionOptions(
        session_id=session_id,
        system_prompt=profile.system_prompt,
        prompt_ids=prompt_ids,
        threshold=profile.threshold if threshold is None else threshold,
        mode=FloorMode(profile.mode),
        max_reply_tokens=profile.reply.max_tokens,
        sampling=Sampling(
            temperature=profile.sampling.temperature,
            top_k=profile.sampling.top_k,
            top_p=profile.sampling.top_p,
            seed=profile.sampling.seed,
        ),
    )
