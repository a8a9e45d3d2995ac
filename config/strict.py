"""The base of every model that reads something a person wrote."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """Unknown keys are refused, since a typo that is ignored looks like a setting that works.

    Values are not converted between types either: `threshold: yes` must not become 1.0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
