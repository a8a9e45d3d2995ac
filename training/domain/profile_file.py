"""A profile that runs a domain's model with the threshold that its examination chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from interject.training.sequences.prompt import VERBATIM_PROMPT

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.domain.domain_file import DomainFile


def write_profile(path: Path, domain: DomainFile, threshold: float) -> None:
    """:raises OSError: when it cannot be written."""
    content = {
        "name": domain.name,
        "description": "Reacts to " + ", ".join(reaction.name for reaction in domain.react),
        "system_prompt": VERBATIM_PROMPT,
        "threshold": threshold,
    }
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
