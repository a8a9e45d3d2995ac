"""What is shipped in `deploy/`, read."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import yaml

from interject.integrations.conversation.call_agent import LAST_WORDS_S
from interject.integrations.conversation.switchboard import LAST_CALLS_S
from interject.integrations.web.http_server import END_S
from interject.integrations.web.webhook import LAST_S

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
VARIABLE = re.compile(r"\$\{(\w+)(?::[?-][^}]*)?\}")

GOODBYE_S = LAST_WORDS_S + LAST_CALLS_S + LAST_S + END_S
"""What may follow after a server's calls have had their time: a last sentence, the end of calls,
what waits for a webhook, and the end of HTTP.
"""
Document = dict[str, Any]


def compose(environment: dict[str, str] | None = None) -> Document:
    """The compose file with its variables put in."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    values = environment or {}
    found: Document = yaml.safe_load(VARIABLE.sub(lambda m: values.get(m[1], "x"), text))
    return found


def compose_variables() -> set[str]:
    """The variables that it takes from its environment."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    secrets = compose()["secrets"].values()
    return set(VARIABLE.findall(text)) | {secret["environment"] for secret in secrets}


def manifests(folder: str = "k8s") -> dict[tuple[str, str], Document]:
    """Every Kubernetes object of a folder by kind and name."""
    documents = [
        document
        for path in sorted((DEPLOY / folder).glob("*.yaml"))
        if path.name != "kustomization.yaml"
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    ]
    return {(d["kind"], d["metadata"]["name"]): d for d in documents}


def is_executable(path: Path) -> bool:
    return os.access(path, os.X_OK)
