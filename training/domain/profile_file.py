"""A profile that runs a domain's model with the threshold that its examination chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from interject.training.dataset.durable_files import whole_file
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
    with whole_file(path) as file:
        yaml.safe_dump(content, file, sort_keys=False)
