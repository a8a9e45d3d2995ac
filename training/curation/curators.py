"""The two kinds of curator: by rules, and by a language model in every role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.training.curation.curation_settings import CurationSettings
from interject.training.curation.event_auditor import ModelAuditor, RuleAuditor
from interject.training.curation.grounder import Grounder
from interject.training.curation.planner import ModelPlanner
from interject.training.curation.refiner import ModelRefiner, RuleRefiner
from interject.training.curation.rule_planner import RulePlanner
from interject.training.curation.scene_curator import SceneCurator
from interject.training.curation.verifier import ModelIdentity, Verifier

if TYPE_CHECKING:
    from interject.training.curation.annotated_sound import SoundCatalogue
    from interject.training.endpoints.chat_endpoint import ChatEndpoint

SETTINGS = CurationSettings()


def rule_curator(catalogue: SoundCatalogue, settings: CurationSettings = SETTINGS) -> SceneCurator:
    return SceneCurator(
        catalogue, RulePlanner(catalogue.length_s), RuleRefiner(), RuleAuditor(),
        Grounder(catalogue, settings), settings,
    )  # fmt: skip


def model_curator(
    catalogue: SoundCatalogue, chat: ChatEndpoint, settings: CurationSettings = SETTINGS, *,
    hears: bool = False,
) -> SceneCurator:  # fmt: skip
    """`hears`: the model takes sound, and listens to what was found."""
    verifier = Verifier(settings, ModelIdentity(chat, hears=hears))
    return SceneCurator(
        catalogue, ModelPlanner(chat), ModelRefiner(chat), ModelAuditor(chat),
        Grounder(catalogue, settings, verifier), settings, chat.model,
    )  # fmt: skip
