"""Whether a sound is a reason to speak up. The published audit: silence, unless it has to be."""

from __future__ import annotations

from enum import StrEnum

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from interject.config.strict import StrictModel


class AuditLabel(StrEnum):
    """What is `BORDERLINE` is used for nothing."""

    SILENT = "silent"
    RESPOND = "respond"
    BORDERLINE = "borderline"


class RespondCriterion(StrEnum):
    """The only four reasons."""

    PHYSIOLOGICAL_DISTRESS = "acute physiological distress"
    SEVERE_WEATHER = "severe weather or natural hazard"
    EQUIPMENT_DAMAGE = "equipment damage or fire"
    SAFETY_CRITICAL = "safety-critical environment"


class SilenceAudit(StrictModel):
    """One answer of the audit, by a rule, a person or a model."""

    label: AuditLabel = AuditLabel.SILENT
    criterion: RespondCriterion | None = None

    @model_validator(mode="after")
    def _reasoned(self) -> SilenceAudit:
        if (self.label is AuditLabel.SILENT) != (self.criterion is None):
            raise PydanticCustomError(
                "criterion", "to respond one criterion is needed, to be silent none may be met"
            )
        return self


def audited(criterion: RespondCriterion | None, *, is_clear: bool = True) -> SilenceAudit:
    """Silent unless a criterion is met; where that can be argued, borderline."""
    if criterion is None:
        return SilenceAudit()
    return SilenceAudit(
        label=AuditLabel.RESPOND if is_clear else AuditLabel.BORDERLINE, criterion=criterion
    )
